"""A project of reviews for each test of a run, and one tiny model for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.jobs.folder import RunFolder
from backend.jobs.runs import Runs, end_processes
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from tests.fakes import Resting
from tests.tiny import tiny_model
from tests.training.working import add_folder, fill


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama; copy it before changing it."""
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def settings(tmp_path: Path, tiny: Path) -> Settings:
    found = Settings(home=tmp_path / "home")
    add_folder(found, str(tiny))
    return found


@pytest.fixture
def project(settings: Settings) -> Iterator[Project]:
    projects = Projects(settings.home / "projects")
    made = projects.open("owner", projects.create("owner", "영화평").id)
    fill(made)
    yield made
    projects.close()


@pytest.fixture
def runs(project: Project, settings: Settings) -> Iterator[Runs]:
    """Runs with real workers."""
    service = Runs(project.runs_folder, settings)
    yield service
    for run in service.list():
        end_processes(RunFolder(run.folder))


@pytest.fixture
def resting(project: Project, settings: Settings) -> Runs:
    """Run folders whose work the test does itself, in this process."""
    return Resting(project.runs_folder, settings)
