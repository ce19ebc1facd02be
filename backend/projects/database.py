"""One project's SQLite file: opening, transactions, closing, and what its faults mean to a person.

WAL lets readers read while one writes. With synchronous NORMAL a commit survives the death of the process
at any instant; a power cut may take the last commits with it but never damages the file.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend.errors import Busy, NotFound, StorageProblem, StudioError
from backend.files import storing
from backend.projects.schema import upgrade
from backend.projects.tables import ProjectRow

PRAGMAS = (
    "PRAGMA busy_timeout = 15000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)
CLOSE_WAIT_S = 20.0


class Database:
    """Opens at first use. Any thread may use it; `close` waits for those that are inside a transaction.

    `migrating` is the lock of whoever opens several of these, since one upgrade runs at a time.
    """

    def __init__(self, path: Path, migrating: threading.Lock) -> None:
        self.path = path
        self._migrating = migrating
        self._gate = threading.Condition()
        self._inside = 0
        self._closed = False
        self._engine: Engine | None = None

    def create(self, name: str) -> None:
        """Make the file and its first row. Raises StorageProblem."""
        with storing(self.path):
            self.path.touch(exist_ok=False)
        now = time.time()
        with self._session(writing=True) as session:
            session.add(ProjectRow(id=1, name=name, created=now, changed=now))

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session over one consistent state of the file. Raises StorageProblem, or NotFound once it was closed."""
        with self._session(writing=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose changes are kept together at the end of the block, or not at all. Raises as `read`, Busy."""
        with self._session(writing=True) as session:
            session.execute(update(ProjectRow).values(changed=time.time()))
            yield session

    def snapshot(self, target: Path) -> None:
        """A consistent copy of the file, taken while others may be writing."""
        with (
            self._entered() as engine,
            told(self.path),
            engine.connect() as connection,
            closing(sqlite3.connect(target)) as copy,
        ):
            source = connection.connection.driver_connection
            assert isinstance(source, sqlite3.Connection)
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it

    def close(self) -> None:
        """No more use from now on. Raises Busy when somebody stays inside for longer than 20 seconds."""
        with self._gate:
            self._closed = True
            if not self._gate.wait_for(lambda: self._inside == 0, CLOSE_WAIT_S):
                self._closed = False
                raise Busy("error.project_busy")
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    @contextmanager
    def _session(self, writing: bool) -> Iterator[Session]:
        with self._entered() as engine, told(self.path):
            bound = engine.execution_options(writing=writing)
            with Session(bound, expire_on_commit=False) as session, session.begin():
                yield session

    @contextmanager
    def _entered(self) -> Iterator[Engine]:
        with self._gate:
            if self._closed:
                raise NotFound("error.project_missing")
            if self._engine is None:
                self._engine = self._open()
            engine = self._engine
            self._inside += 1
        try:
            yield engine
        finally:
            with self._gate:
                self._inside -= 1
                self._gate.notify_all()

    def _open(self) -> Engine:
        if not self.path.is_file():
            raise StorageProblem("error.project_damaged", project=self.path.parent.name)
        engine = _engine(self.path)
        try:
            with self._migrating, told(self.path):
                upgrade(engine, self.path)
        except StudioError:
            engine.dispose()
            raise
        return engine


def _engine(path: Path) -> Engine:
    """SQLAlchemy over the file, with transactions begun by us: the driver itself would leave DDL outside of them."""
    engine = create_engine(URL.create("sqlite", database=str(path)), pool_size=8, max_overflow=56)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader that turns writer fails at once when another wrote meanwhile, so a writer says so first.
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def row_id(asked: object) -> int:
    """What a page sent as an id, as one that a row can have; 0, which no row has, for anything else."""
    return asked if type(asked) is int and 0 < asked < 2**63 else 0


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns SQLite's faults with the file into the studio's; a fault in our SQL stays the bug that it is."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as fault:
        known = _meaning(fault, path)
        if known is None:
            raise
        raise known from fault


def _meaning(fault: DBAPIError | sqlite3.Error, path: Path) -> StudioError | None:
    cause = fault.orig if isinstance(fault, DBAPIError) else fault
    name = str(getattr(cause, "sqlite_errorname", ""))
    if name.startswith("SQLITE_FULL"):
        return StorageProblem("error.disk_full", path=path.name)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM")):
        return StorageProblem("error.cannot_write", path=path.name, why=str(cause))
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Busy("error.project_busy")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StorageProblem("error.project_damaged", project=path.parent.name)
    return None
