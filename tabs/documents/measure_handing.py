"""A passage that somebody found and that answers a question, on its way into the list of known questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from backend.documents.measuring.places import QUOTE_LIMIT, Place
from backend.documents.values import Passage
from backend.projects.folder import Project

HANDED: Final = "documents.known"
"""The note by which another part says what to write down. Read once."""


def hand_over(project: Project, question: str, passage: Passage) -> None:
    """Ask the measure part to begin a known question that this passage answers, when it is opened next."""
    place = [passage.document_id, passage.start, passage.end, passage.text[:QUOTE_LIMIT]]
    project.set_note(HANDED, {"question": question, "place": place})


def handed(project: Project) -> tuple[str, Place] | None:
    """(question, place) as another part wants it, once."""
    note = project.get_note(HANDED)
    if not isinstance(note, Mapping):
        return None
    project.set_note(HANDED, None)
    return _read(note)


def _read(note: Mapping[str, Any]) -> tuple[str, Place] | None:
    place, question = note.get("place"), note.get("question")
    if not (isinstance(place, list) and len(place) == 4 and isinstance(question, str)):
        return None
    document, start, end, quote = place
    numbers = all(isinstance(one, int) and not isinstance(one, bool) for one in (document, start, end))
    if not numbers or not isinstance(quote, str) or not 0 <= start < end:
        return None
    return question, Place(document, start, end, quote)
