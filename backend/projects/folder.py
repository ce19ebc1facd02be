"""A project: one folder with one database and everything about one task.

project.db   the database      files/    what belongs to the project
runs/        run folders       uploads/  what was handed in, until it is used
index/       what documents are found by, made out of files/documents: never handed on, made again when it is missing
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.assistants import Assistant
from backend.documents.measuring.questions import QuestionStore
from backend.documents.shelf.store import DocumentStore
from backend.evaluation.answer_store import AnswerStore
from backend.examples.store import ExampleStore
from backend.files import make_folder
from backend.projects.assistants import AssistantStore
from backend.projects.chats import ChatStore
from backend.projects.database import Database
from backend.projects.moments import moment
from backend.projects.notes import NoteStore
from backend.projects.prompts import PromptStore
from backend.projects.tables import ProjectRow

DATABASE = "project.db"
FOLDERS = ("files", "runs", "uploads")
DRAFT = "playground.draft"


@dataclass(frozen=True)
class ProjectInfo:
    """Which project: `id` is its folder's name, `changed` the time of the last write to its database."""

    id: str
    name: str
    created: datetime
    changed: datetime


class Project:
    """An open project. Its stores share one database, which opens at first use; any thread may use them."""

    def __init__(self, folder: Path, migrating: threading.Lock) -> None:
        self.id = folder.name
        self.folder = folder
        self.database = Database(folder / DATABASE, migrating)
        self.assistants = AssistantStore(self.database)
        self.prompts = PromptStore(self.database)
        self.chats = ChatStore(self.database)
        self.answers = AnswerStore(self.database)
        self.examples = ExampleStore(self.database)
        self.documents = DocumentStore(self.database, folder)
        self.questions = QuestionStore(self.database)
        self._notes = NoteStore(self.database)

    @property
    def info(self) -> ProjectInfo:
        with self.database.read() as session:
            row = session.get_one(ProjectRow, 1)
            return ProjectInfo(self.id, row.name, moment(row.created), moment(row.changed))

    @property
    def runs_folder(self) -> Path:
        return make_folder(self.folder / "runs")

    @property
    def files(self) -> Path:
        return make_folder(self.folder / "files")

    @property
    def uploads(self) -> Path:
        return make_folder(self.folder / "uploads")

    def name(self, name: str) -> None:
        """Give it a name that was already checked (Projects.rename does)."""
        with self.database.write() as session:
            session.get_one(ProjectRow, 1).name = name

    def draft(self) -> Assistant | None:
        """The form of the playground as it was left; None when there is none, or a newer studio left it."""
        kept = self._notes.get(DRAFT)
        try:
            return None if kept is None else Assistant.model_validate(kept)
        except ValueError:
            return None

    def keep_draft(self, assistant: Assistant) -> None:
        self._notes.set(DRAFT, assistant.model_dump(mode="json"))

    def get_note(self, key: str) -> Any:
        """What was kept under the key, as plain values; None when nothing was."""
        return self._notes.get(key)

    def set_note(self, key: str, value: Any) -> None:
        """Keep what json can write under a key."""
        self._notes.set(key, value)

    def close(self) -> None:
        """No more use from now on; later calls raise NotFound. Raises Busy."""
        self.database.close()


def peek(folder: Path) -> ProjectInfo:
    """Name and times without opening the project: a list of many stays quick, and an older file is not upgraded.

    A damaged file is listed under its id, so that it can be seen and deleted; opening it says what is wrong.
    """
    file = folder / DATABASE
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            name, created, changed = connection.execute("SELECT name, created, changed FROM project").fetchone()
        return ProjectInfo(folder.name, str(name), moment(float(created)), moment(float(changed)))
    except (sqlite3.Error, TypeError, ValueError):
        made = moment(folder.stat().st_mtime)
        return ProjectInfo(folder.name, folder.name, made, made)
