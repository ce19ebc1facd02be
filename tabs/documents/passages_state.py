"""What a visitor reads: which document, which leaf, which passage. And how other parts open it. No Gradio inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from backend.projects.folder import Project

HANDED: Final = "documents.look"
"""The note by which another part says what to read: {"document": id, "passage": number}. Read once."""


@dataclass(frozen=True)
class Reading:
    """`document` None: none was chosen yet. `passage` is marked in the text; `leaf` counts from 0.

    tried  (size, overlap) in tokens of a way to cut that is only looked at; None: as the index has it
    drawn    of which state of the open document the page is, so that a poll that changed nothing of it draws nothing
    offered  how many documents the picker lists
    """

    project: str = ""
    document: int | None = None
    leaf: int = 0
    passage: int | None = None
    tried: tuple[int, int] | None = None
    drawn: str = ""
    offered: int = 0

    def here(self, project: Project) -> Reading:
        """Of this project: what was read in another means nothing here."""
        return self if self.project == project.id else Reading(project=project.id)


def open_passage(project: Project, document: int, passage: int | None = None) -> None:
    """Ask the passages part to show this document, and this passage of it marked, when it is opened next."""
    project.set_note(HANDED, {"document": document, "passage": passage})


def handed(project: Project, reading: Reading) -> tuple[Reading, bool]:
    """As another part wants it, once; and whether one did."""
    note = project.get_note(HANDED)
    if not isinstance(note, Mapping) or (document := _number(note, "document")) is None:
        return reading, False
    project.set_note(HANDED, None)
    return replace(reading, document=document, passage=_number(note, "passage"), leaf=0, tried=None), True


def _number(note: Mapping[str, Any], name: str) -> int | None:
    value = note.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def passage_named(text: str) -> tuple[int, int] | None:
    """(document, number) of a button's "12-3"; None for what no button of ours says."""
    document, _, number = text.partition("-")
    plain = document.isdecimal() and number.isdecimal() and len(document) < 19 and len(number) < 10
    return (int(document), int(number)) if plain else None
