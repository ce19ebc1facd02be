"""Taking documents away for good, with everything that was made out of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from backend.documents.indexing.indexes import hide_everywhere
from backend.documents.indexing.turn import reading_now
from backend.documents.shelf.forgetting import forget_in_traces
from backend.documents.shelf.leaving import finish_removals, note_leaving
from backend.errors import Busy
from backend.projects.folder import Project
from backend.projects.tables import DocumentRow, KnownQuestionRow


def remove(project: Project, ids: Iterable[int]) -> int:
    """How many went: rows, bytes, texts, passages and vectors of every index, known questions about nothing else, and
    the passages that kept chats, answers and runs were given. What a model answered stays.

    Nothing of them is found from the moment on in which the rows are gone; bytes and points go after that, and what a
    kill leaves of them with the next removal or run.

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
        gone = [row.id for row in rows]
        _forget_rows(session, gone)
        note_leaving(project, gone)
        hide_everywhere(project, gone)  # where the rows then stay after all, the next run puts them in again
    finish_removals(project)
    return len(gone)


def _forget_rows(session: Session, ids: Collection[int]) -> None:
    session.execute(delete(DocumentRow).where(DocumentRow.id.in_(ids)))
    _forget_places(session, set(ids))
    forget_in_traces(session, ids)


def _forget_places(session: Session, ids: set[int]) -> None:
    """A question that is answered nowhere else goes too: it was asked of what is gone."""
    for row in session.scalars(select(KnownQuestionRow)):
        places = json.loads(row.places)
        left = [place for place in places if place[0] not in ids]
        if places and not left:
            session.delete(row)
        elif left != places:
            row.places = json.dumps(left)
