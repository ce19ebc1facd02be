"""A project's examples on the disk, for the tests of this folder."""

from __future__ import annotations

import threading
from pathlib import Path

from backend.examples.store import ExampleStore
from backend.projects.database import Database


def new_store(folder: Path) -> ExampleStore:
    database = Database(folder / "project.db", threading.Lock())
    database.create("시험")
    return ExampleStore(database)
