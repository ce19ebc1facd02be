"""Evaluations through the real worker: killed in the middle, run twice, with a model that has gone."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backend.answering import Answering
from backend.assistants import Assistant, Decoding, Instructions, ModelRef
from backend.errors import BadInput, NotFound, Refused
from backend.evaluation.comparison import compare
from backend.evaluation.cost import Cost, cost_of, keep_cost
from backend.evaluation.identity import known_fingerprint
from backend.evaluation.run import drawn, plan_evaluation, start_evaluation
from backend.evaluation.work import Evaluation
from backend.examples.example import NewExample
from backend.examples.task import Task
from backend.jobs.folder import RunFolder
from backend.jobs.progress import Progress, Stopped
from backend.jobs.run import RunState
from backend.jobs.runs import Runs, end_processes
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.settings import Settings
from tests.fakes import ChatServer, chat_server
from tests.waiting import ended, until

TASK = Task(kind="classification", labels=("good", "bad"), metric="accuracy")
SHORT = Assistant(instructions=Instructions(template="Label: {input}"), decoding=Decoding(max_new_tokens=3))


@pytest.fixture
def runs(project: Project, settings: Settings) -> Iterator[Runs]:
    service = Runs(project.runs_folder, settings)
    yield service
    for run in service.list():
        end_processes(RunFolder(run.folder))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(words=["good"]) as server:
        yield server


def fill(project: Project, count: int) -> None:
    """`count` test examples, every third of them bad."""
    project.examples.set_task(TASK)
    new = [
        NewExample(variables={"input": f"film {at}"}, output="bad" if at % 3 == 0 else "good") for at in range(count)
    ]
    project.examples.add(new)
    project.examples.set_split([one.id for one in project.examples.page(limit=count)], "test")


def remote(project: Project, settings: Settings, url: str, name: str = "remote", system: str = "") -> SavedAssistant:
    endpoints = Endpoints(settings.home)
    known = next((one for one in endpoints.list() if one.name == "here"), None)
    endpoint = known or endpoints.add("here", url, "sk-very-secret")
    model = ModelRef(kind="endpoint", name="small-model", endpoint=endpoint.id)
    instructions = Instructions(system=system, template="Label: {input}")
    return project.assistants.save(name, SHORT.model_copy(update={"model": model, "instructions": instructions}))


def kept(project: Project) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(project.folder / "project.db", timeout=20)) as database:
        return database.execute("SELECT assistant, input_key FROM answers").fetchall()


# --- the real worker --------------------------------------------------------------------------------------------------


def test_killed_in_the_middle_nothing_is_lost_and_nothing_twice(
    project: Project, runs: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 130)
    server.mood, server.pause_s = "slow", 0.3
    one, two = remote(project, settings, server.url), remote(project, settings, server.url, "second", "Be brief.")
    run = start_evaluation(runs, project, [one.id, two.id])
    for kill_at in (20, 170):
        until(lambda kill_at=kill_at: len(kept(project)) >= kill_at)  # type: ignore[misc]
        before = set(kept(project))
        process = RunFolder(run.folder).process()
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: runs.get(run.id).state == "interrupted")
        assert before <= set(kept(project)), "what was kept stays"
        runs.resume(run.id)
    over = ended(runs, run)
    assert (over.state, over.error_key, over.done, over.total, over.unit) == ("succeeded", None, 260, 260, "answers")
    assert len(kept(project)) == 260 and set(Counter(kept(project)).values()) == {1}
    # At most the answers of a second and those under way were asked again.
    assert 260 <= len(server.asked) <= 260 + 2 * 2 * 32 + 64
    # Not the database's own files: reading them past SQLite would let go of its locks.
    files = b"".join(path.read_bytes() for path in run.folder.rglob("*") if path.is_file())
    assert b"sk-very-secret" not in files
    found = compare(project, [one.id, two.id])
    assert found.n == 130 and [row.score.value for row in found.rows if row.score] == [86 / 130] * 2

    asked = len(server.asked)
    again = ended(runs, start_evaluation(runs, project, [two.id, one.id]))
    assert (again.state, again.done, len(server.asked)) == ("succeeded", 260, asked), "a second time costs nothing"
    third = remote(project, settings, server.url, "third", "Be kind.")
    added = ended(runs, start_evaluation(runs, project, [one.id, two.id, third.id]))
    assert (added.state, added.done, len(server.asked)) == ("succeeded", 390, asked + 130), runs.log(added.id)


def test_a_real_model_is_evaluated_with_what_it_took(
    project: Project, runs: Runs, settings: Settings, tiny: Path
) -> None:
    fill(project, 24)
    model = add_folder(settings, str(tiny))
    saved = project.assistants.save("tiny", SHORT.model_copy(update={"model": model}))
    over = ended(runs, start_evaluation(runs, project, [saved.id], limit=20))
    assert (over.state, over.error_key, over.done) == ("succeeded", None, 20), runs.log(over.id)
    found = compare(project, [saved.id])
    row = found.rows[0]
    assert (row.answered, row.missing, found.n) == (20, 4, 20) and row.score is not None
    assert row.cost is not None and row.cost.answers == 20 and row.cost.load_s and row.cost.seconds > 0
    assert row.memory_bytes and 10_000 < row.memory_bytes < 150 << 20
    median, high = row.latency
    assert median and high and 0 < median <= high and row.prompt_tokens and row.answer_tokens


def test_a_model_that_has_gone_is_told_and_the_others_go_on(
    project: Project, runs: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 12)
    gone = project.assistants.save("gone", SHORT.model_copy(update={"model": ModelRef(kind="local", name="/no/where")}))
    there = remote(project, settings, server.url)
    over = ended(runs, start_evaluation(runs, project, [gone.id, there.id]))
    assert (over.state, over.error_key, over.resumable) == ("failed", "error.evaluation_partly", True)
    assert over.error_details == {"names": "gone 1", "failed": 1, "of": 2}
    assert over.result["faults"] == {str(gone.id): {"key": "error.model_not_added", "details": {"model": "where"}}}
    found = compare(project, [gone.id, there.id])
    assert [(row.name, row.answered, row.score is None) for row in found.rows] == [
        ("remote", 12, False),
        ("gone", 0, True),
    ]
    alone = ended(runs, start_evaluation(runs, project, [gone.id]))
    assert (alone.state, alone.error_key) == ("failed", "error.model_not_added")


# --- without a process of its own -------------------------------------------------------------------------------------


def evaluate(
    project: Project, host: ModelHost, saved: list[SavedAssistant], folder: Path, ask_faults_again: bool = False
) -> Progress:
    progress = Progress(RunFolder(folder), RunState())
    Evaluation(project, host, Answering(host), drawn(project, "test"), progress, ask_faults_again).run(saved)
    return progress


@pytest.fixture
def host(settings: Settings) -> Iterator[ModelHost]:
    host = ModelHost(settings, Endpoints(settings.home))
    yield host
    host.close()


def test_a_finished_evaluation_loads_no_model(
    project: Project, settings: Settings, tiny: Path, tmp_path: Path, host: ModelHost
) -> None:
    fill(project, 6)
    model = add_folder(settings, str(tiny))
    saved = project.assistants.save("tiny", SHORT.model_copy(update={"model": model}))
    evaluate(project, host, [saved], tmp_path)
    fresh = ModelHost(settings, Endpoints(settings.home))
    progress = evaluate(project, fresh, [saved], tmp_path)
    assert fresh.loaded() == [] and (progress.state().done, progress.state().total) == (6, 6)


def test_what_failed_is_asked_again_only_on_demand(
    project: Project, settings: Settings, server: ChatServer, tmp_path: Path, host: ModelHost
) -> None:
    fill(project, 5)
    saved = remote(project, settings, server.url)
    odd = NewExample(variables={"other": "no input"}, output="good")
    project.examples.add([odd])
    project.examples.set_split([one.id for one in project.examples.find_by_input(odd.input_key)], "test")
    evaluate(project, host, [saved], tmp_path)
    row = compare(project, [saved.id]).rows[0]
    assert (row.answered, row.failures, row.unreadable, row.missing) == (6, 1, 1, 0)
    assert row.score is not None and row.score.n == 6, "an example that failed counts as wrong"
    asked = len(server.asked)
    evaluate(project, host, [saved], tmp_path)
    assert len(server.asked) == asked
    evaluate(project, host, [saved], tmp_path, ask_faults_again=True)
    assert compare(project, [saved.id]).rows[0].failures == 1


def test_a_stop_is_a_stop(
    project: Project, settings: Settings, server: ChatServer, tmp_path: Path, host: ModelHost
) -> None:
    fill(project, 200)
    server.mood, server.pause_s = "slow", 0.2
    saved = remote(project, settings, server.url)
    progress = Progress(RunFolder(tmp_path), RunState())

    def stop_after_some() -> None:
        until(lambda: progress.state().done >= 20)
        progress.ask_to_stop()

    threading.Thread(target=stop_after_some, daemon=True).start()
    with pytest.raises(Stopped):
        Evaluation(project, host, Answering(host), drawn(project, "test"), progress).run([saved])
    assert 20 <= len(kept(project)) < 200


# --- before it starts -------------------------------------------------------------------------------------------------


def test_the_draw_is_seeded_nested_and_stays_when_examples_come(project: Project) -> None:
    fill(project, 60)
    few, more = drawn(project, "test", 10), drawn(project, "test", 30)
    assert {one.id for one in few} < {one.id for one in more} and few == drawn(project, "test", 10)
    assert [one.id for one in more] == sorted(one.id for one in more)
    assert few != drawn(project, "test", 10, seed=1) and len(drawn(project, "test", None)) == 60
    fill(project, 61)  # one is new, sixty are there already
    assert len({one.id for one in few} - {one.id for one in drawn(project, "test", 10)}) <= 1
    assert len(drawn(project, "test", 1000)) == 61


def test_a_plan_tells_what_is_missing_and_how_long_it_will_take(
    project: Project, settings: Settings, server: ChatServer, tmp_path: Path, host: ModelHost
) -> None:
    fill(project, 40)
    saved, other = remote(project, settings, server.url), remote(project, settings, server.url, "other", "Be kind.")
    plan = plan_evaluation(project, [saved.id, saved.id], limit=30)
    assert (plan.examples, plan.there, plan.answers, plan.seconds) == (30, 40, 30, None)
    evaluate(project, host, [saved], tmp_path)
    assert plan_evaluation(project, [saved.id]).answers == 0 and plan_evaluation(project, [saved.id]).seconds == 0
    known = known_fingerprint(project, saved.assistant)
    assert known is not None and cost_of(project, known) is not None
    keep_cost(project, known, saved.assistant.model, Cost(answers=40, seconds=20.0))
    plan = plan_evaluation(project, [saved.id, other.id])
    assert (plan.answers, plan.seconds) == (40, 20.0), "the pace of another assistant with this model"


def test_what_cannot_be_evaluated_is_told_before_it_starts(project: Project, runs: Runs) -> None:
    saved = project.assistants.save("one", SHORT)
    with pytest.raises(Refused, match="evaluation_task"):
        start_evaluation(runs, project, [saved.id])
    project.examples.set_task(TASK)
    with pytest.raises(BadInput, match="evaluation_empty"):
        start_evaluation(runs, project, [saved.id])
    with pytest.raises(BadInput, match="evaluation_nobody"):
        start_evaluation(runs, project, [])
    with pytest.raises(NotFound):
        start_evaluation(runs, project, [99])
    fill(project, 3)
    with pytest.raises(BadInput, match="evaluation_limit"):
        start_evaluation(runs, project, [saved.id], limit=0)
    odd = SHORT.model_copy(update={"instructions": Instructions(template="{review}")})
    with pytest.raises(BadInput, match="evaluation_variables") as told:
        start_evaluation(runs, project, [project.assistants.save("odd", odd).id])
    assert told.value.details == {"name": "odd", "unknown": "{review}", "known": "{input}"}
    assert runs.list() == []
