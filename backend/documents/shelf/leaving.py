"""Removals that are not over: which documents left, noted until nothing repeats them any more.

The note lies beside the indexes (index/leaving.json) and is written before the rows go: an id that still has a row was
not removed after all. A kill, a full disk or a server that is down leaves the rest to the next removal or run.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import select

from backend.documents.indexing.indexes import drop_everywhere
from backend.documents.indexing.turn import READING, reading_now
from backend.documents.shelf.forgetting_runs import forget_in_runs
from backend.files import make_folder, write_atomic
from backend.projects.database import told
from backend.projects.folder import Project
from backend.projects.tables import DocumentRow

NOTE: Final = "leaving.json"
READERS_WAIT_S: Final = 2.0


def note_leaving(project: Project, ids: Collection[int]) -> None:
    """These are about to go. For whoever holds the database's write lock. Raises StorageProblem."""
    if ids:
        _keep(project, _noted(project) | set(ids))


def finish_removals(project: Project) -> None:
    """Take away what is left of documents that were removed. Raises StorageProblem, Unavailable, Busy; the rest stays
    noted.
    """
    project.documents.sweep()
    if not reading_now(project):
        shutil.rmtree(project.folder / "index" / READING, ignore_errors=True)
    noted = _noted(project)
    if not noted:
        return
    with project.database.read() as session:
        gone = noted - set(session.scalars(select(DocumentRow.id).where(DocumentRow.id.in_(noted))))
    whole = _empty_log(project)
    whole = forget_in_runs(project.runs_folder, gone) and whole
    drop_everywhere(project, sorted(gone))
    if whole:
        with project.database.write():
            _keep(project, _noted(project) - noted)


def _empty_log(project: Project) -> bool:
    """Of the database: pages as they were before stand in its log until that is taken over into the file.

    False while somebody still reads an older state of it.
    """
    with told(project.database.path), closing(sqlite3.connect(project.database.path, READERS_WAIT_S)) as connection:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _noted(project: Project) -> set[int]:
    try:
        found = json.loads(_note(project).read_text("utf-8"))
    except (OSError, ValueError):
        return set()
    return {number for number in found if isinstance(number, int)} if isinstance(found, list) else set()


def _keep(project: Project, ids: Collection[int]) -> None:
    if ids:
        write_atomic(_note(project), json.dumps(sorted(ids)))
    else:
        _note(project).unlink(missing_ok=True)


def _note(project: Project) -> Path:
    return make_folder(project.folder / "index") / NOTE
