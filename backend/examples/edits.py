"""The log of what was done to the examples, and undoing it.

An edit that adds or removes marks the rows (added_by, removed_by) and copies nothing; one that changes content
keeps the contents before, in parts of some thousand rows that follow it in the table.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter
from sqlalchemy import Delete, Update, bindparam, func, select, update
from sqlalchemy.orm import Session

from backend.assistants import Part
from backend.errors import Busy, Refused
from backend.examples.example import Split
from backend.examples.filters import among
from backend.examples.rows import check_content
from backend.projects.moments import moment
from backend.projects.tables import ExampleEditRow, ExampleRow

EditKind = Literal[
    "import", "hand", "playground", "feedback", "edit", "remove", "tag", "split", "splits", "place", "mask", "clean"
]
ADDING: Final = frozenset({"import", "hand", "playground", "feedback"})
STAGING: Final = "staging"
"""An import under way: its rows are not shown yet, and those of one that was killed never are."""

PART: Final = "part"
"""Not an edit of its own: more of what the edit before it needs to be undone."""

Id = Annotated[int, Field(ge=0, lt=2**63)]
Ids = tuple[Id, Id]
"""The first and the last id of a range."""


class OldRow(Part):
    """An example's content columns as they were; names and texts as in the table."""

    id: Id
    input_key: str
    variables: str
    output: str
    spans: str | None
    rejected: str | None
    tags: str
    groups: str
    split: Split | None


class Before(Part):
    """What undoing needs, as the JSON text of an edit. Fields that do not matter are left at their defaults.

    added, removed  the range of ids within which added_by or removed_by names this edit
    rows            contents as they were
    column, was     values of one column as they were: (value, ids that had it)
    about           of made splits: seed, shares, why
    """

    added: Ids | None = None
    removed: Ids | None = None
    rows: tuple[OldRow, ...] = ()
    column: Literal["tags", "split"] | None = None
    was: tuple[tuple[str | None, tuple[Id, ...]], ...] = ()
    about: dict[str, Any] | None = None

    def text(self) -> str:
        return self.model_dump_json(exclude_defaults=True)


def check_before(before: Before) -> None:
    """A stranger's: what it would write back is what the tables may hold. Raises ValueError."""
    for value, _ids in before.was:
        if before.column == "split":
            OLD_SPLIT.validate_python(value)
        else:
            OLD_TAGS.validate_json(value or "")
    for row in before.rows:
        check_content(row)


OLD_SPLIT: Final[TypeAdapter[Split | None]] = TypeAdapter(Split | None)
OLD_TAGS: Final = TypeAdapter(list[str])


@dataclass(frozen=True)
class Edit:
    """One thing that was done: `count` examples were touched."""

    id: int
    kind: EditKind
    count: int
    created: datetime
    undone: bool


def log(session: Session, kind: str, before: Before | None = None, count: int = 0) -> ExampleEditRow:
    """Write an edit; its id is known afterwards."""
    text = (before or Before()).text()
    row = ExampleEditRow(kind=kind, before=text, count=count, created=time.time())
    session.add(row)
    session.flush()
    return row


def mark(session: Session) -> str:
    """The state of the examples: another one after every edit and every undo."""
    kept = ExampleEditRow.kind.not_in((STAGING, PART))
    state = select(func.count(), func.max(ExampleEditRow.id), func.max(ExampleEditRow.undone_at)).where(kept)
    return " ".join(str(part) for part in session.execute(state).one())


def edits(session: Session, limit: int) -> list[Edit]:
    """The last ones, the latest first."""
    found = select(ExampleEditRow).where(ExampleEditRow.kind.not_in((STAGING, PART)))
    return [read_edit(row) for row in session.scalars(found.order_by(ExampleEditRow.id.desc()).limit(limit))]


def read_edit(row: ExampleEditRow) -> Edit:
    return Edit(row.id, row.kind, row.count, moment(row.created), row.undone_at is not None)  # type: ignore[arg-type]


