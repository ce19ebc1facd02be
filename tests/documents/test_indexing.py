"""The run that indexes: what it reads, what a kill or a stop leaves, what it does not do twice, what removal takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from backend.documents.embedding.embedders import Embedders, guessed
from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings, activate, active
from backend.documents.indexing import turn, writing
from backend.documents.indexing import work as indexing_work
from backend.documents.indexing.preparing import Preparing
from backend.documents.indexing.shown import Shown
from backend.documents.indexing.start import read_again, start_indexing
from backend.documents.indexing.turn import index_turn, reading_now
from backend.documents.indexing.work import Indexing, work
from backend.documents.measuring.places import Place
from backend.documents.reading.reader import Reader
from backend.documents.shelf.intake import bring
from backend.documents.shelf.keeping import Keeping
from backend.documents.shelf.store import DocumentStore
from backend.documents.splitting.settings import SplitSettings
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress, Stopped
from backend.jobs.run import Run, RunState
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.settings import Settings
from tests.documents.making import LETTERS, LetterEmbedder
from tests.documents.test_intake import texts
from tests.waiting import until

FILES = Path(__file__).parent / "files"

T = TypeVar("T")


def ended(runs: Runs, run: Run) -> Run:
    until(lambda: not runs.get(run.id).active, 120)
    return runs.get(run.id)


def worked(project: Project, progress: Progress | None = None) -> RunState:
    """What a run's worker does, in this process: the seconds that starting one takes are spent once, elsewhere."""
    folder = project.folder / "here" / "run"
    folder.mkdir(parents=True, exist_ok=True)
    progress = progress or Progress(RunFolder(folder), RunState())
    work(Job(folder, {}, Settings(home=project.folder.parent, offline=True)), progress)
    return progress.state()


def indexed(_: Runs, project: Project) -> RunState:
    return worked(project)


