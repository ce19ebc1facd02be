"""Which format a project file has, and bringing an older one up to today's."""

from __future__ import annotations

import io
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from backend.errors import StorageProblem

REVISIONS = ("0001", "0002", "0003", "0004")
"""The formats this program knows, oldest first. A test holds it against the scripts in migrations/versions."""

HEAD = REVISIONS[-1]


def upgrade(engine: Engine, file: Path, to: str = HEAD) -> None:
    """Bring the file behind `engine` to format `to`, in one transaction: all of it or nothing.

    Not for two threads at once (Alembic keeps its context in a module). Raises StorageProblem("error.project_newer").
    """
    with engine.connect() as connection:
        found = revision(connection)
        if found == to:
            return
        if found is not None and found not in REVISIONS:
            raise StorageProblem("error.project_newer", project=_name(connection, file), format=found)
    with engine.execution_options(writing=True).begin() as connection:
        _run_alembic(connection, to)


def revision(connection: Connection) -> str | None:
    """The format written in the file; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def _name(connection: Connection, file: Path) -> str:
    """The project's name, should a newer format still keep it in the same place."""
    try:
        return str(connection.exec_driver_sql("SELECT name FROM project").scalar_one())
    except SQLAlchemyError:
        return file.parent.name


def _run_alembic(connection: Connection, to: str) -> None:
    from alembic import command  # takes 0.2 s to import, and is needed for a new or an old file only
    from alembic.config import Config

    config = Config(stdout=io.StringIO(), output_buffer=io.StringIO())
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
