"""Looking through a project file from elsewhere before it is let in.

A database can hold more than data: triggers and views are programs that would run here. And a file that was
cut or patched shall be refused now, with a sentence, not crash a page next week.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, TypeGuard

from sqlalchemy import Column, Constraint, Float, Integer, Table, UniqueConstraint, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from backend.errors import StorageProblem
from backend.projects.assistants import read_assistant
from backend.projects.database import told
from backend.projects.folder import Project
from backend.projects.foreign_data import check_data
from backend.projects.foreign_documents import check_documents
from backend.projects.foreign_notes import check_note
from backend.projects.moments import moment
from backend.projects.schema import REVISIONS
from backend.projects.tables import AssistantRow, Base, ChatRow, NoteRow, ProjectRow, PromptRow, TurnRow, TurnVersionRow
from backend.projects.turns import read_turn

HEADER = b"SQLite format 3\0"
TABLES = {*Base.metadata.tables, "alembic_version"}
BATCH = 200
LAST_ID: Final = 2**53 - 1
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, SQLAlchemyError, sqlite3.Error)
"""What a stranger's file can make Python stumble over; the answer is the same."""


def check_database(file: Path) -> None:
    """The file as SQLite sees it, of whatever format. Raises StorageProblem: damaged, or newer (format)."""
    with file.open("rb") as raw:
        if raw.read(len(HEADER)) != HEADER:
            raise _damaged(file)
    try:
        with told(file), closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            sound = [row[0] for row in connection.execute("PRAGMA integrity_check")] == ["ok"]
            if not sound or not _only_data(connection):
                raise _damaged(file)
            _check_format(connection, file)
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise _damaged(file)
    except sqlite3.Error as fault:
        raise _damaged(file) from fault


def check_stores(project: Project) -> None:
    """Everything in it, read once the way the studio reads it, after the upgrade. Raises StorageProblem."""
    try:
        with project.database.read() as session:
            for table in Base.metadata.sorted_tables:
                _check_columns(session, table)
            _read_all(session)
    except UNREADABLE as fault:
        raise _damaged(project.database.path) from fault


def _damaged(file: Path) -> StorageProblem:
    return StorageProblem("error.project_damaged", project=file.parent.name)


def _only_data(connection: sqlite3.Connection) -> bool:
    """Known tables and indexes, and nothing that runs: no trigger, view or virtual table."""
    found = connection.execute("SELECT type, tbl_name, coalesce(sql, '') FROM sqlite_master").fetchall()
    return all(
        kind in ("table", "index") and table in TABLES and not sql.upper().startswith("CREATE VIRTUAL")
        for kind, table, sql in found
    )


def _check_format(connection: sqlite3.Connection, file: Path) -> None:
    found = [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]
    if len(found) != 1:
        raise _damaged(file)
    if found[0] not in REVISIONS:
        raise StorageProblem("error.project_newer", project=file.parent.name, format=str(found[0])[:20])


def _check_columns(session: Session, table: Table) -> None:
    """The columns are ours and plain, each value has its column's type (SQLite itself does not insist), and what we
    rely on to be there once is.
    """
    found = {row.name: row.hidden for row in session.execute(text(f"PRAGMA table_xinfo({table.name})"))}
    if found != {column.name: 0 for column in table.columns}:
        raise ValueError(f"columns of {table.name}")
    for column in table.columns:
        odd = f"SELECT 1 FROM {table.name} WHERE typeof({column.name}) NOT IN ({_types(column)}) LIMIT 1"
        if session.execute(text(odd)).first() is not None:
            raise ValueError(f"values of {table.name}.{column.name}")
    if _once(session, table) != {tuple(one.columns.keys()) for one in table.constraints if _is_unique(one)}:
        raise ValueError(f"constraints of {table.name}")
    if "id" in table.columns:
        # Pages are read from id 0 on, and after SQLite's largest number there is no next one.
        odd = f"SELECT 1 FROM {table.name} WHERE id NOT BETWEEN 1 AND {LAST_ID} LIMIT 1"
        if session.execute(text(odd)).first() is not None:
            raise ValueError(f"ids of {table.name}")


def _once(session: Session, table: Table) -> set[tuple[str, ...]]:
    """The columns that no two rows may have alike, besides the primary key."""
    found = session.execute(text(f"PRAGMA index_list({table.name})")).all()
    names = [row.name for row in found if row.unique and row.origin != "pk" and not row.partial]
    quoted = [name.replace('"', '""') for name in names]
    return {tuple(row.name for row in session.execute(text(f'PRAGMA index_info("{one}")'))) for one in quoted}


def _is_unique(constraint: Constraint) -> TypeGuard[UniqueConstraint]:
    return isinstance(constraint, UniqueConstraint)


def _types(column: Column[object]) -> str:
    if isinstance(column.type, Integer):
        kinds = "'integer'"
    else:
        kinds = "'real', 'integer'" if isinstance(column.type, Float) else "'text'"
    return f"{kinds}, 'null'" if column.nullable else kinds


def _read_all(session: Session) -> None:
    if session.scalars(select(ProjectRow.id)).all() != [1]:
        raise ValueError("project")
    for stamped in (ProjectRow, AssistantRow, PromptRow, ChatRow, TurnVersionRow):
        for created in session.scalars(select(stamped.created)):
            moment(created)
    for changed in session.scalars(select(ChatRow.changed).union_all(select(ProjectRow.changed))):
        moment(changed)
    for assistant in session.scalars(select(AssistantRow)).yield_per(BATCH):
        read_assistant(assistant.body, assistant.name)
    for note in session.scalars(select(NoteRow)).yield_per(BATCH):
        check_note(note.key, note.value)
    for turn_id in session.scalars(select(TurnRow.id)).all():
        _check_turn(session.get_one(TurnRow, turn_id))
        session.expunge_all()  # long answers are not kept in memory while the rest is read
    check_data(session)
    check_documents(session)


def _check_turn(row: TurnRow) -> None:
    if row.role not in ("user", "assistant") or not row.versions:
        raise ValueError("turn")
    for version in read_turn(row).versions:
        if not isinstance(version.trace_json, dict):
            raise ValueError("trace")
        kept = (version.trace, version.assistant)  # reading them is the check
        if row.role == "assistant" and kept[1] is None:
            raise ValueError("answer")
