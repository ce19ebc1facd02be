"""The index of a project: put a document in, take it out, find by words and by points."""

from __future__ import annotations

import json
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from backend.documents.index.filtering import nearest_within
from backend.documents.index.rows import PassageRows
from backend.documents.index.scan import Scan, View
from backend.documents.index.settings import EMBEDDED, ROWS, IndexSettings, index_folder
from backend.documents.index.vectors import ANSWER_S, Point, Vectors
from backend.documents.index.within import ALL, Hit, Within
from backend.documents.index.words import Words
from backend.documents.values import Passage
from backend.errors import BadInput, Busy, NotFound, Refused, StorageProblem, Unavailable
from backend.files import make_folder, storing, write_atomic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WRITER_WAIT_S: Final = 20.0
ABOUT: Final = "about.json"
CHROMA: Final = "chroma"
MOST_SCANNED: Final = 300_000
"""Up to so many points the copy answers; among more, without a filter, Chroma's graph is the quicker."""


@dataclass(frozen=True)
class Entry:
    """A document to be put in. `vectors` are unit rows (passages, dimensions); None where the index has no points."""

    document_id: int
    passages: Sequence[Passage]
    vectors: NDArray[np.float32] | None = None


class Index:
    """Any thread may use it. One process writes at a time; others read meanwhile and see what is finished."""

    def __init__(self, folder: Path, settings: IndexSettings) -> None:
        """`folder` is the project's. Raises StorageProblem, Refused("error.index_other_model")."""
        self.settings = settings
        self.folder = make_folder(index_folder(folder, settings))
        self._check_about()
        self.rows = PassageRows(self.folder / ROWS)
        self.words = Words(self.folder / "words", settings.analysis)
        self.vectors = None if settings.embedding.kind == "none" else Vectors(self.folder / CHROMA, settings.chroma)
        scanned = self.vectors is not None and settings.chroma == EMBEDDED
        self.scan = Scan(self.folder / "points") if scanned else None
        self._file_lock = FileLock(self.folder / "writer.lock")
        self._lock, self._looking = threading.RLock(), threading.Lock()
        self._writing = 0
        self._seen = self._seen_of_vectors = self.rows.generation()
        self._seen_of_scan, self._scan_is_whole = -1, False

    # --- writing

    def put(self, document_id: int, passages: Sequence[Passage], vectors: NDArray[np.float32] | None = None) -> None:
        """From now on the document has these passages, in place of what it had: all of it or nothing.

        Raises Busy("error.index_busy"), BadInput("error.index_vectors"), Refused("error.index_other_model"),
        StorageProblem, Unavailable("error.chroma_down").
        """
        self.put_all([Entry(document_id, passages, vectors)])

    def put_all(self, entries: Sequence[Entry]) -> None:
        """Many documents in one go: far quicker than one by one. All of them or none. Raises as `put`."""
        with self.writing():
            self._check_vectors(entries)
            puts = self.rows.begin([len(entry.passages) for entry in entries])
            self._put_vectors(entries, puts)
            for entry, (put, last) in zip(entries, puts, strict=True):
                named = enumerate(entry.passages, last + 1)
                self.words.add(put, entry.document_id, ((row, searched(p), p.language) for row, p in named))
            self.words.commit()
            self.rows.finish(
                [(put, entry.document_id, entry.passages) for entry, put in zip(entries, puts, strict=True)]
            )

    def drop(self, document_id: int) -> None:
        """The document is not found any more. What it left goes at once, or with whoever is writing just now."""
        self.drop_all([document_id])

    def drop_all(self, document_ids: Sequence[int]) -> None:
        """As `drop`, of many."""
        self.rows.drop(document_ids)
        try:
            with self.writing(wait_s=0):
                pass  # leaving sweeps
        except Busy:
            return

    @contextmanager
    def writing(self, wait_s: float = WRITER_WAIT_S) -> Iterator[None]:
        """Be the writer for the length of the block, for many puts; leaving takes away what does not count.

        Raises Busy("error.index_busy").
        """
        with self._lock:
            if not self._writing:
                try:
                    self._file_lock.acquire(timeout=wait_s)
                except Timeout as fault:
                    raise Busy("error.index_busy") from fault
            self._writing += 1
            try:
                if self._writing == 1:
                    self._catch_up_as_writer()
                yield
                if self._writing == 1:
                    self.sweep()
            finally:
                self._writing -= 1
                if not self._writing:
                    self._end_writing()

    def _end_writing(self) -> None:
        """However it ends, the next writer gets its turn."""
        try:
            self.words.close()
            self._seen = self._seen_of_vectors = self.rows.generation()
        finally:
            self._file_lock.release()

    def forget_lost(self) -> bool:
        """When a server has lost this index's points, begin anew: nothing is in it. Raises Unavailable, Busy."""
        if self.vectors is None or self.settings.chroma == EMBEDDED or not self.vectors.lost():
            return False
        self.vectors.begin_anew()
        self.drop_all(list(self.rows.documents()))
        return True

    def sweep(self) -> None:
        """Take away words and points that do not count: replaced, dropped, or left by a put that was killed."""
        with self.writing():
            left = self.rows.unfinished()
            if left:
                if self.vectors is not None:
                    self.vectors.remove(left)
                if self.scan is not None:
                    self.scan.remove(left)
                self.words.remove(left)
                self.words.commit()
                self.rows.swept(left)

    # --- what is in it

    def count(self) -> int:
        """Passages."""
        return self.rows.count()

    def documents(self) -> dict[int, int]:
        """Ids of the documents that are in it, with the number of their passages."""
        return self.rows.documents()

    def passages(self, document_id: int) -> list[Passage]:
        """Of one document, in its order; none when it is not in the index."""
        return self.rows.passages(document_id)

    def passage(self, passage_id: str) -> Passage:
        """By `Passage.id`. Raises NotFound("error.passage_missing")."""
        document, _, number = passage_id.partition("-")
        found = None
        if document.isascii() and document.isdigit() and number.isascii() and number.isdigit() and len(passage_id) < 36:
            found = self.rows.passage(int(document), int(number))
        if found is None:
            raise NotFound("error.passage_missing")
        return found

    def generation(self) -> int:
        """A number that grows whenever something was put in or dropped, in whichever process."""
        return self.rows.generation()

    # --- finding

    def bm25(self, question: str, count: int, within: Within = ALL) -> list[Hit]:
        """(row id, BM25), the best first."""
        self._catch_up()
        return self.words.bm25(question, count, within)

    def keyword(self, question: str, count: int, within: Within = ALL) -> list[Hit]:
        """(row id, share of the question's words that the passage holds), the best first."""
        self._catch_up()
        return self.words.keyword(question, count, within)

    def nearest(self, point: NDArray[np.float32], count: int, within: Within = ALL) -> list[Hit]:
        """(row id, cosine), the nearest first. Raises Refused("error.index_no_vectors"), Unavailable."""
        self._catch_up()
        view = self._looked_at_scan()
        if view is not None and (within != ALL or view.counted <= MOST_SCANNED):
            return view.nearest(point, count, within)
        return nearest_within(self._vectors(), self.rows, point, count, within)

    def points(self, rows: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """The points of row ids. Raises Refused("error.index_no_vectors"), Unavailable."""
        self._catch_up()
        view = self._looked_at_scan()
        if view is not None:
            return view.points(rows)
        return self._vectors().points(rows)

    def is_there(self) -> bool:
        """Whether its folder is still the one that was opened: somebody may have deleted it, or made it anew."""
        try:
            return bool(json.loads((self.folder / ABOUT).read_text("utf-8")).get("made") == self._made)
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Give memory and files back."""
        self.words.close()
        if self.scan is not None:
            self.scan.close()
        if self.vectors is not None:
            self.vectors.close()

    # --- within

    def _vectors(self) -> Vectors:
        """Chroma, which sees what other processes have written since it was asked last."""
        if self.vectors is None:
            raise Refused("error.index_no_vectors")
        if not self._writing and self._seen != self._seen_of_vectors and self.vectors.refresh():
            self._seen_of_vectors = self._seen
        return self.vectors

    def _catch_up(self) -> None:
        """See what other processes have written since the last look. Who writes looks once, when beginning."""
        if not self._writing and (now := self.rows.generation()) != self._seen:
            self.words.refresh()
            self._seen = now

    def _catch_up_as_writer(self) -> None:
        self.words.refresh()
        if self.vectors is not None and self._seen_of_vectors != self.rows.generation():
            self.vectors.refresh(at_once=True)
        if self.scan is not None and self._looked_at_scan() is None:
            self.scan.fill(self.rows.named(), self._vectors().points)
            self._seen_of_scan = -1

    def _looked_at_scan(self) -> View | None:
        """The copy as it stands now, if each passage has its point in it: older indexes have none before a write."""
        if self.scan is None:
            return None
        now = self.rows.generation()
        with self._looking:
            view = self.scan.view
            if view is None or now != self._seen_of_scan:
                view, self._seen_of_scan = self.scan.refresh(self.rows.puts()), now
                self._scan_is_whole = view.counted == self.rows.count()
            return view if self._scan_is_whole else None

    def _check_about(self) -> None:
        """The folder says which model made its points; another one's are never mixed in."""
        path, mine = self.folder / ABOUT, self.settings.model_dump(mode="json")
        try:
            kept = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            kept = {"settings": mine, "dimensions": None, "made": secrets.token_hex(8)}
            write_atomic(path, json.dumps(kept, ensure_ascii=False, indent=1))
        except (OSError, ValueError) as fault:
            raise StorageProblem("error.index_damaged", why=ABOUT) from fault
        if kept.get("settings") != mine:
            made = (kept.get("settings") or {}).get("embedding") or {}
            raise Refused("error.index_other_model", made=made.get("name", "?"), asked=self.settings.embedding.name)
        self._made = kept.get("made")

    def _check_vectors(self, entries: Iterable[Entry]) -> None:
        path = self.folder / ABOUT
        about = json.loads(path.read_text("utf-8"))
        for entry in entries:
            shape = None if entry.vectors is None else entry.vectors.shape
            if self.vectors is None and shape is None:
                continue
            if shape is None or self.vectors is None or len(shape) != 2 or shape[0] != len(entry.passages):
                raise BadInput("error.index_vectors")
            if about["dimensions"] is None and shape[0]:
                about["dimensions"] = shape[1]
                write_atomic(path, json.dumps(about, ensure_ascii=False, indent=1))
            if shape[0] and about["dimensions"] != shape[1]:
                raise Refused("error.index_other_size", made=about["dimensions"], asked=shape[1])

    def _put_vectors(self, entries: Sequence[Entry], puts: Sequence[tuple[int, int]]) -> None:
        import numpy as np

        filled = [(entry, put) for entry, put in zip(entries, puts, strict=True) if len(entry.passages)]
        if self.vectors is None or not filled:
            return
        named = [
            Point(row, put, entry.document_id, passage.language)
            for entry, (put, last) in filled
            for row, passage in enumerate(entry.passages, last + 1)
        ]
        points = np.concatenate([entry.vectors for entry, _ in filled if entry.vectors is not None])
        self.vectors.add(named, points)
        if self.scan is not None:
            self.scan.add(named, points)


def searched(passage: Passage) -> str:
    """What of a passage is searched and embedded: itself, under those headings that it does not begin with."""
    above = [heading for heading in passage.headings if heading.strip() not in passage.text[: len(heading) + 200]]
    return "\n".join([*above, passage.text])


def forget_on_server(folder: Path, settings: IndexSettings, answer_s: float = ANSWER_S) -> None:
    """Take away what a project's index has on a Chroma server, if on any; `answer_s` is how long that may take.

    Raises Unavailable, with `collection`, the name of what stays there.
    """
    if settings.chroma == EMBEDDED or settings.embedding.kind == "none":
        return
    with closing(Vectors(index_folder(folder, settings) / CHROMA, settings.chroma, answer_s)) as vectors:
        try:
            vectors.forget()
        except Unavailable as fault:
            raise Unavailable(fault.key, **{**fault.details, "collection": vectors.named}) from fault


def remove_damaged(folder: Path, settings: IndexSettings) -> bool:
    """Delete a project's index if it cannot be read any more; it can be made again. Whether it was deleted.

    For a run that fills it anew, before anything else is open. Raises StorageProblem, Unavailable, Refused.
    """
    try:
        with closing(Index(folder, settings)) as index:
            index.rows.check()
            return False
    except StorageProblem as fault:
        if fault.key != "error.index_damaged":
            raise
    forget_on_server(folder, settings)
    with storing(index_folder(folder, settings)):
        shutil.rmtree(index_folder(folder, settings))
    return True
