"""The passages of one project, as answers ask for them: its active index, searched by the retrievers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import select

from backend.assistants import Documents
from backend.documents.grounding.source import Retrieved
from backend.projects.tables import DocumentRow

if TYPE_CHECKING:
    from backend.projects.folder import Project

NAMES_AT_ONCE = 500


class ProjectPassages:
    """See Passages. Opens the index with the first question."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def find(self, wanted: Documents, query: str) -> Retrieved | None:
        """See Passages."""
        return None

    def names(self, documents: Collection[int]) -> Mapping[int, str]:
        """See Passages."""
        found: dict[int, str] = {}
        ids = sorted(documents)
        with self._project.database.read() as session:
            for start in range(0, len(ids), NAMES_AT_ONCE):
                some = ids[start : start + NAMES_AT_ONCE]
                rows = session.execute(select(DocumentRow.id, DocumentRow.name).where(DocumentRow.id.in_(some)))
                found |= dict(row.tuple() for row in rows)
        return found
