"""The work of a "question_writing" run: a model is asked about drawn passages; what it proposes waits for a person."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pydantic import ValidationError

from backend.answering import Answer, Answering, Answers, Question
from backend.documents.index.index import Index
from backend.documents.index.settings import active
from backend.documents.measuring.files import WRITTEN
from backend.documents.measuring.writing import (
    WritingConfig,
    asking,
    draw,
    drawn_in,
    keep_drawn,
    language_of,
    place_of,
    prompt_for,
    read_answer,
)
from backend.documents.values import Passage
from backend.errors import BadInput, Refused, StorageProblem, StudioError
from backend.evaluation.work import opened
from backend.files import storing
from backend.jobs.folder import append_line, read_lines
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.turn import take_accelerator
from backend.projects.folder import Project
from backend.rounds import answer_all


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, and what the model or the connection says when not one went well; both can be resumed."""
    try:
        config = WritingConfig.model_validate(job.config)
    except ValidationError as fault:
        raise StorageProblem("error.measure_writing_files") from fault
    with opened(job) as (project, host):
        passages = drawn_in(job.output) or keep_drawn(job.output, _drawn(project, config))
        progress.message("run.message.loading_model")
        if config.model.kind != "endpoint":
            take_accelerator(host, "questions", progress)
        Writing(project, Answering(host), config, passages, job.output, progress).run()


def _drawn(project: Project, config: WritingConfig) -> list[Passage]:
    with closing(Index(project.folder, active(project))) as index:
        found = draw(index, project.questions.list(), config.count, config.seed)
    if not found:
        raise Refused("error.measure_nothing_drawn")
    return found


class Writing:
    """One attempt."""

    def __init__(
        self,
        project: Project,
        answers: Answers,
        config: WritingConfig,
        passages: tuple[Passage, ...],
        output: Path,
        progress: Progress,
    ) -> None:
        self.project, self.answers, self.config, self.passages = project, answers, config, passages
        self.path, self.progress = output / WRITTEN, progress
        # One that failed is asked again, as long as somebody resumes the run.
        lines = [line for line in read_lines(self.path) if not line.get("failed")]
        self.done = {line["number"] for line in lines if isinstance(line.get("number"), int)}
        self.proposed = sum(bool(line.get("proposed")) for line in lines)

    def run(self) -> None:
        self.progress.total(len(self.passages), "questions")
        self.progress.message("run.message.measure_writing", model=self.config.model.label())
        self._tell()
        for language in ("ko", "en"):
            left = [
                number
                for number, passage in enumerate(self.passages)
                if number not in self.done and language_of(passage) == language
            ]
            if left:
                assistant = asking(self.config.model, language)
                stop = self.progress.stop_event
                answer_all(self.answers, assistant, left, self._question, self._keep, self._fail, stop)
                self.progress.check_stop()

    def _question(self, number: int) -> Question:
        return Question({"input": prompt_for(self.passages[number])})

    def _keep(self, number: int, answer: Answer) -> None:
        """A proposal goes to the project before the line that says so: a kill in between asks again."""
        passage, written = self.passages[number], read_answer(answer.text)
        added = None
        if written is not None:
            try:
                place = place_of(passage, written.answer)
                added = self.project.questions.add(written.question, [place], written.answer, "model", "proposed")
            except BadInput:  # what a model wrote that no question can hold is none
                added = None
        self._line(number, answer.text, added is not None)

    def _fail(self, number: int, fault: StudioError) -> None:
        self._line(number, fault.key, False, failed=True)

    def _line(self, number: int, text: str, proposed: bool, failed: bool = False) -> None:
        with storing(self.path):
            append_line(self.path, {"number": number, "proposed": proposed, "failed": failed, "text": text})
        self.done.add(number)
        self.proposed += proposed
        self._tell()

    def _tell(self) -> None:
        self.progress.done(len(self.done))
        self.progress.result(proposed=self.proposed, unusable=len(self.done) - self.proposed)