class Counted:
    """Calls of a method, which is done all the same; `then` is called after each, with its number from 1."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, then: Callable[[int], None]) -> None:
        self.calls: list[tuple[Any, ...]] = []
        done = getattr(owner, name)

        def act(*given: Any, **named: Any) -> Any:
            found = done(*given, **named)
            self.calls.append(given)
            then(len(self.calls))
            return found

        monkeypatch.setattr(owner, name, act)


def nothing(_: int) -> None: ...


def with_index(project: Project, ask: Callable[[Index], T]) -> T:
    with closing(Index(project.folder, active(project))) as index:
        return ask(index)


def held(project: Project) -> dict[int, int]:
    return with_index(project, Index.documents)


def found(project: Project, word: str) -> set[int]:
    """Documents whose passages hold the word."""

    def ask(index: Index) -> set[int]:
        hits = index.bm25(word, 1000)
        passages = index.rows.by_row([row for row, _ in hits]).values()
        return {passage.document_id for passage in passages if word in passage.text}

    return with_index(project, ask)


def states(project: Project) -> list[str]:
    return [document.state for document in project.documents.list()]


def test_files_of_many_kinds_are_read_and_one_bad_file_stops_nothing(
    project: Project, runs: Runs, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.docx"
    broken.write_bytes((FILES / "equations.docx").read_bytes()[:-2000] + bytes(2000))
    names = ("no_manifest.hwpx", "minimal-body-table.hwp", "powerpoint_sample.pptx", "csv-semicolon.csv")
    uploads = [*((FILES / name, name) for name in names), (FILES / "ks_c_5601-1987.eml", "편지.eml")]
    bring(project, [*uploads, *texts(tmp_path, 글="서울특별시 조례를 고친다."), (broken, "깨진 계약.docx")])
    bad = next((d for d in project.documents.list() if d.name == "깨진 계약.docx"), None)
    run = ended(runs, start_indexing(runs, project))
    assert run.state == "succeeded", runs.log(run.id)
    by_name = {document.name: document for document in project.documents.list()}
    good = [document for document in by_name.values() if document.name != "깨진 계약.docx"]
    assert {document.state for document in good} == {"indexed"} and (run.done, run.total) == (len(by_name),) * 2
    if bad is not None:
        failed = by_name["깨진 계약.docx"]
        assert failed.state == "failed" and failed.error_key and failed.error_details["name"] == failed.name
    notice = by_name["no_manifest.hwpx"]
    assert notice.language == "ko" and notice.characters and notice.dated == "2021-02-01"
    assert by_name["powerpoint_sample.pptx"].pages == 3
    assert set(held(project)) == {document.id for document in good}
    assert run.result["indexed"] == len(good) and run.result["passages"] == sum(held(project).values())
    for document in good:
        laid = project.documents.laid(document)
        for passage in with_index(project, lambda index, number=document.id: index.passages(number)):  # type: ignore[misc]
            assert passage.text == laid.text[passage.start : passage.end]
    assert by_name["글.txt"].id in found(project, "조례를")


def test_a_failed_file_is_not_tried_again_until_asked(project: Project, runs: Runs, tmp_path: Path) -> None:
    (document,) = bring(project, [(FILES / "test.xls", "표.xls")]).added
    project.documents.original(document).write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000))
    assert indexed(runs, project).result["failed"] == 1
    first = project.documents.get(document.id)
    assert first.state == "failed" and first.error_key and first.error_key.startswith("error.document_")
    assert indexed(runs, project).total == 0 and project.documents.get(document.id).changed == first.changed
    project.documents.original(document).write_bytes((FILES / "test.xls").read_bytes())
    read_again(project, [document.id])
    indexed(runs, project)
    assert project.documents.get(document.id).state == "indexed" and document.id in held(project)


def test_adding_some_to_many_costs_the_work_of_some(
    project: Project, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(project, texts(tmp_path, **{f"old{n}": f"Written long ago, number {n}." for n in range(100)}))
    indexed(runs, project)
    before = {document.id: document.changed for document in project.documents.list()}
    new = bring(project, texts(tmp_path, **{f"new{n}": f"Written today, number {n}." for n in range(10)}))
    reads = Counted(monkeypatch, Reader, "read", nothing)
    kept = Counted(monkeypatch, Keeping, "parsed", nothing)
    cuts = Counted(monkeypatch, Preparing, "prepare", nothing)
    puts = Counted(monkeypatch, Index, "put_all", nothing)
    settled = Counted(monkeypatch, DocumentStore, "settle", nothing)
    run = indexed(runs, project)
    assert (run.done, run.total, run.result["indexed"]) == (10, 10, 10)
    assert (len(reads.calls), len(kept.calls), len(cuts.calls), len(puts.calls)) == (10, 10, 10, 1)
    assert {entry.document_id for entry in puts.calls[0][1]} == set(new.queued)
    assert len(settled.calls) <= 11  # "reading" at most once a file, and all of them once
    assert {d.id: d.changed for d in project.documents.list() if d.id in before} == before
    assert set(held(project)) == {*before, *new.queued}


def test_places_are_looked_for_again_in_a_changed_file(project: Project, runs: Runs, tmp_path: Path) -> None:
    (document,) = bring(project, texts(tmp_path, rule="Rent is due on Monday. Keys are kept here.")).added
    indexed(runs, project)
    text = project.documents.laid(document).text
    quotes = [Place(document.id, text.index(words), 0) for words in ("Rent is due", "Keys are kept")]
    for place, end in zip(quotes, (11, len(text)), strict=True):
        project.questions.add(f"When {place.start}?", [place._replace(end=end).quoted(text)])
    bring(project, texts(tmp_path, rule="A new beginning. Rent is due on Friday."))
    indexed(runs, project)
    first, second = project.questions.list()
    assert (first.places[0].start, first.places[0].quote) == (17, "Rent is due") and second.places[0].lost


def test_a_changed_file_replaces_its_old_passages(project: Project, runs: Runs, tmp_path: Path) -> None:
    (document,) = bring(project, texts(tmp_path, 규정="옛날규정은 이렇다.")).added
    indexed(runs, project)
    assert found(project, "옛날규정은") == {document.id}
    bring(project, texts(tmp_path, 규정="새로운규정은 저렇다."))
    indexed(runs, project)
    assert found(project, "새로운규정은") == {document.id} and found(project, "옛날규정은") == set()


def test_a_change_that_cannot_be_read_takes_the_old_passages_away(project: Project, runs: Runs, tmp_path: Path) -> None:
    (document,) = bring(project, texts(tmp_path, 규정="옛날규정은 이렇다.")).added
    indexed(runs, project)
    path = tmp_path / "규정.txt"
    path.write_text(" \n\t\n ", encoding="utf-8")
    bring(project, [(path, "규정.txt")])
    indexed(runs, project)
    assert project.documents.get(document.id).state == "failed" and held(project) == {}


KILLED = """
import os, signal, sys
from pathlib import Path
from backend.documents.embedding.embedders import Embedders, guessed
from backend.documents.indexing import contents, preparing, work, writing
from backend.documents.index import index, rows, vectors, words
from backend.documents.reading.reader import Reader
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.run import RunState
from backend.settings import Settings
from tests.documents.making import LetterEmbedder

