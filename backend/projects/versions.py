"""What is saved under a name in versions 1, 2, 3, ...: the part that assistants and prompts share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.errors import NotFound
from backend.projects.database import Database, row_id
from backend.projects.tables import AssistantRow, PromptRow
from backend.text_limits import clean_name, clean_text, writable

NAME_LIMIT = 120
NOTE_LIMIT = 2_000

Row = TypeVar("Row", AssistantRow, PromptRow)
Saved = TypeVar("Saved")


class VersionStore(ABC, Generic[Row, Saved]):
    """Saving never overwrites: each save is a new version. Removing marks all versions of a name; undo unmarks them."""

    row: type[Row]
    missing: str
    """The error key for an id or a name that is not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @abstractmethod
    def _saved(self, row: Row) -> Saved:
        """The frozen value for a row."""

    def list(self) -> list[Saved]:
        """The latest version of every name, the one saved last first."""
        with self._database.read() as session:
            newest = select(func.max(self.row.id)).where(self.row.removed_at.is_(None)).group_by(self.row.name)
            rows = session.scalars(select(self.row).where(self.row.id.in_(newest)).order_by(self.row.id.desc()))
            return [self._saved(row) for row in rows]

    def versions(self, name: str) -> Sequence[Saved]:
        """All versions of a name, the latest first; empty for a name that is not there."""
        with self._database.read() as session:
            found = select(self.row).where(self.row.name == writable(name), self.row.removed_at.is_(None))
            return [self._saved(row) for row in session.scalars(found.order_by(self.row.number.desc()))]

    def get(self, saved_id: int) -> Saved:
        """One version, also while its name is in the bin (a chat may still point at it). Raises NotFound."""
        with self._database.read() as session:
            row = session.get(self.row, row_id(saved_id))
            if row is None:
                raise NotFound(self.missing)
            return self._saved(row)

    def remove(self, name: str) -> None:
        """Put all versions of a name in the bin. Raises NotFound."""
        with self._database.write() as session:
            found = session.scalars(
                select(self.row).where(self.row.name == writable(name), self.row.removed_at.is_(None))
            ).all()
            if not found:
                raise NotFound(self.missing)
            now = time.time()
            for row in found:
                row.removed_at = now

    def undo_remove(self) -> Saved | None:
        """Bring back the name that was removed last, and hand out its latest version; None when the bin is empty."""
        with self._database.write() as session:
            last = session.scalar(select(func.max(self.row.removed_at)))
            if last is None:
                return None
            back = session.scalars(select(self.row).where(self.row.removed_at == last).order_by(self.row.number)).all()
            session.execute(update(self.row).where(self.row.name == back[-1].name).values(removed_at=None))
            return self._saved(back[-1])

    def _add(self, session: Session, row: Row, parent: int | None) -> Saved:
        """Number the row and keep it. Without a `parent` the version before is its parent."""
        latest = session.scalar(select(self.row).where(self.row.name == row.name).order_by(self.row.number.desc()))
        if parent is not None and session.get(self.row, row_id(parent)) is None:
            raise NotFound(self.missing)
        row.number = latest.number + 1 if latest is not None else 1
        shown = latest is not None and latest.removed_at is None
        row.parent_id = parent if parent is not None else (latest.id if latest is not None and shown else None)
        row.created = time.time()
        session.add(row)
        session.flush()
        return self._saved(row)


def version_name(name: str) -> str:
    """Raises BadInput("error.version_name", limit=)."""
    return clean_name(name, NAME_LIMIT, "error.version_name")


def version_note(note: str) -> str:
    """Raises BadInput: too long, or not text."""
    return clean_text(note, NOTE_LIMIT).strip()
