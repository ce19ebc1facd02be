"""The only place where things are wired. Built once at start and handed down by argument."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.accounts import Accounts
from backend.answering import Answering, Answers
from backend.documents.grounding.library import ProjectPassages
from backend.documents.indexing.indexes import forget_on_servers
from backend.documents.retrieving.retrieval import Retrieval
from backend.errors import BadInput
from backend.jobs.run import Run
from backend.jobs.runs import Runs, RunsByFolder
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import ASSETS, Settings
from backend.training.start import go_on


@dataclass(frozen=True)
class Services:
    """What the tabs work with. Every part may be called from any thread.

    project_runs  one Runs per project, asked through `runs`
    house_runs  runs that belong to the machine rather than to a project: downloads of models
    """

    settings: Settings
    projects: Projects
    host: ModelHost
    answers: Answering
    endpoints: Endpoints
    house_runs: Runs
    project_runs: RunsByFolder
    accounts: Accounts
    retrieval: Retrieval

    def answers_in(self, project: Project) -> Answers:
        """Where an assistant that uses documents is asked: its project."""
        return self.answers.within(ProjectPassages(project, lambda: self.retrieval))

    def runs(self, project: Project) -> Runs:
        """The runs of one project."""
        return self.project_runs.of(project.runs_folder)

    def first_project(self, owner: str, name: str) -> str:
        """The id of the project a person finds open: the last one, the sample at first, else a new one of that name."""
        self.projects.ensure_sample(owner, ASSETS / "samples")
        found = self.projects.last(owner) or self.projects.create(owner, name).id
        self.projects.remember(owner, found)
        return found

    def runs_seen(self, owner: str, project_id: str, recent_s: float) -> list[tuple[str, Run]]:
        """("house" | "project", run) of all that are at work, then of those that ended within `recent_s` seconds."""
        found = [("house", run) for run in self.house_runs.list()]
        if project_id:
            found += [("project", run) for run in self.runs(self.projects.open(owner, project_id)).list()]
        since = time.time() - recent_s
        fresh = [(place, run) for place, run in found if run.active or (run.ended or run.created) > since]
        return sorted(fresh, key=lambda item: (not item[1].active, -item[1].created))

    def act_on_run(self, owner: str, project_id: str, do: str, what: str) -> None:
        """Stop, resume or remove the run that a button names as "house/<id>" or "project/<id>".

        Raises BadInput("error.page_action"), NotFound, Busy.
        """
        place, _, run_id = what.partition("/")
        if place == "house":
            runs = self.house_runs
        elif place == "project":
            runs = self.runs(self.projects.open(owner, project_id))
        else:
            raise BadInput("error.page_action")
        acts: dict[str, Callable[[str], object]] = {
            "stop": runs.stop,
            "resume": lambda run_id: _resume(runs, run_id),
            "remove": runs.remove,
        }
        if do not in acts:
            raise BadInput("error.page_action")
        acts[do](run_id)

    def close(self) -> None:
        """Give back memory and files. Runs go on: they outlive the studio."""
        self.host.close()
        self.retrieval.close()
        self.projects.close()


def _resume(runs: Runs, run_id: str) -> Run:
    """A training goes on with all of its steps, also when its best was once asked for."""
    return go_on(runs, run_id) if runs.get(run_id).kind == "training" else runs.resume(run_id)


def create_services(settings: Settings) -> Services:
    """Wire everything. Raises StorageProblem when the home folder cannot be written."""

    project_runs = RunsByFolder(settings)

    def working(folder: Path) -> bool:
        return bool(project_runs.of(folder / "runs").active())

    endpoints = Endpoints(settings.home, settings.offline)
    retrieval = Retrieval(settings, endpoints)

    host = ModelHost(settings, endpoints)
    return Services(
        settings=settings,
        projects=Projects(settings.home / "projects", working, retrieval.close_project, forget_on_servers),
        host=host,
        answers=Answering(host),
        endpoints=endpoints,
        house_runs=Runs(settings.home / "runs", settings),
        project_runs=project_runs,
        accounts=Accounts(settings.home),
        retrieval=retrieval,
    )
