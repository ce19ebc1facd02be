"""The passages of an index in SQLite: which count, which are unfinished, and what each says."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from backend.documents.index.vectors import Point
from backend.documents.values import Passage
from backend.errors import StorageProblem
from backend.projects.database import told as told_of_projects

TABLES: Final = """
CREATE TABLE IF NOT EXISTS documents (id INTEGER PRIMARY KEY, put INTEGER NOT NULL, passages INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, put INTEGER NOT NULL, document INTEGER NOT NULL, number INTEGER NOT NULL,
    body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS passages_by_name ON passages (document, number);
CREATE TABLE IF NOT EXISTS puts (id INTEGER PRIMARY KEY AUTOINCREMENT, unfinished INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ids (last INTEGER NOT NULL);
INSERT INTO ids SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM ids);
"""
MOST: Final = 500
"""Values in one `IN (...)`."""
Put = tuple[int, int]
"""The number of a put, and the row id before its first passage."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """As of a project's own file; but one that is damaged can be made again here."""
    try:
        with told_of_projects(path):
            yield
    except StorageProblem as fault:
        if fault.key == "error.project_damaged":
            raise StorageProblem("error.index_damaged", why=path.name) from fault
        raise


class PassageRows:
    """One file. A connection per call: any thread, and other processes beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with told(path), closing(self._open()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            # Looked at first: the script is a writer, and would wait for the one that fills the index just now.
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'ids'").fetchone() is None:
                connection.executescript(f"BEGIN IMMEDIATE; {TABLES} COMMIT;")

    # --- reading

    def check(self) -> None:
        """Read the file once, a second for 100,000 passages. Raises StorageProblem("error.index_damaged")."""
        if self._one_text("PRAGMA quick_check(1)") != "ok":
            raise StorageProblem("error.index_damaged", why=self.path.name)

    def count(self) -> int:
        return int(self._one("SELECT coalesce(sum(passages), 0) FROM documents"))

    def documents(self) -> dict[int, int]:
        """Each document that counts, with the number of its passages."""
        with self._read() as connection:
            return dict(connection.execute("SELECT id, passages FROM documents ORDER BY id").fetchall())

    def generation(self) -> int:
        """A number that grows with each put and drop, also those of other processes."""
        return int(self._one("SELECT coalesce(max(id), 0) FROM puts"))

    def passages(self, document_id: int) -> list[Passage]:
        """In the order of the document."""
        with self._read() as connection:
            asked = "SELECT body FROM passages WHERE document = ? ORDER BY number"
            return [_passage(body) for (body,) in connection.execute(asked, (document_id,))]

    def passage(self, document_id: int, number: int) -> Passage | None:
        with self._read() as connection:
            asked = "SELECT body FROM passages WHERE document = ? AND number = ?"
            row = connection.execute(asked, (document_id, number)).fetchone()
            return None if row is None else _passage(row[0])

    def by_row(self, ids: Sequence[int]) -> dict[int, Passage]:
        """The passages that count among these row ids."""
        found: dict[int, Passage] = {}
        with self._read() as connection:
            for some in (ids[at : at + MOST] for at in range(0, len(ids), MOST)):
                asked = f"SELECT id, body FROM passages WHERE id IN ({','.join('?' * len(some))})"
                found |= {row: _passage(body) for row, body in connection.execute(asked, some)}
        return found

    def rows_of(self, document_ids: Sequence[int] | None = None) -> list[tuple[int, int]]:
        """(row id, document) of every passage that counts, in reading order; of some documents, or all."""
        with self._read() as connection:
            if document_ids is None:
                return connection.execute("SELECT id, document FROM passages ORDER BY document, number").fetchall()
            asked = "SELECT id, document FROM passages WHERE document = ? ORDER BY number"
            return [row for document in document_ids for row in connection.execute(asked, (document,))]

    def puts(self) -> list[int]:
        """Numbers of the puts that count."""
        with self._read() as connection:
            return [put for (put,) in connection.execute("SELECT put FROM documents")]

    def named(self, ids: Sequence[int] | None = None) -> list[Point]:
        """Whose each passage is that counts; of these row ids, or of all."""
        asked = "SELECT id, put, document, json_extract(body, '$.language') FROM passages"
        with self._read() as connection:
            if ids is None:
                return [Point(*row) for row in connection.execute(f"{asked} ORDER BY id")]
            parts = (ids[at : at + MOST] for at in range(0, len(ids), MOST))
            told = ((f"{asked} WHERE id IN ({','.join('?' * len(some))})", some) for some in parts)
            return [Point(*row) for each, some in told for row in connection.execute(each, some)]

    def unfinished(self) -> list[int]:
        """Numbers of puts that do not count (any more) and may have left words and points."""
        with self._read() as connection:
            return [put for (put,) in connection.execute("SELECT id FROM puts WHERE unfinished = 1")]

    # --- writing

    def begin(self, sizes: Sequence[int]) -> list[Put]:
        """Draw a number and as many row ids as passages for each document; unfinished until `finish`."""
        drawn: list[Put] = []
        with self._write() as connection:
            (last,) = connection.execute("SELECT last FROM ids").fetchone()
            for size in sizes:
                put = connection.execute("INSERT INTO puts (unfinished) VALUES (1)").lastrowid or 0
                drawn.append((put, last))
                last += size
            connection.execute("UPDATE ids SET last = ?", (last,))
        return drawn

    def finish(self, puts: Sequence[tuple[Put, int, Sequence[Passage]]]) -> None:
        """From now on these (put, document, passages) count, in place of what the documents had. All or nothing."""
        with self._write() as connection:
            for (put, last), document, passages in puts:
                _replace(connection, document)
                connection.execute("INSERT INTO documents VALUES (?, ?, ?)", (document, put, len(passages)))
                connection.executemany(
                    "INSERT INTO passages VALUES (?, ?, ?, ?, ?)",
                    (
                        (last + at, put, document, passage.number, passage.model_dump_json())
                        for at, passage in enumerate(passages, 1)
                    ),
                )
                connection.execute("UPDATE puts SET unfinished = 0 WHERE id = ?", (put,))
            _grow(connection)

    def drop(self, document_ids: Sequence[int]) -> None:
        """These do not count any more; what they left of words and points is unfinished."""
        with self._write() as connection:
            for document in document_ids:
                _replace(connection, document)
            _grow(connection)

    def swept(self, puts: Sequence[int]) -> None:
        """Words and points of these are gone."""
        with self._write() as connection:
            kept = self._last_put(connection)
            connection.executemany("UPDATE puts SET unfinished = 0 WHERE id = ?", ((put,) for put in puts))
            connection.executemany("DELETE FROM puts WHERE id = ? AND id < ?", ((put, kept) for put in puts))

    def _last_put(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT coalesce(max(id), 0) FROM puts").fetchone()[0])

    def _one(self, asked: str) -> int:
        return int(self._one_text(asked))

    def _one_text(self, asked: str) -> str:
        with self._read() as connection:
            return str(connection.execute(asked).fetchone()[0])

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with told(self.path), closing(self._open()) as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock, told(self.path), closing(self._open()) as connection:
            connection.execute("PRAGMA secure_delete = ON")  # what is taken away leaves no trace in the file
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=20, isolation_level=None)


def _grow(connection: sqlite3.Connection) -> None:
    """The generation grows: only now is there something else to find than when the put began."""
    connection.execute("INSERT INTO puts (unfinished) VALUES (0)")


def _replace(connection: sqlite3.Connection, document: int) -> None:
    """What the document had does not count any more."""
    had = connection.execute("SELECT put FROM documents WHERE id = ?", (document,)).fetchone()
    if had is not None:
        connection.execute("UPDATE puts SET unfinished = 1 WHERE id = ?", had)
        connection.execute("DELETE FROM documents WHERE id = ?", (document,))
        connection.execute("DELETE FROM passages WHERE document = ?", (document,))


def _passage(body: str) -> Passage:
    return Passage.model_validate_json(body)