folder, where, call = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
Embedders.open = lambda *_, **__: LetterEmbedder()
Embedders.counter = lambda *_: guessed
owner, name = eval(where.rpartition(".")[0]), where.rpartition(".")[2]
act, calls = getattr(owner, name), []


def counted(*given, **named):
    calls.append(1)
    if len(calls) == call:
        os.kill(os.getpid(), signal.SIGKILL)
    return act(*given, **named)


setattr(owner, name, counted)
if len(sys.argv) > 4:
    import resource

    def full(*given, **named):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
        return act(*given, **named)

    setattr(owner, name, full)
work.DOCUMENTS_AT_ONCE = 4
try:
    work.work(Job(folder, {}, Settings(home=folder, offline=True)), Progress(RunFolder(folder), RunState()))
except Exception as fault:
    sys.exit(str(getattr(fault, "key", repr(fault))))
"""
"""A run in a process of its own that dies, or whose disk is full, when a step is done for the n-th time."""


def in_process(project: Project, *asked: str) -> subprocess.CompletedProcess[str]:
    folder = project.folder / "here" / "run"
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", KILLED, str(folder), *asked]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def whole(project: Project, count: int) -> None:
    """Each of `count` documents is in the index once: its passages, their words and their points."""
    with closing(Index(project.folder, active(project))) as index:
        assert len(index.documents()) == count and set(states(project)) == {"indexed"}
        rows = [row for row, _ in index.rows.rows_of()]
        assert len(rows) == index.count() == sum(index.documents().values())
        for document in project.documents.list():
            numbers = [passage.number for passage in index.passages(document.id)]
            assert numbers == list(range(index.documents()[document.id]))
        assert sorted(row for row, _ in index.keyword("everywhere", 1000)) == sorted(rows)
        assert index.vectors is not None and index.vectors.count() == len(rows)
        assert sorted(index.points(rows)) == sorted(rows)


STEPS = {
    "reading": ("Reader.read", "6"),
    "embedding": ("LetterEmbedder.passages", "2"),
    "points": ("vectors.Vectors.add", "2"),
    "words": ("words.Words.commit", "2"),
    "counting": ("rows.PassageRows.finish", "2"),
    "noting": ("contents.Contents.note", "2"),
    "settling": ("writing.Writing._settle", "2"),
}


@pytest.fixture
def lettered(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Ten documents to be put into an index whose points count letters."""
    activate(project, IndexSettings(embedding=LETTERS))
    monkeypatch.setattr(Embedders, "open", lambda *_, **__: LetterEmbedder())
    monkeypatch.setattr(Embedders, "counter", lambda *_: guessed)
    bring(project, texts(tmp_path, **{f"file{n}": f"Number {n} stands everywhere." for n in range(10)}))
    return project


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_loses_and_doubles_nothing(lettered: Project, step: str) -> None:
    died = in_process(lettered, *STEPS[step])
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert not reading_now(lettered) and states(lettered).count("indexed") + states(lettered).count("queued") > 0
    worked(lettered)
    whole(lettered, 10)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
@pytest.mark.parametrize("step", ["vectors.Vectors.add", "words.Words.commit", "rows.PassageRows.finish"])
def test_a_full_disk_leaves_nothing_half(lettered: Project, step: str) -> None:
    ended = in_process(lettered, step, "0", "1000")
    assert ended.stderr.strip().splitlines()[-1] in ("error.disk_full", "error.cannot_write"), ended.stderr
    assert "indexed" not in states(lettered) and held(lettered) == {}
    worked(lettered)
    whole(lettered, 10)


