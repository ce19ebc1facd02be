"""Points of the passages in Chroma: in a folder of this machine, or on a Chroma server.

Chroma never embeds here (`embedding_function=None`: its own one reaches for the network) and sends no telemetry.
Embedded, each process reads with a view of its own, which is opened anew after another process has written.

On a server many studios may keep their points. A collection's name is drawn by chance, kept beside the index, and the
collection says itself whose it is: one that does not is another's and is neither read nor written nor deleted.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from backend.documents.index.settings import EMBEDDED
from backend.documents.index.within import ALL, Hit, Within
from backend.errors import StorageProblem, Unavailable, first_line
from backend.files import make_folder, write_atomic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME: Final = "passages"
SERVER: Final = "chroma-server.txt"
"""Beside the index: the name of its collection on the server, and on a second line `made` once it has been made."""
OWNER: Final = "matchum"
MADE: Final = "made"
CONNECT_S: Final = 5.0
ANSWER_S: Final = 120.0
AT_ONCE: Final = 2_000
"""Points of one call."""
REOPEN_REST: Final = 20
"""A view is opened anew at most for one part in so many of the time, however often another process writes."""


class Point(NamedTuple):
    """Whose point it is."""

    row: int
    put: int
    document: int
    language: str


class Vectors:
    """The points of one index. Any thread; writers of other processes are kept apart by the index's lock."""

    def __init__(self, folder: Path, chroma: str = EMBEDDED, answer_s: float = ANSWER_S) -> None:
        """`answer_s` is how long a server may take for an answer."""
        self._folder, self._chroma, self._answer_s = folder, chroma, answer_s
        self._mark = folder.parent / SERVER
        self._client: Any = None
        self._collection: Any = None
        self._lock = threading.RLock()
        self._opened, self._cost = 0.0, 0.0

    def refresh(self, at_once: bool = False) -> bool:
        """See what other processes have written since; False when it is too soon to open the folder again."""
        if self._chroma != EMBEDDED:
            return True
        with self._lock:
            if self._client is None:
                return True
            if not at_once and time.monotonic() - self._opened < REOPEN_REST * self._cost:
                return False
            self.close()
            return True

    def nearest(self, point: NDArray[np.float32], count: int, within: Within = ALL) -> list[Hit]:
        """Row ids with their cosine, the nearest first. Raises Unavailable("error.chroma_down")."""
        with self._told() as collection:
            answer = collection.query(
                query_embeddings=[point], n_results=max(count, 1), where=within.where(), include=["distances"]
            )
        return [(int(row), 1.0 - float(d)) for row, d in zip(answer["ids"][0], answer["distances"][0], strict=True)]

    def points(self, rows: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """The points of these rows; those that are not there are left out."""
        found: dict[int, NDArray[np.float32]] = {}
        for some in (rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE)):
            with self._told() as collection:
                answer = collection.get(ids=[str(row) for row in some], include=["embeddings"])
            found |= {int(row): point for row, point in zip(answer["ids"], answer["embeddings"], strict=True)}
        return found

    def add(self, entries: Sequence[Point], points: NDArray[np.float32]) -> None:
        """One entry for each row of `points`. Raises Unavailable("error.chroma_down"), StorageProblem."""
        for at in range(0, len(entries), AT_ONCE):
            some = entries[at : at + AT_ONCE]
            with self._told() as collection:
                collection.upsert(
                    ids=[str(entry.row) for entry in some],
                    embeddings=points[at : at + AT_ONCE],
                    metadatas=[entry._asdict() for entry in some],
                )

    def remove(self, puts: Sequence[int]) -> None:
        """All points of these puts."""
        for at in range(0, len(puts), AT_ONCE):
            with self._told() as collection:
                collection.delete(where={"put": {"$in": list(puts[at : at + AT_ONCE])}})

    def count(self) -> int:
        with self._told() as collection:
            return int(collection.count())

    @property
    def named(self) -> str:
        """What its collection on a server is called; "" before there was one."""
        return self._marked().partition("\n")[0]

    def lost(self) -> bool:
        """Whether the server has no such collection any more, though there was one. Raises Unavailable."""
        try:
            self.count()
        except Unavailable as fault:
            if fault.key == "error.chroma_gone":
                return True
            raise
        return False

    def begin_anew(self) -> None:
        """After a loss: the next use makes a new collection."""
        self.close()
        self._mark.unlink(missing_ok=True)

    def forget(self) -> None:
        """Take the collection away from a server; a folder is deleted by who owns it. Raises Unavailable.

        That there was one stays noted: who goes on with the index is told that it was lost, and makes it anew.
        """
        if self._chroma == EMBEDDED or not self._mark.is_file() or self.lost():
            return
        with self._told() as collection:
            self._client.delete_collection(collection.name)
        self.close()

    def close(self) -> None:
        """Give memory and files back; the next use opens anew."""
        with self._lock:
            client, self._client, self._collection = self._client, None, None
            if client is not None:
                let_go(client)

    def _marked(self) -> str:
        return self._mark.read_text("utf-8") if self._mark.is_file() else ""

    @contextmanager
    def _told(self) -> Iterator[Any]:
        """The collection, opened at first use; what goes wrong as a StudioError."""
        import httpx
        from chromadb.errors import ChromaError

        try:
            yield self._open()
        except (httpx.HTTPError, ConnectionError, TimeoutError, socket.gaierror) as fault:
            self.close()
            raise Unavailable("error.chroma_down", url=self._chroma) from fault
        except ChromaError as fault:
            raise self._fault(fault) from fault
        except ValueError as fault:
            if self._chroma == EMBEDDED or "connect" not in str(fault).lower():
                raise
            raise Unavailable("error.chroma_down", url=self._chroma) from fault

    def _fault(self, fault: Exception) -> StorageProblem | Unavailable:
        why = first_line(fault)
        if self._chroma != EMBEDDED:
            return Unavailable("error.chroma_failed", url=self._chroma, why=why)
        if "full" in why.lower() or "No space left" in why:
            return StorageProblem("error.disk_full", path=self._folder.name)
        return StorageProblem("error.index_damaged", why=why)

    def _open(self) -> Any:
        with self._lock:
            if self._collection is None:
                since = time.monotonic()
                self._client = self._new_client()
                self._collection = self._made(NAME) if self._chroma == EMBEDDED else self._on_server()
                self._opened = time.monotonic()
                self._cost = self._opened - since
            return self._collection

    def _made(self, name: str) -> Any:
        told = None if self._chroma == EMBEDDED else {OWNER: name}
        return self._client.get_or_create_collection(
            name, metadata=told, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def _on_server(self) -> Any:
        """Raises Unavailable("error.chroma_gone" | "error.chroma_foreign", url=)."""
        from chromadb.errors import NotFoundError

        name, _, state = self._marked().partition("\n")
        if not name:
            name = f"{OWNER}-{secrets.token_hex(12)}"
            write_atomic(self._mark, name)
        try:
            found = self._client.get_collection(name, embedding_function=None) if state else self._made(name)
        except NotFoundError as fault:
            raise Unavailable("error.chroma_gone", url=self._chroma) from fault
        if (found.metadata or {}).get(OWNER) != name:
            raise Unavailable("error.chroma_foreign", url=self._chroma, name=name)
        if not state:
            write_atomic(self._mark, f"{name}\n{MADE}")
        return found

    def _new_client(self) -> Any:
        import chromadb
        import httpx
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        if self._chroma == EMBEDDED:
            return chromadb.PersistentClient(str(make_folder(self._folder)), settings=settings)
        parts = urlsplit(self._chroma)
        secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        wait = httpx.Timeout(self._answer_s, connect=min(CONNECT_S, self._answer_s))
        httpx.get(f"{self._chroma}/api/v2/heartbeat", timeout=wait)  # the client itself would wait for ever
        client: Any = chromadb.HttpClient(host, port, ssl=secure, settings=settings)
        for session in _sessions(client):  # it offers no way to say how long an answer may take
            session.timeout = wait
        return client


def let_go(client: Any) -> None:
    """Close a client; that of a server leaves its connections open when it is closed."""
    for session in _sessions(client):
        session.close()
    with suppress(RuntimeError, ValueError, KeyError):
        client.close()


def _sessions(client: Any) -> list[Any]:
    """The connections of a server's client: its own, and those of the second client that it keeps for itself."""
    servers = (getattr(one, "_server", None) for one in (client, getattr(client, "_admin_client", None)))
    sessions = (getattr(server, "_session", None) for server in servers)
    return [session for session in sessions if session is not None]
