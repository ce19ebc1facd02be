"""Batches: through the real worker and the one answering path, killed in the middle, and with a model that fails."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest

from backend.answering import Answer, Answers, Question, Trace
from backend.assistants import Assistant, Decoding, Instructions, ModelRef
from backend.batch.results import Results
from backend.batch.rows import AnswersWriter, BatchConfig, RowAnswer, answered, answers_file, read_answers
from backend.batch.start import start_batch, suggest_mapping
from backend.batch.work import answer_rows
from backend.errors import BadInput, ModelProblem, StudioError, Unavailable
from backend.jobs import turn
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress, Stopped
from backend.jobs.run import Run, RunState
from backend.jobs.runs import Runs, end_processes
from backend.jobs.turn import take_accelerator
from backend.models import loading
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.models.lease import Lease
from backend.prompts.table import Table, read_table
from backend.settings import Settings
from tests.fakes import chat_server
from tests.tiny import tiny_model
from tests.waiting import ended, until

ASSISTANT = Assistant(instructions=Instructions(template="Label: {review}"), decoding=Decoding(max_new_tokens=8))


def table(count: int) -> Table:
    return read_table(("id,review\n" + "".join(f"{at},film {at}\n" for at in range(count))).encode(), "films.csv")


@pytest.fixture(autouse=True)
def room_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small server's queue of five is full when thirty rows knock at once."""
    monkeypatch.setattr(ThreadingHTTPServer, "request_queue_size", 128)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def runs(settings: Settings) -> Iterator[Runs]:
    service = Runs(settings.home / "projects" / "p" / "runs", settings)
    yield service
    for run in service.list():
        end_processes(RunFolder(run.folder))


def _has_rows(run: Run, count: int) -> bool:
    return len(rows_done(run)) >= count


def rows_done(run: Run) -> list[int]:
    return [row for row, _ in answered(run.folder)]


def through(url: str, settings: Settings) -> Assistant:
    endpoint = Endpoints(settings.home).add("here", url, "sk-very-secret")
    model = ModelRef(kind="endpoint", name="small-model", endpoint=endpoint.id)
    return ASSISTANT.model_copy(update={"model": model})


# --- the real worker --------------------------------------------------------------------------------------------------


def test_killed_in_the_middle_it_resumes_none_twice_none_missing(runs: Runs, settings: Settings) -> None:
    with chat_server(words=["good"], pause_s=0.3) as server:
        server.mood = "slow"
        run = start_batch(runs, through(server.url, settings), table(120), {"review": "review"}, "films.csv")
        for kill_at in (20, 60):
            until(partial(_has_rows, run, kill_at))
            process = RunFolder(run.folder).process()
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
            until(lambda: runs.get(run.id).state == "interrupted")
            with answers_file(run.folder).open("ab") as file:
                file.write(b'{"row":3,"answer":"torn')
            runs.resume(run.id)
        over = ended(runs, run)
    assert (over.state, over.error_key, over.done, over.total, over.unit) == ("succeeded", None, 120, 120, "rows")
    assert Counter(rows_done(run)) == dict.fromkeys(range(120), 1)
    assert all(answer.answer == "good" for answer in read_answers(run.folder, range(120)).values())
    kept = b"".join(path.read_bytes() for path in run.folder.rglob("*") if path.is_file())
    assert b"sk-very-secret" not in kept


def test_a_stop_leaves_no_half_answers(runs: Runs, settings: Settings) -> None:
    with chat_server(words=["a ", "b"], pause_s=0.5) as server:
        server.mood = "slow"
        run = start_batch(runs, through(server.url, settings), table(90), {"review": "review"})
        until(lambda: len(rows_done(run)) >= 10)
        runs.stop(run.id)
        over = ended(runs, run)
        assert over.state == "stopped" and 10 <= len(rows_done(run)) < 90
        assert {answer.answer for answer in read_answers(run.folder, range(90)).values()} == {"a b"}
        server.mood = "normal"
        runs.resume(run.id)
        assert ended(runs, run).state == "succeeded"
    assert sorted(rows_done(run)) == list(range(90))


def test_a_connection_that_is_down_ends_the_run_and_a_resume_goes_on(runs: Runs, settings: Settings) -> None:
    with chat_server(words=["ok"], mood="broken") as server:
        run = start_batch(runs, through(server.url, settings), table(40), {"review": "review"})
        over = ended(runs, run)
        assert over.state == "failed" and over.error_key == "error.endpoint_failed" and over.resumable
        assert rows_done(run) == []
        server.mood = "normal"
        runs.resume(run.id)
        over = ended(runs, run)
    assert (over.state, over.done, over.result) == ("succeeded", 40, {"failed": 0})


