"""The work of a batch run: rows not answered yet go through the one answering path, each kept as soon as it is done."""

from __future__ import annotations

import threading

from pydantic import ValidationError

from backend.answering import Answer, Answering, Answers, Question
from backend.batch.rows import AnswersWriter, BatchConfig, Row, RowAnswer, answered, read_rows, variables_of
from backend.documents.grounding.library import passages_of_run
from backend.errors import StorageProblem, StudioError
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress, Stopped
from backend.jobs.turn import take_accelerator
from backend.projects.folder import Project
from backend.rounds import answer_all


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, and what the model or the connection says when it fails for good; both can be resumed."""
    from backend.models.endpoints import Endpoints
    from backend.models.host import ModelHost

    settings = job.settings
    host = ModelHost(settings, Endpoints(settings.home, settings.offline))
    project = Project(job.folder.parent.parent, threading.Lock())
    try:
        config = _config(job)
        progress.message("run.message.loading_model")
        if config.assistant.model.kind != "endpoint":
            take_accelerator(host, "batch", progress)
        with passages_of_run(project, settings) as passages:
            answer_rows(job, config, Answering(host, passages), progress)
    finally:
        host.close()
        project.close()


def answer_rows(job: Job, config: BatchConfig, answers: Answers, progress: Progress) -> None:
    """Answer every row that has no line yet. A stop leaves rows under way for the next time rather than cut short."""
    done = {row for row, _ in answered(job.folder)}
    left = (row for row in read_rows(job.folder, config.columns, 0, config.rows) if row.index not in done)
    progress.total(config.rows, "rows")
    progress.done(len(done))
    if len(done) >= config.rows:
        return
    with AnswersWriter(job.folder) as writer:
        kept = Kept(writer, progress, len(done))

        def question(row: Row) -> Question:
            return Question(variables_of(row, config.mapping))

        answer_all(answers, config.assistant, left, question, kept.answer, kept.fault, progress.stop_event)
    progress.result(failed=kept.faults)
    if kept.count < config.rows:
        raise Stopped if progress.should_stop() else StorageProblem("error.batch_table")


class Kept:
    """Writes finished rows, and counts those done in all and those that failed in this attempt."""

    def __init__(self, writer: AnswersWriter, progress: Progress, before: int) -> None:
        self._writer, self._progress = writer, progress
        self.count = before
        self.faults = 0

    def answer(self, row: Row, answer: Answer) -> None:
        trace = answer.trace
        self._progress.message(None)
        self._add(
            RowAnswer(
                row=row.index,
                answer=answer.text,
                finish=trace.finish,
                prompt_tokens=trace.prompt_tokens,
                answer_tokens=trace.answer_tokens,
                seconds=round(trace.total_s, 3),
                passages=trace.passages,
            )
        )

    def fault(self, row: Row, fault: StudioError) -> None:
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
