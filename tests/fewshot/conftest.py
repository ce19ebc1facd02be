"""A project of its own for each test, its runs, and one tiny model for all."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from backend.jobs.folder import RunFolder
from backend.jobs.runs import Runs, end_processes
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from tests.fakes import Resting
from tests.tiny import tiny_model


@pytest.fixture(autouse=True)
def room_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small server's queue of five is full when thirty questions knock at once."""
    monkeypatch.setattr(ThreadingHTTPServer, "request_queue_size", 128)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def project(settings: Settings) -> Iterator[Project]:
    projects = Projects(settings.home / "projects")
    yield projects.open("owner", projects.create("owner", "영화평 분류").id)
    projects.close()


@pytest.fixture
def runs(project: Project, settings: Settings) -> Iterator[Runs]:
    service = Runs(project.runs_folder, settings)
    yield service
    for run in service.list():
        end_processes(RunFolder(run.folder))


@pytest.fixture
def resting(project: Project, settings: Settings) -> Runs:
    return Resting(project.runs_folder, settings)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama with a chat template; copy it before changing it."""
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")
