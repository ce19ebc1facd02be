"""The table of ways of searching, and the sweep, over a project's own documents and index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from backend.assistants import Assistant, Documents
from backend.documents.index.index import Index
from backend.documents.index.settings import active
from backend.documents.measuring.answering import evaluate_answers
from backend.documents.measuring.measuring_work import MeasuringConfig, start_measuring
from backend.documents.measuring.measuring_work import work as measuring_work
from backend.documents.measuring.places import Place, Refound, refind
from backend.documents.measuring.sweep import (
    SweepConfig,
    keep_best,
    make_plan,
    outcome_of,
    plan_in,
    start_sweep,
    tried_in,
)
from backend.documents.measuring.sweep_work import work
from backend.documents.measuring.told import last_measured, measure, outdated
from backend.documents.retrieving.retrieval import Retrieval
from backend.documents.shelf.removal import remove
from backend.errors import BadInput, Refused
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress, Stopped
from backend.jobs.run import Run, RunState
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.projects.folder import Project
from backend.settings import Settings
from tests.documents.asking import THINGS, document, reread
from tests.fakes import Resting


@pytest.fixture
def retrieval(settings: Settings) -> Iterator[Retrieval]:
    made = Retrieval(settings, Endpoints(settings.home))
    yield made
    made.close()


# --- the table


def test_every_way_is_measured_and_what_cannot_be_asked_says_why(asked: Project, retrieval: Retrieval) -> None:
    told = measure(asked, retrieval)
    rows = {row.way: row for row in told.rows}
    assert len(told.questions) == 12 and told.left_out == () and told == last_measured(asked)
    assert rows["dense"].error_key == "error.index_no_vectors" and rows["dense"].ndcg == ()
    for way in ("keyword", "bm25", "hybrid"):
        assert len(rows[way].mrr) == 12
        assert all(one <= other for one, other in zip(rows[way].recall[1], rows[way].recall[20], strict=True))
    assert sum(rows["bm25"].recall[20]) == 12, "each is found among twenty: its document's name is in the question"
    assert not outdated(asked, told)
    asked.questions.remove([told.questions[0]])
    assert outdated(asked, told)


def test_a_table_is_an_old_one_once_its_files_questions_or_places_are_others(
    asked: Project, retrieval: Retrieval
) -> None:
    def stale_after_measuring_again() -> bool:
        was = outdated(asked, told)
        assert not outdated(asked, measure(asked, retrieval))
        return was

    told = measure(asked, retrieval)
    one = asked.questions.list()[0]
    asked.questions.edit(one.id, question="다른 말로 묻는 질문입니까?")
    assert stale_after_measuring_again()
    told = measure(asked, retrieval)
    moved = reread(asked, "펌프", "새 머리말입니다.", f"펌프에 대하여 말하면 {THINGS['펌프']}.")
    refind(asked, moved)
    assert stale_after_measuring_again(), "a place moved with its text"
    told = measure(asked, retrieval)
    assert refind(asked, moved) == Refound(same=1) and not outdated(asked, told), "nothing moved"
    with closing(Index(asked.folder, active(asked))) as index:
        index.put(999, [])
    assert stale_after_measuring_again(), "a new file in the index"
    told = measure(asked, retrieval)
    with closing(Index(asked.folder, active(asked))) as index:
        index.drop(999)
    assert outdated(asked, told), "and one that was taken away"


def test_what_is_edited_while_it_is_being_measured_makes_it_an_old_one(asked: Project, retrieval: Retrieval) -> None:
    one = asked.questions.list()[0]

    def heard(way: str, done: int, of: int) -> None:
        if (way, done) == ("hybrid", of):
            asked.questions.edit(one.id, question="재는 동안 고친 질문입니까?")

    assert outdated(asked, measure(asked, retrieval, heard=heard))


def test_a_question_whose_document_is_not_in_the_index_is_left_out(asked: Project, retrieval: Retrieval) -> None:
    gone = document(asked, "펌프").id
    with closing(Index(asked.folder, active(asked))) as index:
        index.drop(gone)
    told = measure(asked, retrieval)
    assert len(told.questions) == 11 and len(told.left_out) == 1
    remove(asked, [gone])
    assert asked.questions.count() == 11, "removing a document takes the questions about it along"


def test_without_questions_or_index_measuring_says_so(project: Project, retrieval: Retrieval) -> None:
    with pytest.raises(Refused) as told:
        measure(project, retrieval)
    assert told.value.key == "error.measure_no_questions"
    project.questions.add("무엇?", [Place(1, 0, 1)])
    with pytest.raises(Refused) as told:
        measure(project, retrieval)
    assert told.value.key == "error.measure_no_index"


# --- the sweep

CONFIG = SweepConfig(sizes=(32, 64), overlaps=(0.0,), ways=("keyword", "bm25"), budget=200)


def swept(project: Project, settings: Settings, config: SweepConfig = CONFIG) -> tuple[Run, Job]:
    runs = Resting(project.runs_folder, settings)
    run = start_sweep(runs, project, config)
    job = Job(run.folder, run.config, settings)
    job.output.mkdir()
    return run, job


def lines(job: Job) -> list[tuple[int, str]]:
    return [(one.split.size, one.row.way) for one in tried_in(job.output)]


def test_a_sweep_chooses_on_one_half_and_tells_on_the_other(asked: Project, settings: Settings) -> None:
    run, job = swept(asked, settings)
    progress = Progress(RunFolder(job.folder), RunState())
    work(job, progress)
    assert sorted(set(lines(job))) == sorted(
        {(size, way) for size in (256, 32, 64) for way in ("keyword", "bm25", "hybrid")}
    )
    found, plan = outcome_of(run), plan_in(job.output)
    assert plan is not None and plan.choosing == 6 and len(found.best.told) == 6
    assert found.best.reads <= 200 and found.best.chosen_by == max(one.chosen_by for one in found.every)
    assert found.now is not None and (found.now.split.size, found.now.way, found.now.k) == (256, "hybrid", 5)
    assert not list((job.output / "index").glob("*/*")), "indexes that were asked are gone"
    assert progress.state().done == progress.state().total
    best = keep_best(asked, run)
    draft = asked.draft()
    assert active(asked).split == best.split and draft is not None and draft.documents is not None
    assert (draft.documents.retriever, draft.documents.top_k) == (best.way, best.k)


@pytest.mark.parametrize("after", [13, 60])
def test_a_stopped_sweep_goes_on_without_doing_anything_twice(asked: Project, settings: Settings, after: int) -> None:
    _, job = swept(asked, settings)
    progress = Halting(RunFolder(job.folder), RunState(), after)
    with pytest.raises(Stopped):
        work(job, progress)
    before, plan = lines(job), plan_in(job.output)
    work(job, Progress(RunFolder(job.folder), RunState()))
    every = lines(job)
    assert len(every) == len(set(every)) == 9 and every[: len(before)] == before and plan_in(job.output) == plan


class Halting(Progress):
    """Asks for a stop once so many steps were told."""

    def __init__(self, folder: RunFolder, state: RunState, after: int) -> None:
        super().__init__(folder, state)
        self.after = after

    def done(self, done: int) -> None:
        super().done(done)
        if done >= self.after:
            self.ask_to_stop()


def test_too_few_questions_are_refused_before_and_when_their_documents_are_gone(
    asked: Project, settings: Settings
) -> None:
    remove(asked, [document(asked, thing).id for thing in ("펌프", "보일러")])
    assert len(make_plan(asked, CONFIG).questions) == 10
    remove(asked, [document(asked, "금고").id])
    with pytest.raises(Refused) as told:
        swept(asked, settings)
    assert told.value.key == "error.measure_few" and told.value.details["count"] == 9


def test_questions_whose_places_are_all_lost_are_not_swept_by(asked: Project) -> None:
    two = [place for thing in ("펌프", "금고") for place in asked.questions.about(document(asked, thing).id)[0].places]
    both = asked.questions.add("둘 다 무엇입니까?", two)
    lost = asked.questions.about(document(asked, "펌프").id)[0].id
    refind(asked, reread(asked, "펌프", "아무 말도 없습니다."))
    planned = {one.id for one in make_plan(asked, CONFIG).questions}
    assert both is not None and both.id in planned, "one of its places is there"
    assert planned == {one.id for one in asked.questions.list()} - {lost}


def test_questions_with_an_answer_are_looked_for_among_all(asked: Project, settings: Settings) -> None:
    """However many without one came before them."""
    place = asked.questions.list()[0].places
    asked.questions.remove(one.id for one in asked.questions.list())
    for number in range(4):
        asked.questions.add(f"{number}번 질문?", place, answer="답" if number == 3 else "")
    assert [one.question for one in asked.questions.list("accepted", limit=1, answered=True)] == ["3번 질문?"]
    runs = Resting(asked.runs_folder, settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backend.documents.measuring.answering.MOST", 3)
        evaluate_answers(runs, asked, Assistant(), ("있음", "없음"))
    assert [one.output for one in asked.examples.page()] == ["답"]


def test_what_is_given_whole_is_not_swept(asked: Project, settings: Settings) -> None:
    with pytest.raises(Refused) as told:
        swept(asked, settings, CONFIG.model_copy(update={"base": Documents(retriever="whole")}))
    assert told.value.key == "error.measure_whole"


def test_cuts_that_cannot_be_are_refused(asked: Project, settings: Settings) -> None:
    with pytest.raises(BadInput):
        swept(asked, settings, CONFIG.model_copy(update={"overlaps": (0.9,)}))


def test_a_run_of_its_own_does_the_same(asked: Project, runs: Runs) -> None:
    from tests.documents.test_indexing import ended

    run = ended(runs, start_sweep(runs, asked, CONFIG))
    assert run.state == "succeeded", runs.log(run.id)
    assert run.result["tried"] == 9 and outcome_of(run).choosing == 6


def test_measuring_is_a_run_that_tells_how_far_it_is_and_can_be_stopped(asked: Project, settings: Settings) -> None:
    run = start_measuring(Resting(asked.runs_folder, settings), asked, MeasuringConfig())
    job = Job(run.folder, run.config, settings)
    seen: list[int] = []

    class Stopping(Progress):
        def done(self, count: int) -> None:
            super().done(count)
            seen.append(count)
            if len(seen) == 5:
                self.ask_to_stop()

    with pytest.raises(Stopped):
        measuring_work(job, Stopping(RunFolder(job.folder), RunState()))
    assert last_measured(asked) is None and seen[:5] == [0, 1, 2, 3, 4]
    progress = Progress(RunFolder(job.folder), RunState())
    measuring_work(job, progress)
    told = last_measured(asked)
    assert told is not None and len(told.questions) == len(THINGS) and told.model_written == 0
    assert progress.state().done == progress.state().total == 4 * len(THINGS)
    assert progress.state().result == {"questions": len(THINGS), "left_out": 0}
