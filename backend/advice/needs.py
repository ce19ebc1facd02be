"""What a person needs of their assistant, as far as only they know it. None: not said."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from backend.assistants import Part
from backend.projects.folder import Project

NOTE: Final = "advice.needs"


class Needs(Part):
    """sources  answers must show where they come from
    changes   what is true changes from week to week
    private   nothing may go to a model on somebody else's machine
    quick     an answer in a day's work is wanted, not a week of preparing data
    target    the share of right answers, 0..1, from which on the assistant is of use
    """

    sources: bool | None = None
    changes: bool | None = None
    private: bool | None = None
    quick: bool | None = None
    target: float | None = Field(None, ge=0, le=1)


def read_needs(project: Project) -> Needs:
    """As they were said last; nothing said where a newer studio wrote them."""
    try:
        return Needs.model_validate(project.get_note(NOTE) or {})
    except ValueError:
        return Needs()


def keep_needs(project: Project, needs: Needs) -> None:
    project.set_note(NOTE, needs.model_dump(mode="json"))
