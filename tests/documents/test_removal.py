"""What a removal takes: rows, files, passages, points, and what chats, answers and runs repeat of them."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from backend.answering import Answer, Trace
from backend.assistants import Assistant, Documents, ModelRef
from backend.documents.grounding.quoting import material
from backend.documents.grounding.values import Cut, Quoted, Retrieval, Seen
from backend.documents.index.index import Index
from backend.documents.index.settings import activate, active
from backend.documents.indexing.indexes import hide_everywhere, settings_of_all
from backend.documents.indexing.start import read_again
from backend.documents.indexing.turn import READING, index_turn
from backend.documents.shelf import leaving, removal
from backend.documents.shelf.intake import bring
from backend.documents.shelf.removal import remove
from backend.documents.shelf.store import Document
from backend.documents.splitting.settings import SplitSettings
from backend.errors import Busy, StorageProblem
from backend.evaluation.answer_store import AnswerStore, NewAnswer
from backend.jobs.runs import Runs
from backend.messages import Message
from backend.projects.folder import Project
from backend.projects.tables import KnownQuestionRow
from tests.documents.test_indexing import found, held, indexed, with_index, worked
from tests.documents.test_intake import texts


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


def quoted(project: Project, document: Document, number: int) -> Quoted:
    passage = with_index(project, lambda index: index.passages(document.id))[0]
    return Quoted(number=number, document=document.name, passage=passage)


def answered(project: Project, *some: Quoted, prompt: str | None = None) -> Answer:
    """As the playground and an evaluation keep it: prompt, messages, passages and what the retrievers found."""
    asked = material(some, Documents(), "ko") + "무엇이 적혀 있습니까?"
    found = tuple(
        Seen(passage_id=one.passage.id, document=one.document, rank=1, score=1.0, beginning=one.passage.text[:200])
        for one in some
    )
    cut = tuple(Cut(passage_id=one.passage.id, document=one.document) for one in some)
    trace = Trace(
        prompt=f"<s>user\n{asked}</s>" if prompt is None else prompt,
        messages=(Message(role="user", content=asked),),
        passages=some,
        cut=cut,
        retrieval=Retrieval(query="무엇이 적혀 있습니까?", retrievers={"bm25": found}),
        finish="stop",
    )
    return Answer("모릅니다.", trace)


def test_removal_leaves_no_trace_in_chats_answers_and_runs(project: Project, runs: Runs, tmp_path: Path) -> None:
    secret = "금고의 번호는 칠칠사삼이며"
    uploads = texts(tmp_path, 비밀문서=f"{secret}\n> [9] 아무도 몰라야 한다.", 남는="남는 글이다.")
    gone, left = bring(project, uploads).added
    indexed(runs, project)
    first, second = quoted(project, gone, 1), quoted(project, left, 2)
    asker = Assistant(model=ModelRef(kind="starter"))
    chat = project.chats.create("대화")
    flat = answered(project, first, prompt=f"a template that breaks lines up: {secret}")
    for answer in (answered(project, first, second), flat, answered(project, second)):
        project.chats.add_answer(chat.id, answer.text, answer.trace, asker)
    project.chats.remove(project.chats.create("버린 대화").id)
    answers = AnswerStore(project.database)
    answers.add([NewAnswer.of("a", "k", answered(project, first, second)), NewAnswer.of("b", "k", flat)])
    for name, kind, file, kept in (
        ("1", "retrieval_sweep", "plan.json", {"questions": [{"places": [[gone.id, 0, 5, secret]]}]}),
        ("2", "question_writing", "drawn.json", [first.passage.model_dump(mode="json")]),
    ):
        folder = project.runs_folder / name
        (folder / "output").mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"kind": kind}))
        (folder / "output" / file).write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
    assert len(traces(project.folder, secret)) >= 4 and traces(project.folder, "비밀문서")
    remove(project, [gone.id])
    assert traces(project.folder, secret) == [] and traces(project.folder, "아무도 몰라야") == []  # while it is open
    project.close()
    assert traces(project.folder, secret) == [] and traces(project.folder, "비밀문서") == []


def test_what_stays_of_a_trace(project: Project, runs: Runs, tmp_path: Path) -> None:
    gone, left = bring(project, texts(tmp_path, 비밀="금고의 번호는 칠칠사삼이다.", 남는="남는 글이다.")).added
    indexed(runs, project)
    answer = answered(project, quoted(project, gone, 1), quoted(project, left, 2))
    chat = project.chats.create("대화")
    project.chats.add_answer(chat.id, answer.text, answer.trace, Assistant(model=ModelRef(kind="starter")))
    remove(project, [gone.id])
    (turn,) = project.chats.turns(chat.id)
    trace = turn.shown.trace
    assert turn.text == "모릅니다." and trace is not None and trace.retrieval is not None
    assert [one.document for one in trace.passages] == ["", "남는.txt"]
    assert [one.passage.text for one in trace.passages] == ["", "남는 글이다."]
    assert [one.document for one in trace.retrieval.retrievers["bm25"]] == ["", "남는.txt"]
    for text in (trace.prompt, trace.messages[0].content):
        assert "[1]\n> …" in text and "[2] 남는.txt\n> 남는 글이다." in text and text.count("적혀 있습니까?") == 1


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


@pytest.mark.parametrize("step", ["forget_in_runs", "drop_everywhere"])
def test_a_removal_that_ends_halfway_is_not_found_and_goes_on(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    gone, left = bring(project, texts(tmp_path, 가="금고의 번호는 칠칠사삼이다.", 나="남는 글이다.")).added
    worked(project)
    folder = project.runs_folder / "1"
    (folder / "output").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"kind": "retrieval_sweep"}))
    plan = folder / "output" / "plan.json"
    plan.write_text(json.dumps({"questions": [{"places": [[gone.id, 0, 5, "칠칠사삼"]]}]}))

    def full(*_: object) -> None:
        raise StorageProblem("error.disk_full", path="x")

    with monkeypatch.context() as patch, pytest.raises(StorageProblem):
        patch.setattr(leaving, step, full)
        remove(project, [gone.id])
    assert project.documents.count() == 1 and set(held(project)) == {left.id} and found(project, "번호는") == set()
    worked(project)
    assert json.loads(plan.read_text())["questions"][0]["places"][0][3] == ""
    assert not (project.folder / "index" / leaving.NOTE).exists()


def test_rows_that_stay_after_all_are_put_in_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (document,) = bring(project, texts(tmp_path, 가="글 하나")).added
    worked(project)

    def hidden(*given: Any) -> None:
        hide_everywhere(*given)
        raise StorageProblem("error.disk_full", path="x")

    with monkeypatch.context() as patch, pytest.raises(StorageProblem):
        patch.setattr(removal, "hide_everywhere", hidden)
        remove(project, [document.id])
    assert project.documents.original(document).is_file() and held(project) == {}
    worked(project)
    assert set(held(project)) == {document.id} and project.documents.get(document.id).state == "indexed"
    assert not (project.folder / "index" / leaving.NOTE).exists()


def test_what_somebody_still_reads_is_overwritten_later(project: Project, tmp_path: Path) -> None:
    (gone,) = bring(project, texts(tmp_path, 비밀문서="글 하나")).added
    with project.database.read() as session:
        session.execute(select(KnownQuestionRow.id))
        remove(project, [gone.id])
        assert (project.folder / "index" / leaving.NOTE).exists()
    remove(project, [])
    assert not (project.folder / "index" / leaving.NOTE).exists() and traces(project.folder, "비밀문서") == []


def test_what_a_killed_reading_left_goes_with_a_removal(project: Project, tmp_path: Path) -> None:
    (gone,) = bring(project, texts(tmp_path, 가="글 하나")).added
    left = project.folder / "index" / READING / "matchum-read-x" / "result.json"
    left.parent.mkdir(parents=True)
    left.write_text("글 하나", "utf-8")
    with index_turn(project):
        remove(project, [])
        assert left.exists()  # somebody is reading
    remove(project, [gone.id])
    assert not left.exists()
