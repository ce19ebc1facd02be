"""Answers that rest on a project's documents: real files, a real index, a real small model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.answering import Answer, Answering, Question, Trace
from backend.assistants import Assistant, Decoding, Documents, Instructions, PassageFilter
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.grounding.grounding import Ground
from backend.documents.grounding.library import ProjectPassages, passages_of_run
from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings, activate, active
from backend.documents.shelf.intake import bring
from backend.documents.splitting.settings import SplitSettings
from backend.documents.values import Passage
from backend.errors import NotFound
from backend.evaluation.answer_store import NewAnswer
from backend.evaluation.grounded import grounded, share
from backend.evaluation.identity import fingerprint, known_fingerprint, remember
from backend.jobs.runs import Runs
from backend.messages import Message
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from tests.documents.test_indexing import indexed
from tests.documents.test_intake import texts
from tests.tiny import tiny_model

LEASE = "임대차 계약 기간은 24개월로 한다. 보증금은 5,000만원이며 계약 종료 시 반환한다."
PUMP = "청소하기 전에 펌프를 끈다. 필터는 12개월마다 기술자가 바꾼다."
ASK = Question({"input": "보증금은 얼마입니까?"})


@pytest.fixture
def host(settings: Settings) -> Iterator[ModelHost]:
    running = ModelHost(settings, Endpoints(settings.home))
    yield running
    running.close()


def assistant(settings: Settings, folder: Path, context: int = 4096) -> Assistant:
    model = add_folder(settings, str(tiny_model(folder / f"tiny-{context}", context=context)))
    return Assistant(
        model=model,
        instructions=Instructions(system="짧게 답하십시오."),
        decoding=Decoding(max_new_tokens=8),
        documents=Documents(retriever="bm25", top_k=2),
    )


@pytest.fixture
def filled(project: Project, runs: Runs, tmp_path: Path) -> Project:
    bring(project, texts(tmp_path, 계약=LEASE, 펌프=PUMP))
    indexed(runs, project)
    return project


def last(answering: Answering, asked: Assistant, question: Question = ASK) -> Answer:
    *_, answer = answering.answer(asked, question)
    return answer


def test_an_answer_rests_on_passages_and_keeps_them(
    filled: Project, projects: Projects, settings: Settings, host: ModelHost, tmp_path: Path
) -> None:
    asked = assistant(settings, tmp_path)
    with passages_of_run(filled, settings) as passages:
        answering = Answering(host, passages)
        trace = last(answering, asked).trace
        first = trace.passages[0]
        assert (first.number, first.document, first.passage.text) == (1, "계약.txt", LEASE)
        assert first.by["bm25"].rank == 1 and trace.retrieval is not None
        assert trace.retrieval.query == "보증금은 얼마입니까?" and "bm25" in trace.retrieval.retrievers
        assert [message.role for message in trace.messages] == ["system", "user"]
        asking = trace.messages[-1].content
        assert f"> {LEASE}" in asking and asking.endswith("\n\n보증금은 얼마입니까?") and "[1] 계약.txt" in trace.prompt
        assert trace.messages == answering.compose(asked, ASK)
        assert answering.preview(asked, ASK)[0] == trace.prompt
        for _, answer in answering.answer_many(asked, [ASK] * 3):
            assert answer.trace.passages == trace.passages

        only = asked.model_copy(
            update={"documents": Documents(retriever="bm25", filter=PassageFilter(documents=(99,)))}
        )
        nothing = last(answering, only).trace
        assert nothing.passages == () and "맞는 자료가 없었습니다" in nothing.messages[-1].content

        chat = filled.chats.create()
        filled.chats.add_user(chat.id, "보증금은?")
        kept = filled.chats.add_answer(chat.id, "5,000만원입니다 [1].", trace, asked).shown.trace
        assert kept is not None and kept.passages == trace.passages and kept.retrieval == trace.retrieval

    other = projects.open("owner", projects.create("owner", "다른 일").id)
    with passages_of_run(other, settings) as passages, pytest.raises(NotFound) as told:
        last(Answering(host, passages), asked)
    assert told.value.key == "error.grounding_nothing_indexed", "nobody else's documents are found"
    with pytest.raises(NotFound):
        Answering(host).compose(asked, ASK)


def test_a_model_with_little_room_gets_what_fits_and_the_trace_tells(
    project: Project, runs: Runs, settings: Settings, host: ModelHost, tmp_path: Path
) -> None:
    long = {f"글{number}": f"보증금 {number}호. " + "계약 조건은 따로 정한다. " * 18 for number in range(6)}
    bring(project, texts(tmp_path, **long))
    indexed(runs, project)
    asked = assistant(settings, tmp_path, 1024)
    asked = asked.model_copy(update={"documents": Documents(retriever="bm25", top_k=6)})
    with passages_of_run(project, settings) as passages:
        trace = last(Answering(host, passages), asked).trace
        assert trace.prompt_tokens is not None and trace.prompt_tokens <= 1024 - 8
        assert 1 <= len(trace.passages) < 6 and len(trace.passages) + len(trace.cut) == 6
        assert all(one.document.startswith("글") for one in trace.cut)
        said = Message(role="user", content="보증금 3호를 찾아 주세요"), Message(role="assistant", content="네")
        again = asked.model_copy(update={"documents": Documents(retriever="bm25", rewrite=True)})
        follow = Question({"input": "그건 얼마죠 보증금?"}, said)
        found = last(Answering(host, passages), again, follow).trace.retrieval
        assert found is not None and found.query and found.rewritten == (found.query != "그건 얼마죠 보증금?")


def test_what_the_documents_hold_is_part_of_an_assistants_fingerprint(
    filled: Project, runs: Runs, settings: Settings, host: ModelHost, tmp_path: Path
) -> None:
    asked = assistant(settings, tmp_path)
    bare = asked.model_copy(update={"documents": None})
    before, plain = fingerprint(asked, host.where, filled), fingerprint(bare, host.where)
    assert before == fingerprint(asked, host.where, filled) != plain == fingerprint(bare, host.where, filled)
    remember(filled, asked, before)
    assert known_fingerprint(filled, asked) == before
    bring(filled, texts(tmp_path, 새글="주차는 두 대까지 무료이다."))
    assert fingerprint(asked, host.where, filled) == before, "what is not indexed yet changes no answer"
    indexed(runs, filled)
    assert fingerprint(asked, host.where, filled) != before
    assert known_fingerprint(filled, asked) is None and fingerprint(bare, host.where, filled) == plain
    with pytest.raises(ValueError, match="project"):
        fingerprint(asked, host.where)


def test_an_index_that_is_still_filling_is_another_fingerprint(
    filled: Project, runs: Runs, settings: Settings, host: ModelHost, tmp_path: Path
) -> None:
    """After another way of cutting was chosen, documents read before are "indexed" but not yet in the new index."""
    asked = assistant(settings, tmp_path)
    activate(filled, IndexSettings(split=SplitSettings(size=64, overlap=0), embedding=EmbeddingModel(kind="none")))
    empty = fingerprint(asked, host.where, filled)
    index = Index(filled.folder, active(filled))
    document = filled.documents.list()[0]
    index.put(document.id, [Passage(document_id=document.id, number=0, text="보증금", start=0, end=3)])
    index.close()
    half = fingerprint(asked, host.where, filled)
    indexed(runs, filled)
    assert len({empty, half, fingerprint(asked, host.where, filled)}) == 3


def test_what_is_continued_keeps_its_passages(
    filled: Project, settings: Settings, host: ModelHost, tmp_path: Path
) -> None:
    """Whatever the form says now: another filter, or another question, finds nothing anew."""
    asked = assistant(settings, tmp_path)
    with passages_of_run(filled, settings) as passages:
        trace = last(Answering(host, passages), asked).trace
    rested = Ground(trace.passages, trace.cut, trace.retrieval)
    further = Question({"input": "필터는?"}, prefill="보증금은 [1]", rests_on=rested)
    again = last(Answering(host), asked, further).trace
    assert again.passages == trace.passages and again.retrieval == trace.retrieval
    assert f"> {LEASE}" in again.prompt
    first = trace.passages[0]
    blank = first.model_copy(
        update={"document": "", "passage": first.passage.model_copy(update={"text": "", "headings": ()})}
    )
    left = replace(further, rests_on=Ground((blank,), (), trace.retrieval))
    assert "\n>" not in last(Answering(host), asked, left).trace.messages[-1].content, "what was removed is not shown"


def test_names_of_many_documents_are_found(filled: Project) -> None:
    library = ProjectPassages(filled, lambda: pytest.fail("nothing is searched"))
    ids = [document.id for document in filled.documents.list()]
    assert sorted(library.names([*ids, 10_000, *range(20_000, 21_000)]).values()) == ["계약.txt", "펌프.txt"]
    assert library.names([]) == {}


def test_kept_answers_tell_how_they_rest_on_their_passages(
    filled: Project, settings: Settings, host: ModelHost, tmp_path: Path
) -> None:
    asked = assistant(settings, tmp_path)
    with passages_of_run(filled, settings) as passages:
        trace = last(Answering(host, passages), asked).trace
    told = {
        "a": "보증금은 5,000만원이며 반환한다 [1].",
        "b": "필터는 달마다 새로 사야만 한다고 들었다 [1].",
        "c": "이 문서에서는 알 수 없습니다.",
    }
    filled.answers.add([NewAnswer.of("f" * 32, key, Answer(text, trace)) for key, text in told.items()])
    filled.answers.add([NewAnswer.of("f" * 32, "d", Answer("문서 없이 답했다.", Trace(finish="stop")))])
    kept = filled.answers.get("f" * 32)
    found = grounded(filled, kept.values())
    assert found is not None and (found.answers, found.unknown) == (3, 1)
    assert found.precision is not None and found.precision.value == 0.5
    assert found.recall is not None and found.recall.n == 2 and found.recall.interval.low < 0.5
    assert found.unsupported is not None and found.unsupported.value == 0.5
    sources = filled.answers.sources([one.id for one in kept.values()])
    assert sorted(sources) == sorted(kept[key].id for key in "abc"), "an answer without passages has no sources"
    assert sources[kept["a"].id][0] == (1, "계약.txt", None, ())
    assert filled.answers.trace(kept["a"].id)["passages"][0] == trace.passages[0].passage.id
    assert grounded(filled, [kept["d"]]) is None and share([]) is share([(0, 0)]) is None
