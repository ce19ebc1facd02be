"""What a visitor's list of files shows: its filter, its page, what is opened. No Gradio inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, get_args

from backend.documents.filters import DocumentFilter
from backend.documents.values import State
from backend.projects.folder import Project

PAGE: Final = 25
STATES: Final[tuple[State, ...]] = get_args(State)
NO_FOLDER: Final = "/"
"""In the list of folders: the documents that lie in none. No folder of a document is called so."""


@dataclass(frozen=True)
class Listed:
    """`opened` is shown with its details; `page` from 0; `drawn` is what stood there last."""

    project: str = ""
    wanted: DocumentFilter = field(default_factory=DocumentFilter)
    page: int = 0
    opened: int | None = None
    drawn: str = ""

    def here(self, project: Project) -> Listed:
        """Of this project: what was chosen in another means nothing here."""
        return self if self.project == project.id else Listed(project=project.id)


def asked_for(text: str, state: str, folder: str, tag: str) -> DocumentFilter:
    """The filter as the page's fields say it; what the page cannot have sent lets everything through."""
    states = tuple(one for one in STATES if one == state)
    folders = (() if not folder else ("",)) if folder in ("", NO_FOLDER) else (folder,)
    return DocumentFilter(text=(text or "")[:200], states=states, folders=folders, tags=(tag,) if tag else ())


def tags_of(text: str) -> list[str]:
    """Tags as a person types them: with commas or line breaks between, with or without #."""
    parts = [part.strip().lstrip("#").strip() for part in text.replace("\n", ",").replace("，", ",").split(",")]
    return list(dict.fromkeys(part for part in parts if part))
