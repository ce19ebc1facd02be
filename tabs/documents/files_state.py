"""What a visitor's list of files shows: its filter, its page, what is opened. No Gradio inside."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final, get_args

from backend.documents.shelf.filters import DocumentFilter
from backend.documents.values import State
from backend.errors import BadInput
from backend.projects.folder import Project

PAGE: Final = 25
STATES: Final[tuple[State, ...]] = get_args(State)
LANGUAGES: Final = ("ko", "en", "mixed", "other")
"""What a document or a passage is told to be written in."""
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


def asked_for(
    text: str, state: str, folder: str, tag: str, language: str = "", since: str | None = "", until: str | None = ""
) -> DocumentFilter:
    """The filter as the page's fields say it; what the page cannot have sent lets everything through.

    Raises BadInput("error.docs_day", day=) as `day_of`.
    """
    states = tuple(one for one in STATES if one == state)
    folders = (() if not folder else ("",)) if folder in ("", NO_FOLDER) else (folder,)
    return DocumentFilter(
        text=(text or "")[:200],
        states=states,
        folders=folders,
        tags=(tag,) if tag else (),
        languages=tuple(one for one in LANGUAGES if one == language),
        dated_from=day_of(since),
        dated_to=day_of(until),
    )


def day_of(typed: str | None) -> str:
    """An ISO day as a person writes it: 2024-01-31, also 2024.1.31 or 2024/01/31; "" for none.

    Raises BadInput("error.docs_day", day=) for what no calendar has.
    """
    told = (typed or "").strip()
    if not told:
        return ""
    try:
        year, month, day = (int(part) for part in re.split(r"[-./]\s*", told.rstrip(". ")))
        return date(year, month, day).isoformat()
    except ValueError as fault:
        raise BadInput("error.docs_day", day=told[:40]) from fault


def tags_of(text: str) -> list[str]:
    """Tags as a person types them: with commas or line breaks between, with or without #."""
    parts = [part.strip().lstrip("#").strip() for part in text.replace("\n", ",").replace("，", ",").split(",")]
    return list(dict.fromkeys(part for part in parts if part))