def undo(session: Session, edit_id: int | None = None) -> Edit | None:
    """Take back the last edit that was not taken back; None when there is none. `edit_id` is the one that was meant.

    Adding examples and placing them in a split is one thing to whoever did it: both are taken back, and the adding is
    returned. Raises Refused("error.undo_splits"): examples would move in or out of the test split;
    Busy("error.examples_changed"): another edit than the one meant is the last.
    """
    row = _last(session)
    if edit_id is not None and (row is None or row.id != edit_id):
        raise Busy("error.examples_changed")
    if row is None:
        return None
    _take_back(session, row)
    added = _last(session) if row.kind == "place" else None
    if added is not None and added.kind in ADDING:
        _take_back(session, added)
        return read_edit(added)
    return read_edit(row)


def _last(session: Session) -> ExampleEditRow | None:
    """Of the edits that were not taken back."""
    kept = ExampleEditRow.kind.not_in((STAGING, PART))
    found = select(ExampleEditRow).where(kept, ExampleEditRow.undone_at.is_(None))
    return session.scalars(found.order_by(ExampleEditRow.id.desc()).limit(1)).first()


def _take_back(session: Session, row: ExampleEditRow) -> None:
    if row.kind == "splits":
        raise Refused("error.undo_splits")
    for before in _parts(session, row):
        _restore(session, row.id, before)
    row.undone_at = time.time()
    session.flush()


def _parts(session: Session, row: ExampleEditRow) -> Iterator[Before]:
    yield Before.model_validate_json(row.before)
    after = ExampleEditRow.id > row.id
    end = session.scalar(select(func.min(ExampleEditRow.id)).where(after, ExampleEditRow.kind != PART))
    parts = select(ExampleEditRow.before).where(after, ExampleEditRow.kind == PART)
    if end is not None:
        parts = parts.where(ExampleEditRow.id < end)
    for text in session.scalars(parts.order_by(ExampleEditRow.id)).yield_per(1):
        yield Before.model_validate_json(text)


def _restore(session: Session, edit_id: int, before: Before) -> None:
    now, later = time.time(), ExampleRow.revision + 1
    if before.added is not None:
        mine = (ExampleRow.id.between(*before.added), ExampleRow.added_by == edit_id, ExampleRow.removed_at.is_(None))
        run(session, update(ExampleRow).where(*mine).values(removed_at=now, removed_by=edit_id))
    if before.removed is not None:
        gone = (ExampleRow.id.between(*before.removed), ExampleRow.removed_by == edit_id)
        run(session, update(ExampleRow).where(*gone).values(removed_at=None, removed_by=None, revision=later))
    if before.rows:
        write_rows(session, [row.model_dump() for row in before.rows], now)
    if before.column is not None:
        for value, ids in before.was:
            set_column(session, before.column, value, ids, now)


def write_rows(session: Session, rows: Sequence[dict[str, Any]], now: float) -> None:
    """New contents for rows by id; each counts as a change."""
    names = [name for name in rows[0] if name != "id"]
    change = (
        update(ExampleRow)
        .where(ExampleRow.id == bindparam("row_id"))
        .values({name: bindparam(f"new_{name}") for name in names})
        .values(changed=now, revision=ExampleRow.revision + 1)
    )
    values = [{"row_id": row["id"], **{f"new_{name}": row[name] for name in names}} for row in rows]
    session.connection().execute(change, values)


def set_column(session: Session, column: str, value: str | None, ids: Sequence[int], now: float) -> int:
    """One value for many rows; how many there were."""
    change = update(ExampleRow).where(ExampleRow.id.in_(among(ids)))
    return run(session, change.values({column: value, "changed": now, "revision": ExampleRow.revision + 1}))


def run(session: Session, change: Update | Delete) -> int:
    """How many rows it changed. Past the session's own objects: it would fetch the ids of a million rows for them."""
    return session.connection().execute(change).rowcount
