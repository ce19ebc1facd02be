"""Taking documents away for good, with everything that was made out of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from backend.documents.forgetting import forget_in_traces
from backend.documents.forgetting_runs import forget_in_runs
from backend.documents.indexing.indexes import drop_everywhere
from backend.documents.indexing.turn import reading_now
from backend.documents.intake import others
from backend.errors import Busy
from backend.projects.database import told
from backend.projects.folder import Project
from backend.projects.tables import DocumentRow, KnownQuestionRow

READERS_WAIT_S: Final = 2.0


def remove(project: Project, ids: Iterable[int]) -> int:
    """How many went: rows, bytes, texts, passages and vectors of every index, known questions about nothing else, and
    the passages that kept chats, answers and runs were given. What a model answered stays.

    Raises Busy("error.documents_reading", name=) while a run reads one of them, and then takes none away; Unavailable
    when a server that holds vectors is down: what it holds is not found any more, and goes with the next run.
    """
    wanted = tuple(dict.fromkeys(ids))
    held = reading_now(project)
    with project.database.write() as session:
        session.execute(text("PRAGMA secure_delete = ON"))
        rows = session.scalars(select(DocumentRow).where(DocumentRow.id.in_(wanted))).all()
        for row in rows:
            if held and row.state == "reading":
                raise Busy("error.documents_reading", name=row.name)
        aside = _taken(session, project, rows)
    for folder in aside:
        project.documents.kept.delete(folder)
    _empty_log(project)
    forget_in_runs(project.runs_folder, [row.id for row in rows])
    drop_everywhere(project, [row.id for row in rows])
    return len(rows)


def _empty_log(project: Project) -> None:
    """Of the database: pages as they were before stand in its log until that is taken over into the file."""
    with told(project.database.path), closing(sqlite3.connect(project.database.path, READERS_WAIT_S)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _taken(session: Session, project: Project, rows: Sequence[DocumentRow]) -> list[Path]:
    """Delete rows; returns the folders of content that no document has any more."""
    ids = [row.id for row in rows]
    aside = []
    for sha256 in dict.fromkeys(row.sha256 for row in rows):
        if not others(session, sha256, ids):
            aside.append(project.documents.kept.put_aside(sha256))
    session.execute(delete(DocumentRow).where(DocumentRow.id.in_(ids)))
    _forget_places(session, set(ids))
    forget_in_traces(session, ids)
    return [folder for folder in aside if folder is not None]


def _forget_places(session: Session, ids: set[int]) -> None:
    """A question that is answered nowhere else goes too: it was asked of what is gone."""
    for row in session.scalars(select(KnownQuestionRow)):
        places = json.loads(row.places)
        left = [place for place in places if place[0] not in ids]
        if places and not left:
            session.delete(row)
        elif left != places:
            row.places = json.dumps(left)
