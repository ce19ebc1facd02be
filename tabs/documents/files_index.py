"""The index that a project's documents are searched in, as the pages of this tab look into it."""

from __future__ import annotations

from backend.documents.index.settings import active, index_folder
from backend.projects.folder import Project
from backend.services import Services


def passage_counts(services: Services, project: Project) -> dict[int, int]:
    """How many passages each document has in the active index; none where it was not made yet."""
    if not index_folder(project.folder, active(project)).is_dir():
        return {}
    return services.retrieval.index(project).documents()
