"""What the workers of all four kinds of run stand on: the project around the run's folder, and a model to ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ValidationError

from backend.answering import Answering, Answers
from backend.assistants import Assistant
from backend.errors import Busy, StorageProblem
from backend.evaluation.identity import Where
from backend.fewshot.trials import Trials
from backend.fewshot.tried import Prepared
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.projects.folder import Project

if TYPE_CHECKING:
    from backend.models.host import ModelHost

TURN_S: Final = 3.0

Config = TypeVar("Config", bound=BaseModel)


@dataclass(frozen=True)
class Shop:
    """A project, the one answering path, and where models lie."""

    project: Project
    answers: Answers
    where: Where
    output: Path
    progress: Progress

    def trials(self, prepared: Prepared) -> Trials:
        return Trials(self.project, self.answers, self.where, prepared, self.output, self.progress)


@contextmanager
def at_work(job: Job, progress: Progress, *assistants: Assistant) -> Iterator[Shop]:
    """Open what the work needs, and give the accelerator back at the end. Raises Stopped while waiting for it."""
    from backend.models.endpoints import Endpoints
    from backend.models.host import ModelHost

    host = ModelHost(job.settings, Endpoints(job.settings.home, job.settings.offline))
    # A run lies in <project>/runs/<id>.
    project = Project(job.folder.parent.parent, threading.Lock())
    try:
        progress.message("run.message.loading_model")
        if any(assistant.model.kind != "endpoint" for assistant in assistants):
            _take_accelerator(host, progress)
        yield Shop(project, Answering(host), host.where, job.output, progress)
    finally:
        host.close()
        project.close()


def config_of(job: Job, kind: type[Config]) -> Config:
    """Raises StorageProblem("error.search_files") for a config of a newer studio, or one that was tampered with."""
    try:
        return kind.model_validate(job.config)
    except ValidationError as fault:
        raise StorageProblem("error.search_files") from fault


def _take_accelerator(host: ModelHost, progress: Progress) -> None:
    """Ask whoever chats to step aside, for as long as it takes. Raises Stopped."""
    from backend.models.loading import best_device

    if best_device().type != "cuda":
        return
    while True:
        progress.check_stop()
        try:
            host.lease.take("search", wait_s=TURN_S)
            return
        except Busy as taken:
            progress.message("run.message.waiting_device", holder=taken.details.get("holder", "?"))
