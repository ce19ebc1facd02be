"""A project to put documents in, and its runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.settings import IndexSettings, activate
from backend.jobs.folder import RunFolder
from backend.jobs.runs import Runs, end_processes
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from tests.documents.asking import asked, filled

__all__ = ["asked", "filled"]  # fixtures of several files


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def projects(tmp_path: Path) -> Iterator[Projects]:
    made = Projects(tmp_path / "home" / "projects")
    yield made
    made.close()


@pytest.fixture
def project(projects: Projects) -> Project:
    """Its index has no points, so that no model is loaded."""
    made = projects.open("owner", projects.create("owner", "문서").id)
    activate(made, IndexSettings(embedding=EmbeddingModel(kind="none")))
    return made


@pytest.fixture
def runs(project: Project, settings: Settings) -> Iterator[Runs]:
    service = Runs(project.runs_folder, settings)
    yield service
    for run in service.list():
        end_processes(RunFolder(run.folder))
