"""A home of its own for each test, and a project in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.projects.folder import Project
from backend.projects.projects import Projects


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def projects(home: Path) -> Iterator[Projects]:
    all_of_them = Projects(home / "projects")
    yield all_of_them
    all_of_them.close()


@pytest.fixture
def project(projects: Projects) -> Project:
    return projects.open("owner", projects.create("owner", "영화평 분류").id)
