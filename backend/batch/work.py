"""The work of a batch run: rows not answered yet go through the one answering path, each kept as soon as it is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from backend.answering import Answer, Answering, Answers, Question
from backend.batch.rows import AnswersWriter, BatchConfig, Row, RowAnswer, answered, read_rows, variables_of
from backend.errors import BadInput, Busy, StorageProblem, StudioError
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress, Stopped

if TYPE_CHECKING:
    from backend.models.host import ModelHost

GIVE_UP_AFTER = 3
"""So many rows in a row that failed for no fault of their own: the model or the connection is down."""
TURN_S = 3.0


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, and what the model or the connection says when it fails for good; both can be resumed."""
    from backend.models.endpoints import Endpoints
    from backend.models.host import ModelHost

    settings = job.settings
    host = ModelHost(settings, Endpoints(settings.home, settings.offline))
    try:
        config = _config(job)
        progress.message("run.message.loading_model")
        if config.assistant.model.kind != "endpoint":
            _take_accelerator(host, progress)
        answer_rows(job, config, Answering(host), progress)
    finally:
        host.close()


def answer_rows(job: Job, config: BatchConfig, answers: Answers, progress: Progress) -> None:
    """Answer every row that has no line yet. A stop leaves rows under way for the next time rather than cut short."""
    done = {row for row, _ in answered(job.folder)}
    left = (row for row in read_rows(job.folder, config.columns, 0, config.rows) if row.index not in done)
    progress.total(config.rows, "rows")
    progress.done(len(done))
    if len(done) >= config.rows:
        return
    with AnswersWriter(job.folder) as writer:
        batch = Batch(writer, progress, len(done))
        for rows in (left, batch.again()):
            questions = batch.questions(rows, config.mapping)
            for index, answer in answers.answer_many(config.assistant, questions, progress.stop_event, batch.failed):
                batch.answered(index, answer)
            if progress.should_stop() or not batch.finish():
                break
    progress.result(failed=batch.faults)
    if batch.count < config.rows:
        raise Stopped if progress.should_stop() else StorageProblem("error.batch_table")


class Batch:
    """The bookkeeping of one attempt: which question is which row, and which faults are the rows' own.

    A fault that may be the model's or the connection's gives its row a second chance after all others; only then
    is it recorded.
    """

    def __init__(self, writer: AnswersWriter, progress: Progress, before: int) -> None:
        self._writer, self._progress = writer, progress
        self._asked: dict[int, Row] = {}
        self._in_doubt: list[tuple[Row, StudioError]] = []
        self._again: list[Row] = []
        self._went_well = self._second = False
        self.count = before
        self.faults = 0

    def questions(self, rows: Iterator[Row], mapping: dict[str, str]) -> Iterator[Question]:
        for index, row in enumerate(rows):
            self._asked[index] = row
            yield Question(variables_of(row, mapping))

    def again(self) -> Iterator[Row]:
        """The rows for the second round."""
        self._second = True
        yield from self._again

    def answered(self, index: int, answer: Answer) -> None:
        row, trace = self._asked.pop(index), answer.trace
        if trace.finish == "stopped":
            return  # half an answer: the row comes again on resume
        self._went_well = True
        self._settle()
        self._progress.message(None)
        self._add(
            RowAnswer(
                row=row.index,
                answer=answer.text,
                finish=trace.finish,
                prompt_tokens=trace.prompt_tokens,
                answer_tokens=trace.answer_tokens,
                seconds=round(trace.total_s, 3),
            )
        )

    def failed(self, index: int, fault: StudioError) -> None:
        """Record a row's own fault. Raises the fault when as many as GIVE_UP_AFTER in a row are not the rows' own."""
        row = self._asked.pop(index)
        if isinstance(fault, BadInput) or (self._second and not self._progress.should_stop()):
            self._add_fault(row, fault)
        elif not self._progress.should_stop():
            self._in_doubt.append((row, fault))
            if len(self._in_doubt) >= GIVE_UP_AFTER:
                raise fault

    def finish(self) -> bool:
        """A round is through; says whether there are rows for another.

        Raises the fault when not a single row went well: then it was no row's own.
        """
        if self._in_doubt and not self._went_well:
            raise self._in_doubt[0][1]
        self._settle()
        return bool(self._again)

    def _settle(self) -> None:
        """Another row went well, so the model is there: what failed before it may go well, too."""
        self._again += [row for row, _ in self._in_doubt]
        self._in_doubt.clear()

    def _add_fault(self, row: Row, fault: StudioError) -> None:
        self.faults += 1
        details = {
            name: value if isinstance(value, int | float) else str(value) for name, value in fault.details.items()
        }
        self._add(RowAnswer(row=row.index, error_key=fault.key, error_details=details))

    def _add(self, answer: RowAnswer) -> None:
        self._writer.add(answer)
        self.count += 1
        self._progress.done(self.count)


def _config(job: Job) -> BatchConfig:
    try:
        return BatchConfig.model_validate(job.config)
    except ValidationError as fault:
        raise StorageProblem("error.batch_table") from fault


def _take_accelerator(host: ModelHost, progress: Progress) -> None:
    """Ask whoever chats to step aside, for as long as it takes. Raises Stopped."""
    from backend.models.loading import best_device

    if best_device().type != "cuda":
        return
    while True:
        progress.check_stop()
        try:
            host.lease.take("batch", wait_s=TURN_S)
            return
        except Busy as taken:
            progress.message("run.message.waiting_device", holder=taken.details.get("holder", "?"))
