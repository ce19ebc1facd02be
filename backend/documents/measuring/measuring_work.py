"""The work of a "measuring" run: every way of searching over the known questions, kept with the project at the end."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Final

from pydantic import ValidationError

from backend.assistants import Documents, Part
from backend.documents.index.settings import active, rows_file
from backend.documents.measuring.measuring import WAYS, Way
from backend.documents.measuring.told import measure
from backend.documents.retrieving.retrieval import Retrieval
from backend.errors import Refused, StorageProblem
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.projects.folder import Project

KIND: Final = "measuring"


class MeasuringConfig(Part):
    """base  fusion, rerank and MMR are its"""

    base: Documents = Documents()


def start_measuring(runs: Runs, project: Project, config: MeasuringConfig) -> Run:
    """Measure as a run. Raises Refused("error.measure_no_questions" | "error.measure_no_index"), StorageProblem."""
    if not project.questions.count("accepted"):
        raise Refused("error.measure_no_questions")
    if not rows_file(project.folder, active(project)).is_file():
        raise Refused("error.measure_no_index")
    return runs.submit(KIND, config.model_dump(mode="json"), "")


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, and as `measure`. It is short enough to begin anew after all of them."""
    try:
        config = MeasuringConfig.model_validate(job.config)
    except ValidationError as fault:
        raise StorageProblem("error.measure_sweep_files") from fault
    project = Project(job.folder.parent.parent, threading.Lock())
    retrieval = Retrieval(job.settings, Endpoints(job.settings.home, job.settings.offline))
    with closing(project), closing(retrieval):
        heard = _Heard(progress)
        told = measure(project, retrieval, config.base, heard.asked)
        progress.result(questions=len(told.questions), left_out=len(told.left_out))


class _Heard:
    """Tells how far it is, and hears a stop."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.way = progress, ""

    def asked(self, way: Way, done: int, questions: int) -> None:
        """`done` questions were asked in this way; ways that cannot be asked count as done."""
        self.progress.check_stop()
        if way != self.way:
            self.way = way
            self.progress.total(len(WAYS) * questions, "questions")
            self.progress.message("run.message.measure_way")
        self.progress.done(WAYS.index(way) * questions + done)
