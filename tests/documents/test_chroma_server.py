"""The index with its points on a real Chroma server, which goes away, comes back, and serves others too."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from backend.assistants import Documents
from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings, activate, index_folder
from backend.documents.index.vectors import SERVER, Vectors, let_go
from backend.documents.indexing.indexes import forget_on_servers, settings_in
from backend.documents.retrieving.choosing import Rerankers
from backend.documents.retrieving.searching import search
from backend.documents.shelf.removal import remove
from backend.errors import Unavailable
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from tests.documents.making import LetterEmbedder, passages
from tests.documents.tiny_encoders import BGE, encoder
from tests.fakes import unused_port
from tests.waiting import until

LETTERS = LetterEmbedder()
PROGRAM = Path(sys.executable).with_name("chroma")
pytestmark = pytest.mark.skipif(not PROGRAM.is_file(), reason="no chroma program beside this Python")


class Server:
    """`chroma run` over one folder and port, so that it comes back with what it had."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, unused_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, str(PROGRAM), "run", "--path", str(self.folder), "--host", "127.0.0.1"]
        quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = os.environ | {"ANONYMIZED_TELEMETRY": "False"}
        self._process = subprocess.Popen([*command, "--port", str(self.port)], env=environment, **quiet)
        until(self.answers, 120)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/heartbeat", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def client(self) -> Iterator[Any]:
        """As somebody else's program would look at it."""
        import chromadb
        from chromadb.config import Settings as Quiet

        made = chromadb.HttpClient("127.0.0.1", self.port, settings=Quiet(anonymized_telemetry=False))
        try:
            yield made
        finally:
            let_go(made)

    def counts(self) -> dict[str, int]:
        with self.client() as client:
            return {one.name: one.count() for one in client.list_collections()}

    def wipe(self) -> None:
        with self.client() as client:
            for one in client.list_collections():
                client.delete_collection(one.name)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("chroma"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def server(running: Server) -> Server:
    """Up, and empty."""
    if not running.answers():
        running.start()
    running.wipe()
    return running


@contextmanager
def opened(folder: Path, server: Server) -> Iterator[Index]:
    index = Index(folder, IndexSettings(embedding=LETTERS.model, chroma=server.url))
    try:
        yield index
    finally:
        index.close()


def put(index: Index, document: int, *texts: str) -> None:
    index.put(document, passages(document, *texts), LETTERS.passages(texts))


def nearest(index: Index, text: str, count: int = 3) -> list[str]:
    rows = [row for row, _ in index.nearest(LETTERS.query(text), count)]
    found = index.rows.by_row(rows)
    return [found[row].text for row in rows]


def test_two_projects_lie_apart_and_nothing_is_lost_while_the_server_is_away(server: Server, tmp_path: Path) -> None:
    with opened(tmp_path / "one", server) as one, opened(tmp_path / "two", server) as two:
        put(one, 1, "aaaa", "bbbb")
        put(two, 1, "aaaa of the other")
        assert nearest(one, "bbbb", 1) == ["bbbb"] and nearest(two, "bbbb") == ["aaaa of the other"]
        assert sorted(server.counts().values()) == [1, 2]
        server.stop()
        for act in (lambda: put(one, 2, "cccc"), lambda: one.nearest(LETTERS.query("bbbb"), 1)):
            with pytest.raises(Unavailable, match="chroma_down"):
                act()
        assert one.documents() == {1: 2} and len(one.bm25("aaaa", 5)) == 1
        rerankers = Rerankers(Settings(home=tmp_path))
        wanted = Documents(retriever="hybrid", top_k=2, mmr=0.5)
        got = search(one, "aaaa", wanted, embedder=lambda: LETTERS, rerankers=rerankers)
        assert [found.passage.text for found in got.found] == ["aaaa"]
        assert got.skipped == {"dense": "retrieval.skipped_unavailable"}
        with pytest.raises(Unavailable, match="chroma_down"):
            search(one, "aaaa", Documents(retriever="dense"), embedder=lambda: LETTERS, rerankers=rerankers)
        server.start()
        put(one, 2, "cccc")
        assert set(nearest(one, "cccc")) == {"aaaa", "bbbb", "cccc"}
        one.drop(1)
        assert nearest(one, "aaaa") == ["cccc"] and sorted(server.counts().values()) == [1, 1]


def test_another_ones_collection_of_the_same_name_is_not_touched(server: Server, tmp_path: Path) -> None:
    with opened(tmp_path, server) as index:
        settings = index.settings
        name = "matchum-of-somebody"
        (index_folder(tmp_path, settings) / SERVER).write_text(name, "utf-8")
        with server.client() as client:
            client.create_collection(name, embedding_function=None).upsert(ids=["1"], embeddings=[[1.0, 0.0]])
        with pytest.raises(Unavailable, match="chroma_foreign"):
            put(index, 1, "aaaa")
        assert index.count() == 0
    forget_on_servers(tmp_path)
    assert server.counts() == {name: 1}


def test_a_deleted_project_takes_its_collection_along_and_leaves_the_others(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path / "one", server) as one, opened(tmp_path / "two", server) as two:
        put(one, 1, "aaaa")
        put(two, 1, "bbbb")
    forget_on_servers(tmp_path / "one")
    with opened(tmp_path / "two", server) as two:
        assert list(server.counts().values()) == [1] and nearest(two, "bbbb") == ["bbbb"]
    with opened(tmp_path / "one", server) as one:  # somebody goes on with it after all
        with pytest.raises(Unavailable, match="chroma_gone"):
            nearest(one, "aaaa")
        assert one.forget_lost() and one.documents() == {}
        put(one, 1, "aaaa")
        assert nearest(one, "aaaa") == ["aaaa"]
    server.stop()
    forget_on_servers(tmp_path / "two")  # a server that is down keeps nobody from deleting
    assert "stays on" in caplog.text


def test_a_server_that_does_not_answer_is_waited_for_some_seconds(tmp_path: Path) -> None:
    settings = IndexSettings(embedding=LETTERS.model, chroma="http://127.0.0.1:1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        folder = index_folder(tmp_path, settings)
        folder.mkdir(parents=True)
        (folder / SERVER).write_text("matchum-1\nmade", "utf-8")
        since = time.monotonic()
        with closing(Vectors(folder / "chroma", url, 0.5)) as vectors, pytest.raises(Unavailable):
            vectors.forget()
        assert time.monotonic() - since < 20


def test_a_project_that_is_brought_back_finds_by_meaning(server: Server, tmp_path: Path) -> None:
    projects = Projects(tmp_path / "projects", gone=forget_on_servers)
    made = projects.create("owner", "a")
    with opened(projects.open("owner", made.id).folder, server) as index:
        put(index, 1, "aaaa", "bbbb")
    projects.delete("owner", made.id)
    assert projects.undo_delete("owner") is not None
    with opened(projects.open("owner", made.id).folder, server) as index:
        assert nearest(index, "bbbb", 1) == ["bbbb"]
    projects.delete("owner", made.id)
    active = IndexSettings(embedding=LETTERS.model, chroma=server.url)
    assert list(settings_in(tmp_path / "trash" / "owner" / made.id / "project")) == [active]
    projects.empty_trash("owner")
    assert server.counts() == {}
    projects.close()


def ended(runs: Runs, run_id: str) -> Any:
    until(lambda: not runs.get(run_id).active, 180)
    return runs.get(run_id)


def test_a_run_over_a_server_that_goes_away_is_taken_up_again(
    server: Server, project: Project, runs: Runs, tmp_path: Path
) -> None:
    from backend.documents.indexing.start import start_indexing
    from backend.documents.shelf.intake import bring
    from tests.documents.test_intake import texts

    model = encoder(tmp_path / "encoder", BGE)
    settings = IndexSettings(embedding=model, chroma=server.url)
    activate(project, settings)
    assert list(settings_in(project.folder)) == []
    first = bring(project, texts(tmp_path, 하나="전세 계약은 두 해이다.", 둘="보증금을 돌려준다.")).added
    assert ended(runs, start_indexing(runs, project).id).state == "succeeded"
    assert list(server.counts().values()) == [2]
    server.stop()
    bring(project, texts(tmp_path, 셋="가스 요금은 따로 낸다."))
    failed = ended(runs, start_indexing(runs, project).id)
    assert (failed.state, failed.error_key, failed.error_details) == (
        "failed",
        "error.chroma_down",
        {"url": server.url},
    )
    with pytest.raises(Unavailable):
        remove(project, [first[0].id])
    server.start()
    again = ended(runs, runs.resume(failed.id).id)
    assert again.state == "succeeded" and list(server.counts().values()) == [2]
    assert [one.state for one in project.documents.list()] == ["indexed", "indexed"]
    server.wipe()
    with closing(Index(project.folder, settings)) as index, pytest.raises(Unavailable, match="chroma_gone"):
        index.nearest(np.ones(32, dtype=np.float32), 1)
    anew = ended(runs, start_indexing(runs, project).id)
    assert anew.state == "succeeded" and list(server.counts().values()) == [2]
