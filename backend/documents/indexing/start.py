"""What a page asks for: index what is new, read something again."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

from sqlalchemy import select, update

from backend.documents.indexing.turn import OVER, reading_now
from backend.errors import Busy
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.projects.tables import DocumentRow

KIND: Final = "indexing"


def start_indexing(runs: Runs, project: Project, ids: Collection[int] | None = None, title: str = "") -> Run:
    """Index every document that is queued or not in the active index yet, as a run; with `ids` read those anew first.

    A run that is at work already takes them along and is returned. Raises StorageProblem, and
    Busy("error.documents_reading", name=) when one of `ids` is being read just now.
    """
    if ids is not None:
        read_again(project, ids)
    at_work = [run for run in runs.active() if run.kind == KIND and run.state != "stopping"]
    taking = (run for run in at_work if not (run.folder / OVER).exists())
    return next(taking, None) or runs.submit(KIND, {}, title)


def indexing_run(runs: Runs) -> Run | None:
    """The one at work; None when there is none."""
    return next((run for run in runs.active() if run.kind == KIND), None)


def read_again(project: Project, ids: Collection[int]) -> None:
    """Queue documents, failed ones too, to be read from their bytes. Raises as `start_indexing`."""
    held = reading_now(project)
    wanted = tuple(ids)
    with project.database.write() as session:
        rows = session.execute(
            select(DocumentRow.sha256, DocumentRow.name, DocumentRow.state).where(DocumentRow.id.in_(wanted))
        ).all()
        for row in rows:
            if held and row.state == "reading":
                raise Busy("error.documents_reading", name=row.name)
        queued = {"state": "queued", "error_key": None, "error_details": "{}", "changed": time.time()}
        session.execute(update(DocumentRow).where(DocumentRow.id.in_(wanted)).values(**queued))
    for row in rows:
        project.documents.kept.forget_parsed(row.sha256)
