"""The run that indexes: what it reads, what a kill or a stop leaves, what it does not do twice, what removal takes."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings, activate, active
from backend.documents.indexing.indexes import settings_of_all
from backend.documents.indexing.start import read_again, start_indexing
from backend.documents.indexing.turn import index_turn, reading_now
from backend.documents.intake import bring
from backend.documents.removal import remove
from backend.documents.splitting.settings import SplitSettings
from backend.errors import Busy
from backend.jobs.folder import RunFolder
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.projects.tables import KnownQuestionRow
from tests.documents.test_intake import texts
from tests.waiting import until

FILES = Path(__file__).parent / "files"

T = TypeVar("T")


def ended(runs: Runs, run: Run) -> Run:
    until(lambda: not runs.get(run.id).active, 120)
    return runs.get(run.id)


def indexed(runs: Runs, project: Project) -> Run:
    run = ended(runs, start_indexing(runs, project))
    assert run.state == "succeeded", runs.log(run.id)
    return run


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


def slow_files(folder: Path, count: int) -> list[tuple[Path, str]]:
    """So many that a run over them can be met in the middle."""
    line = "이 문장은 {n}번 문서의 {m}번째 문장이며 표지낱말{n}을 담고 있다. "
    return texts(folder, **{f"글{n:03}": "".join(line.format(n=n, m=m) for m in range(150)) for n in range(count)})


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
    run = indexed(runs, project)
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
    ended(runs, start_indexing(runs, project, [document.id]))
    assert project.documents.get(document.id).state == "indexed" and document.id in held(project)


def test_adding_some_to_many_costs_the_work_of_some(project: Project, runs: Runs, tmp_path: Path) -> None:
    bring(project, texts(tmp_path, **{f"옛글{n}": f"옛날에 쓴 글 {n}" for n in range(40)}))
    indexed(runs, project)
    before = {document.id: document.changed for document in project.documents.list()}
    new = bring(project, texts(tmp_path, 새글="새로 쓴 글", 새글둘="새로 쓴 둘째 글"))
    run = indexed(runs, project)
    assert (run.done, run.total, run.result["indexed"]) == (2, 2, 2)
    assert {d.id: d.changed for d in project.documents.list() if d.id in before} == before
    assert set(held(project)) == {*before, *new.queued}


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


@pytest.mark.parametrize("wait", [0.0, 0.8])
def test_a_kill_loses_and_doubles_nothing(project: Project, runs: Runs, tmp_path: Path, wait: float) -> None:
    count = 60
    bring(project, slow_files(tmp_path, count))
    run = start_indexing(runs, project)
    until(lambda: "reading" in states(project) or "indexed" in states(project), 60)
    time.sleep(wait)
    process = RunFolder(run.folder).process()
    assert process is not None
    for child in psutil.Process(process.pid).children(recursive=True):
        child.kill()
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not runs.get(run.id).active, 60)
    assert runs.get(run.id).state == "interrupted" and not reading_now(project)
    over = ended(runs, runs.resume(run.id))
    assert over.state == "succeeded", runs.log(run.id)
    assert set(states(project)) == {"indexed"} and len(held(project)) == count
    one = project.documents.list()[17]
    expected = held(project)[one.id]
    numbers = [passage.number for passage in with_index(project, lambda index: index.passages(one.id))]
    assert numbers == list(range(expected))
    hits = with_index(project, lambda index: index.keyword("표지낱말17을", 1000))
    assert len(hits) == len({row for row, _ in hits})
    assert with_index(project, Index.count) == sum(held(project).values())


def test_stopping_keeps_what_is_done_and_goes_on_later(project: Project, runs: Runs, tmp_path: Path) -> None:
    bring(project, slow_files(tmp_path, 250))
    run = start_indexing(runs, project)
    until(lambda: "indexed" in states(project), 60)
    assert start_indexing(runs, project).id == run.id
    runs.stop(run.id)
    stopped = ended(runs, run)
    kept = states(project).count("indexed")
    assert stopped.state == "stopped" and 0 < kept < 250 and states(project).count("queued") == 250 - kept
    assert len(held(project)) == kept
    over = ended(runs, runs.resume(run.id))
    assert (over.state, over.done) == ("succeeded", 250 - kept) and set(states(project)) == {"indexed"}


def test_what_is_handed_over_meanwhile_is_taken_along(project: Project, runs: Runs, tmp_path: Path) -> None:
    bring(project, slow_files(tmp_path, 60))
    run = start_indexing(runs, project)
    until(lambda: "reading" in states(project), 60)
    (late,) = bring(project, texts(tmp_path, 늦은="늦게 온 글")).added
    assert ended(runs, run).state == "succeeded" and late.id in held(project)
    assert project.documents.get(late.id).state == "indexed"


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


def test_two_do_not_read_at_once(project: Project, runs: Runs, tmp_path: Path) -> None:
    bring(project, texts(tmp_path, 글="글이다."))
    with index_turn(project):
        assert reading_now(project)
        run = ended(runs, runs.submit("indexing", {}))
        assert (run.state, run.error_key) == ("failed", "error.documents_indexing")
    assert ended(runs, runs.resume(run.id)).state == "succeeded" and states(project) == ["indexed"]


# --- removal


def traces(folder: Path, word: str) -> list[str]:
    """Files below the folder that hold the word in some encoding."""
    marks = [word.encode(encoding) for encoding in ("utf-8", "utf-16-le", "cp949")]
    marks.append(json.dumps(word).strip('"').encode())
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path.relative_to(folder)) for path in files if any(mark in path.read_bytes() for mark in marks)]


def test_removal_leaves_no_trace(project: Project, runs: Runs, tmp_path: Path) -> None:
    secret = "비밀낱말꾸러미"
    uploads = texts(tmp_path, 비밀낱말꾸러미=f"{secret} 이것은 아무도 몰라야 한다.", 남는="남는 글이다.")
    gone, left = bring(project, uploads).added
    indexed(runs, project)
    activate(project, active(project).model_copy(update={"split": SplitSettings(size=32, overlap=0)}))
    indexed(runs, project)
    _ask(project, f"{secret}란?", [[gone.id, 0, 5]])
    _ask(project, "무엇이 남는가?", [[gone.id, 0, 5], [left.id, 0, 3]])
    assert found(project, secret) == {gone.id} and traces(project.folder, secret)
    assert remove(project, [gone.id, 10**6]) == 1
    for settings in settings_of_all(project):
        with closing(Index(project.folder, settings)) as index:
            assert set(index.documents()) == {left.id} and index.bm25(secret, 10) == []
    with project.database.read() as session:
        questions = session.query(KnownQuestionRow).all()
        assert [(row.question, row.places) for row in questions] == [("무엇이 남는가?", f"[[{left.id}, 0, 3]]")]
    project.close()
    assert traces(project.folder, secret) == []


def _ask(project: Project, question: str, places: list[list[int]]) -> None:
    row = KnownQuestionRow(
        question=question, answer="", places=json.dumps(places), origin="", state="accepted", created=1.0, changed=1.0
    )
    with project.database.write() as session:
        session.add(row)


def test_content_of_two_documents_goes_with_the_last(project: Project, tmp_path: Path) -> None:
    first, second = bring(project, texts(tmp_path, 가="글 하나", 나="글 둘")).added
    bring(project, texts(tmp_path, 가="글 둘"))
    remove(project, [first.id])
    assert project.documents.original(project.documents.get(second.id)).is_file()
    remove(project, [second.id])
    assert list(project.documents.kept.root.iterdir()) == []


def test_an_id_is_given_once(project: Project, tmp_path: Path) -> None:
    (first,) = bring(project, texts(tmp_path, 가="글 하나")).added
    remove(project, [first.id])
    (second,) = bring(project, texts(tmp_path, 가="글 하나")).added
    assert second.id > first.id


def test_what_is_being_read_is_not_removed(project: Project, tmp_path: Path) -> None:
    first, second = bring(project, texts(tmp_path, 가="글 하나", 나="글 둘")).added
    project.documents.set_state(first, "reading")
    with index_turn(project):
        for act in (remove, read_again):
            with pytest.raises(Busy, match="documents_reading"):
                act(project, [first.id, second.id])
        assert project.documents.count() == 2
        assert remove(project, [second.id]) == 1
    assert remove(project, [first.id]) == 1  # the run that said so is gone


def test_what_a_removal_could_not_reach_goes_with_the_next_run(project: Project, runs: Runs, tmp_path: Path) -> None:
    (document,) = bring(project, texts(tmp_path, 가="글 하나")).added
    indexed(runs, project)
    passages = with_index(project, lambda index: index.passages(document.id))
    remove(project, [document.id])
    with_index(project, lambda index: index.put(document.id, passages))
    indexed(runs, project)
    assert held(project) == {}


def test_an_index_with_points_is_filled(project: Project, runs: Runs, tmp_path: Path) -> None:
    activate(project, IndexSettings())
    documents = bring(project, texts(tmp_path, cats="A cat sleeps on the sofa.", tax="Taxes are due in May.")).added
    run = indexed(runs, project)
    assert run.result["embedding_s"] > 0
    with closing(Index(project.folder, active(project))) as index:
        assert set(index.documents()) == {document.id for document in documents}
        points = index.points([row for row, _ in index.rows.rows_of()])
        assert {point.shape for point in points.values()} == {(384,)} and len(points) == 2
