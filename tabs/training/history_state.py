"""What a visitor of the history looks at: which runs are listed, ticked and opened. No Gradio inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from backend.projects.folder import Project
from backend.training.telling.history import Filter, Training

HANDED: Final = "training.history"
"""The note by which another part says which run to open: {"run": id}. Read once, when this part is opened."""
PAGE: Final = 20
MOST_TICKED: Final = 6


@dataclass(frozen=True)
class Browsed:
    """`ticked` are compared, `opened` is shown with its details, `undo` was deleted last; `page` from 0."""

    project: str = ""
    wanted: Filter = field(default_factory=Filter)
    ticked: tuple[str, ...] = ()
    opened: str = ""
    undo: str = ""
    page: int = 0
    drawn: str = ""

    def here(self, project: Project) -> Browsed:
        """Of this project: what was chosen in another means nothing here."""
        return self if self.project == project.id else Browsed(project=project.id)


def ticked(browsed: Browsed, run: str) -> Browsed:
    """With the run ticked, or no longer; of too many the one ticked first goes."""
    rest = tuple(one for one in browsed.ticked if one != run)
    now = rest if run in browsed.ticked else (*rest, run)[-MOST_TICKED:]
    return replace(browsed, ticked=now)


def fitting(browsed: Browsed, found: Sequence[Training]) -> Browsed:
    """Without what is no more."""
    ids = {one.run.id for one in found}
    return replace(
        browsed,
        ticked=tuple(one for one in browsed.ticked if one in ids),
        opened=browsed.opened if browsed.opened in ids else "",
    )


def handed(project: Project, browsed: Browsed) -> Browsed:
    """As another part of the tab wants it, once."""
    note = project.get_note(HANDED)
    run = note.get("run") if isinstance(note, dict) else None
    if not isinstance(run, str) or not run:
        return browsed
    project.set_note(HANDED, None)
    return replace(browsed, opened=run, wanted=Filter(), page=0)


def open_in_history(project: Project, run: str) -> None:
    """Ask the history to show this run's details when it is opened next."""
    project.set_note(HANDED, {"run": run})