def test_a_real_model_answers_a_table(runs: Runs, settings: Settings, tmp_path: Path) -> None:
    model = add_folder(settings, str(tiny_model(tmp_path / "tiny")))
    run = start_batch(runs, ASSISTANT.model_copy(update={"model": model}), table(40), {"review": "review"})
    over = ended(runs, run)
    assert (over.state, over.error_key, over.error_details) == ("succeeded", None, {}), runs.log(run.id)
    answers = read_answers(run.folder, range(40))
    assert sorted(answers) == list(range(40))
    assert all(answer.error_key is None and answer.answer_tokens and answer.seconds for answer in answers.values())


def test_a_model_that_is_not_there_is_told_by_the_run(runs: Runs) -> None:
    gone = ModelRef(kind="hub", name="none/such")
    run = start_batch(runs, ASSISTANT.model_copy(update={"model": gone}), table(3), {"review": "review"})
    over = ended(runs, run)
    assert (over.state, over.error_key) == ("failed", "error.model_not_installed")


# --- before it starts -------------------------------------------------------------------------------------------------


def test_what_a_person_can_get_wrong_is_told_before_the_run_exists(runs: Runs) -> None:
    with pytest.raises(BadInput, match="batch_mapping") as told:
        start_batch(runs, ASSISTANT, table(2), {})
    assert told.value.details == {"variables": "{review}"}
    with pytest.raises(BadInput, match="table_column"):
        start_batch(runs, ASSISTANT, table(2), {"review": "text"})
    assert runs.list() == []


def test_a_mapping_is_suggested() -> None:
    films = table(3)
    assert suggest_mapping(ASSISTANT, films) == {"review": "review"}
    plain = ASSISTANT.model_copy(update={"instructions": Instructions(template="{id}: {input}")})
    assert suggest_mapping(plain, films) == {"id": "id", "input": "review"}
    other = ASSISTANT.model_copy(update={"instructions": Instructions(template="{text}")})
    assert suggest_mapping(other, films) == {"text": "review"}


# --- which faults are a row's own -------------------------------------------------------------------------------------


class Scripted:
    """Answers that fail as told: the fault of each row, None for an answer; a list is one per time it is asked."""

    def __init__(self, faults: Sequence[StudioError | list[StudioError | None] | None]) -> None:
        self.faults, self.asked = faults, list[int]()

    def answer_many(
        self,
        assistant: Assistant,
        questions: Iterable[Question],
        stop: threading.Event | None = None,
        on_fault: Callable[[int, StudioError], None] | None = None,
    ) -> Iterator[tuple[int, Answer]]:
        for index, question in enumerate(questions):
            row = int(question.variables["review"].split()[1])
            self.asked.append(row)
            fault = self.faults[row]
            if isinstance(fault, list):
                fault = fault.pop(0)
            if fault:
                assert on_fault is not None
                on_fault(index, fault)
            else:
                yield index, Answer(f"<film {row}>", Trace(finish="stop"))


class Stopping(Scripted):
    """A stop arrives during the first answer."""

    def answer_many(
        self,
        assistant: Assistant,
        questions: Iterable[Question],
        stop: threading.Event | None = None,
        on_fault: Callable[[int, StudioError], None] | None = None,
    ) -> Iterator[tuple[int, Answer]]:
        for index, _ in enumerate(questions):
            assert stop is not None
            stop.set()
            yield index, Answer("half", Trace(finish="stopped"))
            return


def attempt(folder: Path, scripted: Scripted, rows: int = 6) -> Progress:
    """One attempt over six rows in `folder`, of which only `rows` are in the file."""
    (folder / "input").mkdir(exist_ok=True)
    (folder / "output").mkdir(exist_ok=True)
    lines = [json.dumps([at + 2, str(at), f"film {at}"]) + "\n" for at in range(rows)]
    (folder / "input" / "rows.jsonl").write_text("".join(lines))
    config = BatchConfig(assistant=ASSISTANT, columns=("id", "review"), mapping={"review": "review"}, rows=6)
    progress = Progress(RunFolder(folder), RunState())
    answer_rows(Job(folder, {}, Settings(home=folder)), config, cast(Answers, scripted), progress)
    return progress