def test_a_killed_worker_is_told_and_goes_on(project: Project, runs: Runs, tmp_path: Path) -> None:
    bring(project, texts(tmp_path, **{f"file{n}": f"Number {n}." for n in range(30)}))
    run = start_indexing(runs, project)
    until(lambda: "reading" in states(project), 60)
    process = RunFolder(run.folder).process()
    assert process is not None
    for child in psutil.Process(process.pid).children(recursive=True):
        child.kill()
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not runs.get(run.id).active, 60)
    assert runs.get(run.id).state == "interrupted" and not reading_now(project)
    over = ended(runs, runs.resume(run.id))
    assert over.state == "succeeded", runs.log(run.id)
    assert set(states(project)) == {"indexed"} and len(held(project)) == 30


def test_stopping_keeps_what_is_done_and_goes_on_later(
    project: Project, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing_work, "DOCUMENTS_AT_ONCE", 4)
    bring(project, texts(tmp_path, **{f"file{n}": f"Number {n}." for n in range(20)}))
    progress = Progress(RunFolder(tmp_path), RunState())
    puts = Counted(monkeypatch, Index, "put_all", lambda _: progress.ask_to_stop())
    with pytest.raises(Stopped):
        worked(project, progress)
    kept = states(project).count("indexed")
    assert len(puts.calls) == 1 and 0 < kept < 20 and states(project).count("queued") == 20 - kept
    assert len(held(project)) == kept
    assert worked(project).done == 20 - kept and set(states(project)) == {"indexed"}


