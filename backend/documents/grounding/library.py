"""The passages of one project, as answers ask for them: its active index, searched by the retrievers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from backend.assistants import Documents
from backend.documents.grounding.source import Retrieved
from backend.projects.tables import DocumentRow
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.documents.retrieving.retrieval import Retrieval
    from backend.projects.folder import Project

NAMES_AT_ONCE: Final = 500


class ProjectPassages:
    """See Passages. `retrieval` is what keeps indexes and models open in this process."""

    def __init__(self, project: Project, retrieval: Callable[[], Retrieval]) -> None:
        self._project = project
        self._retrieval = retrieval

    def find(self, wanted: Documents, query: str) -> Retrieved | None:
        """See Passages."""
        return self._retrieval().find(self._project, wanted, query)

    def names(self, documents: Collection[int]) -> Mapping[int, str]:
        """See Passages."""
        found: dict[int, str] = {}
        ids = sorted(documents)
        with self._project.database.read() as session:
            for start in range(0, len(ids), NAMES_AT_ONCE):
                some = ids[start : start + NAMES_AT_ONCE]
                rows = session.execute(select(DocumentRow.id, DocumentRow.name).where(DocumentRow.id.in_(some)))
                found |= {row[0]: row[1] for row in rows}
        return found


@contextmanager
def passages_of_run(project: Project, settings: Settings) -> Iterator[ProjectPassages]:
    """The same in a worker, which opens indexes and models of its own with the first question, and closes them."""
    opened: list[Retrieval] = []
    lock = threading.Lock()

    def retrieval() -> Retrieval:
        from backend.documents.retrieving.retrieval import Retrieval
        from backend.models.endpoints import Endpoints

        with lock:  # a batch asks many at once
            if not opened:
                opened.append(Retrieval(settings, Endpoints(settings.home, settings.offline)))
            return opened[0]

    try:
        yield ProjectPassages(project, retrieval)
    finally:
        for one in opened:
            one.close()