def test_a_row_of_its_own_fault_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    long = BadInput("error.prompt_too_long", tokens=9, limit=8)
    progress = attempt(tmp_path, Scripted([None, long, long, long, long, None]))
    found = read_answers(tmp_path, range(6))
    assert [found[row].error_key for row in range(6)] == [None, *[long.key] * 4, None]
    assert found[1].error_details == {"tokens": 9, "limit": 8} and found[5].answer == "<film 5>"
    assert progress.state().done == 6 and progress.state().result == {"failed": 4}


def test_a_row_that_fell_to_the_connection_gets_a_second_chance(tmp_path: Path) -> None:
    cut = Unavailable("error.endpoint_cut_off", endpoint="e")
    scripted = Scripted([None, [cut, None], cut, None, None, None])
    attempt(tmp_path, scripted)
    assert scripted.asked == [0, 1, 2, 3, 4, 5, 1, 2]
    found = read_answers(tmp_path, range(6))
    assert found[1].answer == "<film 1>" and found[2].error_key == cut.key and len(found) == 6


def test_three_failures_of_the_model_in_a_row_end_it_and_come_again(tmp_path: Path) -> None:
    down = ModelProblem("error.out_of_memory")
    with pytest.raises(ModelProblem):
        attempt(tmp_path, Scripted([None, down, down, down, None, None]))
    assert list(read_answers(tmp_path, range(6))) == [0]
    second, third = Scripted([None] * 6), Scripted([])
    attempt(tmp_path, second)
    assert second.asked == [1, 2, 3, 4, 5]
    attempt(tmp_path, third)
    assert third.asked == []


def test_when_nothing_went_well_it_was_not_the_rows(tmp_path: Path) -> None:
    down, long = Unavailable("error.endpoint_down", endpoint="e"), BadInput("error.prompt_empty")
    with pytest.raises(Unavailable):
        attempt(tmp_path, Scripted([long, down, long, long, long, down]))
    assert list(read_answers(tmp_path, range(6))) == [0, 2, 3, 4]


def test_a_table_that_was_cut_short_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="batch_table"):
        attempt(tmp_path, Scripted([None] * 6), rows=4)
    (tmp_path / "output" / "answers.jsonl").unlink()
    (tmp_path / "input" / "rows.jsonl").unlink()
    with pytest.raises(StudioError, match="batch_table"):
        Results(tmp_path, BatchConfig(assistant=ASSISTANT, columns=("id",), mapping={}, rows=6)).page()


def test_stopped_answers_are_not_kept(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        attempt(tmp_path, Stopping([]))
    assert list(answered(tmp_path)) == []


def test_a_torn_line_is_cut_off_before_the_next(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    for torn in (b"", b'{"row":1,', b'{"row":0,"answer":"a"}\n{"row":1,"ans' + b"x" * 70_000):
        answers_file(tmp_path).write_bytes(torn)
        with AnswersWriter(tmp_path) as writer:
            writer.add(RowAnswer(row=7, answer="여기\n까지"))
        kept = answers_file(tmp_path).read_bytes()
        assert (
            kept.endswith('{"row":7,"answer":"여기\\n까지"}\n'.encode()) and kept.count(b"\n") == torn.count(b"\n") + 1
        )


def test_results_of_a_run_that_is_no_batch(runs: Runs) -> None:
    run = runs.submit("rehearsal", {"steps": 1})
    with pytest.raises(StudioError, match="batch_table"):
        Results.of(run)
    ended(runs, run)


def test_a_batch_waits_for_the_accelerator_and_can_be_stopped_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(loading, "best_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(turn, "TURN_S", 0.2)
    chat, host = Lease(tmp_path), ModelHost(Settings(home=tmp_path), Endpoints(tmp_path))
    chat.take("chat")
    progress = Progress(RunFolder(tmp_path), RunState())
    waiting = threading.Thread(target=take_accelerator, args=(host, "batch", progress))
    waiting.start()
    until(lambda: chat.wanted() == "batch")
    until(lambda: progress.state().message_details == {"holder": "chat"})
    chat.release()
    waiting.join(5)
    assert host.lease.held and Lease(tmp_path).holder() == "batch"
    host.lease.release()
    chat.take("chat")
    progress.ask_to_stop()
    with pytest.raises(Stopped):
        take_accelerator(host, "batch", progress)
    chat.release()