def test_what_is_handed_over_meanwhile_is_taken_along(
    project: Project, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(project, texts(tmp_path, 글="먼저 온 글"))
    late: list[int] = []

    def hand_over(call: int) -> None:
        if call == 1:
            late.extend(bring(project, texts(tmp_path, 늦은="늦게 온 글")).queued)

    Counted(monkeypatch, Index, "put_all", hand_over)
    assert worked(project).done == 2
    assert late and late[0] in held(project) and project.documents.get(late[0]).state == "indexed"


def test_other_settings_are_another_index(project: Project, runs: Runs, tmp_path: Path) -> None:
    (document,) = bring(project, texts(tmp_path, 글=" ".join(f"문장 {n}이다." for n in range(100)))).added
    indexed(runs, project)
    first = active(project)
    activate(project, first.model_copy(update={"split": SplitSettings(size=32, overlap=0)}))
    assert indexed(runs, project).done == 1
    assert held(project)[document.id] > 5
    bring(project, texts(tmp_path, 글="짧게 고친 글이다."))
    indexed(runs, project)
    activate(project, first)
    assert found(project, "문장") == {document.id}  # not yet told of the change ...
    assert indexed(runs, project).done == 1  # ... and it is not taken for up to date
    assert found(project, "문장") == set() and found(project, "고친") == {document.id}


def test_who_comes_second_waits_for_its_turn(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(project, texts(tmp_path, 글="글이다."))
    monkeypatch.setattr(turn, "POLL_S", 0.05)
    folder = tmp_path / "progress"
    folder.mkdir()
    progress = Progress(RunFolder(folder), RunState())
    second = threading.Thread(target=worked, args=(project, progress))
    with index_turn(project):
        second.start()
        until(lambda: progress.state().state == "queued" and progress.state().message_key == indexing_work.WAITS, 20)
        assert reading_now(project) and states(project) == ["queued"]
        stopped = Progress(RunFolder(folder), RunState())
        stopped.ask_to_stop()
        with pytest.raises(Stopped):
            worked(project, stopped)
    second.join(60)
    assert states(project) == ["indexed"] and progress.state().state == "running"


@pytest.mark.parametrize(("owner", "step"), [(Index, "put_all"), (Indexing, "_write")])
def test_reading_again_is_not_lost_in_a_run(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, step: str
) -> None:
    """Asked when a document was read and not told of yet, and just after it was."""
    first, second = bring(project, texts(tmp_path, 가="글 하나", 나="글 둘")).added
    monkeypatch.setattr("backend.documents.indexing.shown.EVERY_S", 1e9)  # neither is said to be in hand
    again = Counted(monkeypatch, owner, step, lambda call: read_again(project, [second.id]) if call == 1 else None)
    reads = Counted(monkeypatch, Reader, "read", nothing)
    worked(project)
    assert [given[2] for given in reads.calls] == ["가.txt", "나.txt", "나.txt"] and len(again.calls) >= 2
    assert states(project) == ["indexed"] * 2 and set(held(project)) == {first.id, second.id}
    assert project.documents.parsed(second).blocks


def test_what_comes_after_the_last_look_gets_a_run_of_its_own(
    project: Project, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project.folder / "here" / "run"
    late: list[int] = []

    def at_the_last_look(call: int) -> None:
        assert (folder / turn.OVER).is_file()
        late.extend(bring(project, texts(tmp_path, 늦은="늦게 온 글")).queued)

    Counted(monkeypatch, Indexing, "_last", at_the_last_look)
    worked(project)
    assert late and states(project) == ["queued"]
    ending = Run(id="1", kind="indexing", title="", state="running", folder=folder, created=0.0)
    monkeypatch.setattr(Runs, "active", lambda _: [ending])
    assert ended(runs, start_indexing(runs, project)).result["indexed"] == 1 and states(project) == ["indexed"]
    (folder / turn.OVER).unlink()
    assert start_indexing(runs, project) is ending


def test_a_stop_is_heard_between_a_few_passages(
    lettered: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(
        lettered,
        texts(tmp_path, **{f"more{n}": f"Number {n} stands everywhere, {'far ' * (n % 7)}." for n in range(80)}),
    )
    folder = tmp_path / "progress"
    folder.mkdir()
    progress = Progress(RunFolder(folder), RunState())
    some = Counted(monkeypatch, LetterEmbedder, "passages", lambda _: progress.ask_to_stop())
    with pytest.raises(Stopped):
        worked(lettered, progress)
    assert [len(given[1]) for given in some.calls] == [writing.AT_ONCE[1]]
    assert progress.state().message_key == "run.message.indexing_embedding"
    worked(lettered)
    whole(lettered, 90)
    with closing(Index(lettered.folder, active(lettered))) as index:
        rows = [row for row, _ in index.rows.rows_of()]
        passages, points = index.rows.by_row(rows), index.points(rows)
        told = [float(points[row] @ LetterEmbedder().query(passages[row].text)) for row in rows]
        assert min(told) > 0.999  # each has its own point, in whatever order they were made


@pytest.mark.parametrize(("last", "seconds", "now"), [(32, 0.2, 64), (256, 0.2, 256), (32, 3.0, 32), (32, 9.0, 16)])
def test_how_many_passages_are_embedded_at_once(last: int, seconds: float, now: int) -> None:
    assert writing._how_many(last, seconds) == now


def test_a_stop_ends_the_cutting_of_a_book(project: Project, tmp_path: Path) -> None:
    (document,) = bring(project, texts(tmp_path, 책="\n\n".join(f"문단 {n}이다." for n in range(500)))).added
    worked(project)
    counted: list[str] = []

    def stop() -> None:
        if len(counted) >= 5:
            raise Stopped

    def count(text: str) -> int:
        counted.append(text)
        return len(text)

    store = project.documents
    shown = Shown(store, lambda _: None)
    with Reader() as reader, pytest.raises(Stopped):
        Preparing(store, reader, SplitSettings(), count, stop, shown).prepare(document.id)
    assert len(counted) == 5


def test_an_index_with_points_is_filled(project: Project, runs: Runs, tmp_path: Path) -> None:
    activate(project, IndexSettings())
    documents = bring(project, texts(tmp_path, cats="A cat sleeps on the sofa.", tax="Taxes are due in May.")).added
    run = indexed(runs, project)
    assert run.result["embedding_s"] > 0
    with closing(Index(project.folder, active(project))) as index:
        assert set(index.documents()) == {document.id for document in documents}
        points = index.points([row for row, _ in index.rows.rows_of()])
        assert {point.shape for point in points.values()} == {(384,)} and len(points) == 2
