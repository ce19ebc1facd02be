"""Examples coming in, from one to a million: all of them or none, each once.

Up to CHUNK examples are one transaction. More are brought in hidden, chunk by chunk, so that others can work meanwhile,
and shown at once at the end: a source that breaks, or a killed process, leaves nothing behind that is seen.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Insert, bindparam, delete, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session, aliased

from backend.errors import BadInput, Busy
from backend.examples.edits import STAGING, Before, EditKind, log, run
from backend.examples.example import NewExample
from backend.examples.notes import Note
from backend.examples.rows import CONTENT, clean_example
from backend.projects.database import Database
from backend.projects.tables import ExampleEditRow, ExampleRow, NoteRow

CHUNK: Final = 5_000
CHUNK_CHARACTERS: Final = 8_000_000
TOLD: Final = 20
"""Examples that were refused are counted; of this many is told why."""

SWEEP_S: Final = 3600.0
"""An import that wrote nothing for so long was killed."""

SPLITS: Final = "splits"
"""The note that says how the splits were made; while it is there the test split is locked."""


@dataclass(frozen=True)
class Added:
    """What became of the examples handed over.

    edit_id  for the log; None when nothing was added
    count    how many were added
    already  how many were there before, or came twice: same input and same output
    refused  how many cannot be used; `problems` says why of the first (details hold "number", counted from 1)
    """

    edit_id: int | None
    count: int
    already: int
    refused: int = 0
    problems: tuple[Note, ...] = ()


def locked(session: Session) -> bool:
    """Whether splits were made, so that nothing moves in or out of the test split."""
    return session.get(NoteRow, SPLITS) is not None


def add(database: Database, new: Iterable[NewExample], kind: EditKind) -> Added:
    """See ExampleStore.add."""
    source = _Source(new, strict=kind != "import")
    chunks = source.chunks()
    first = next(chunks, [])
    second = next(chunks, None)
    if second is None:
        edit_id, count = _add_few(database, first, kind)
    else:
        edit_id, count = _add_many(database, _again(first, second, chunks), kind)
    return Added(edit_id, count, source.taken - count, source.refused, tuple(source.problems))


def _again(first: list[dict[str, Any]], second: list[dict[str, Any]], rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield second
    yield from rest


class _Source:
    """The rows to be, in chunks of bounded size, counting what was taken and what was refused.

    With `strict` the first that cannot be used ends it: somebody is waiting at a form.
    """

    def __init__(self, new: Iterable[NewExample], strict: bool) -> None:
        self._new = enumerate(new, 1)
        self._strict = strict
        self.taken = 0
        self.refused = 0
        self.problems: list[Note] = []

    def chunks(self) -> Iterator[list[dict[str, Any]]]:
        chunk: list[dict[str, Any]] = []
        size = 0
        for number, new in self._new:
            row = self._row(number, new)
            if row is None:
                continue
            chunk.append(row)
            size += len(row["variables"]) + len(row["output"])
            if len(chunk) >= CHUNK or size >= CHUNK_CHARACTERS:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def _row(self, number: int, new: NewExample) -> dict[str, Any] | None:
        try:
            row = clean_example(new)
        except BadInput as fault:
            if self._strict:
                raise
            self.refused += 1
            if len(self.problems) < TOLD:
                self.problems.append(Note(fault.key, {**fault.details, "number": number}))
            return None
        if self._strict and not (new.output.strip() and new.text().strip()):
            raise BadInput("error.example_empty")
        self.taken += 1
        row["origin"] = new.origin
        return row


def _add_few(database: Database, chunk: list[dict[str, Any]], kind: EditKind) -> tuple[int | None, int]:
    with database.write() as session:
        edit = log(session, kind)
        before = _last_id(session)
        count = _insert(session, edit.id, chunk, hidden=False)
        if not count:
            session.delete(edit)
            return None, 0
        if locked(session):
            session.execute(
                update(ExampleRow).where(ExampleRow.added_by == edit.id, ExampleRow.id > before).values(split=None)
            )
        edit.before, edit.count = Before(added=(before + 1, _last_id(session))).text(), count
        return edit.id, count


def _add_many(database: Database, chunks: Iterator[list[dict[str, Any]]], kind: EditKind) -> tuple[int | None, int]:
    with database.write() as session:
        _sweep(session)
        edit_id = log(session, STAGING).id
        start = _last_id(session) + 1
    try:
        for chunk in chunks:
            with database.write() as session:
                _insert(session, edit_id, chunk, hidden=True)
                _edit(session, edit_id).created = time.time()
        with database.write() as session:
            return _publish(session, _edit(session, edit_id), kind, start)
    except BaseException:
        with database.write() as session:
            _drop(session, edit_id)
        raise


def _edit(session: Session, edit_id: int) -> ExampleEditRow:
    """Raises Busy when the import was taken for a dead one, and swept away."""
    row = session.get(ExampleEditRow, edit_id)
    if row is None:
        raise Busy("error.examples_changed")
    return row


def _publish(session: Session, edit: ExampleEditRow, kind: EditKind, start: int) -> tuple[int | None, int]:
    """Show the hidden rows, but for those that somebody else brought in meanwhile."""
    mine = (ExampleRow.id.between(start, _last_id(session)), ExampleRow.added_by == edit.id)
    other = aliased(ExampleRow)
    known = exists().where(
        other.input_key == ExampleRow.input_key,
        other.output == ExampleRow.output,
        other.rejected.is_not_distinct_from(ExampleRow.rejected),
        other.removed_at.is_(None),
    )
    run(session, delete(ExampleRow).where(*mine, known))
    shown: dict[str, Any] = {"removed_at": None, "removed_by": None}
    if locked(session):
        shown["split"] = None
    count = run(session, update(ExampleRow).where(*mine).values(shown))
    if not count:
        session.delete(edit)
        return None, 0
    edit.kind, edit.count, edit.created = kind, count, time.time()
    edit.before = Before(added=(start, _last_id(session))).text()
    return edit.id, count


def _insert(session: Session, edit_id: int, chunk: list[dict[str, Any]], hidden: bool) -> int:
    """Insert what is not there yet, row by row in one statement; how many were."""
    if not chunk:
        return 0
    now = time.time()
    hidden_at, hidden_by = (now, edit_id) if hidden else (None, None)
    same: dict[str, Any] = {"revision": 1, "created": now, "changed": now, "added_by": edit_id}
    same |= {"removed_at": hidden_at, "removed_by": hidden_by}
    columns = ExampleRow.__table__.c
    new = {name: bindparam(f"new_{name}", type_=columns[name].type) for name in (*CONTENT, "origin")}
    fixed = [literal(value, columns[name].type) for name, value in same.items()]
    known = exists().where(
        ExampleRow.input_key == new["input_key"],
        ExampleRow.output == new["output"],
        ExampleRow.rejected.is_not_distinct_from(new["rejected"]),
        ExampleRow.removed_at.is_(None) | (ExampleRow.added_by == edit_id),
    )
    rows = select(*new.values(), *fixed).where(~known)
    statement = insert(ExampleRow).from_select([*new, *same], rows, include_defaults=False)
    return _execute_many(session, statement, chunk)


def _execute_many(session: Session, statement: Insert, rows: list[dict[str, Any]]) -> int:
    """The statement for each row, past SQLAlchemy's work on each parameter; a third of the time of a large import."""
    connection = session.connection()
    compiled = statement.compile(dialect=connection.dialect)
    names = [name.removeprefix("new_") for name in compiled.positiontup or ()]
    fixed = {name: value for name, value in compiled.params.items() if not name.startswith("new_")}
    values = [tuple([row[name] if name in row else fixed[name] for name in names]) for row in rows]
    return connection.exec_driver_sql(compiled.string, values).rowcount


def _last_id(session: Session) -> int:
    return session.scalar(select(func.max(ExampleRow.id))) or 0


def _drop(session: Session, edit_id: int) -> None:
    run(session, delete(ExampleRow).where(ExampleRow.added_by == edit_id, ExampleRow.removed_by == edit_id))
    session.execute(delete(ExampleEditRow).where(ExampleEditRow.id == edit_id, ExampleEditRow.kind == STAGING))


def _sweep(session: Session) -> None:
    """Rows of imports that were killed."""
    dead = select(ExampleEditRow.id).where(
        ExampleEditRow.kind == STAGING, ExampleEditRow.created < time.time() - SWEEP_S
    )
    for edit_id in session.scalars(dead).all():
        _drop(session, edit_id)
