"""What a visitor sees of the known questions, and what the form holds that is being filled in. No Gradio inside."""

from __future__ import annotations

from dataclasses import dataclass

from backend.documents.measuring.places import Place
from backend.projects.folder import Project


@dataclass(frozen=True)
class Where:
    """Of one project.

    page      of the list           editing  the question that is in the form; None: a new one
    places    those that it has, or was given so far; what stands in the fields for a place comes to them
    drawn     the list as it stood there last, so that a poll that changed nothing draws nothing
    measured  when what the table shows was measured
    """

    project: str = ""
    page: int = 0
    editing: int | None = None
    places: tuple[Place, ...] = ()
    drawn: str = ""
    measured: float = 0.0

    @staticmethod
    def here(kept: Where | None, project: Project) -> Where:
        return kept if isinstance(kept, Where) and kept.project == project.id else Where(project.id)
