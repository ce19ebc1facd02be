"""What the workers of all four kinds of run stand on: the project around the run's folder, and a model to ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from backend.answering import Answering, Answers
from backend.assistants import Assistant
from backend.documents.grounding.library import passages_of_run
from backend.errors import Refused, StorageProblem
from backend.evaluation.identity import Where
from backend.evaluation.work import opened
from backend.fewshot.basis import basis_of, splits_mark
from backend.fewshot.trials import Trials
from backend.fewshot.tried import Prepared, keep_prepared, prepared_in
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.turn import take_accelerator
from backend.projects.folder import Project

Config = TypeVar("Config", bound=BaseModel)


@dataclass(frozen=True)
class Shop:
    """A project, the one answering path, and where models lie."""

    project: Project
    answers: Answers
    where: Where
    output: Path
    progress: Progress

    def prepared(self) -> Prepared | None:
        """What an earlier attempt of this run made ready; None when there was none, or none got so far.

        Raises Refused("error.search_splits_anew"): its dev examples may be test examples by now,
        StorageProblem("error.search_files").
        """
        found = prepared_in(self.output)
        if found is not None and found.splits != splits_mark(self.project):
            raise Refused("error.search_splits_anew")
        return found

    def keep(self, prepared: Prepared) -> Prepared:
        """Freeze what is tried, with the marks of what it stands on now; returns it with them."""
        marks = {"splits": splits_mark(self.project), "basis": basis_of(self.project)}
        marked = prepared.model_copy(update=marks)
        keep_prepared(self.output, marked)
        return marked

    def trials(self, prepared: Prepared) -> Trials:
        return Trials(self.project, self.answers, self.where, prepared, self.output, self.progress)


@contextmanager
def at_work(job: Job, progress: Progress, *assistants: Assistant) -> Iterator[Shop]:
    """Open what the work needs, and give the accelerator back at the end. Raises Stopped while waiting for it."""
    with opened(job) as (project, host), passages_of_run(project, job.settings) as passages:
        progress.message("run.message.loading_model")
        if any(assistant.model.kind != "endpoint" for assistant in assistants):
            take_accelerator(host, "search", progress)
        yield Shop(project, Answering(host, passages), host.where, job.output, progress)


def config_of(job: Job, kind: type[Config]) -> Config:
    """Raises StorageProblem("error.search_files") for a config of a newer studio, or one that was tampered with."""
    try:
        return kind.model_validate(job.config)
    except ValidationError as fault:
        raise StorageProblem("error.search_files") from fault
