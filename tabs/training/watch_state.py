"""What a visitor of the watch part looks at: a small value without Gradio inside, and how it follows the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from backend.projects.folder import Project
from backend.training.telling.history import Training
from tabs.training.plots import Axis

HANDED: Final = "training.watch"
"""The note by which another part says which run to show: {"run": id}. Read once, when this part is opened."""
MOST_OVER: Final = 5


@dataclass(frozen=True)
class Looked:
    """`run` chosen by hand, "" for the one that is worth looking at; it is let go when a newer run than `newest` is
    there. `over` are runs drawn beside it. `drawn` says what the page shows already: part -> what it was made of.
    """

    project: str = ""
    run: str = ""
    newest: str = ""
    over: tuple[str, ...] = ()
    axis: Axis = "step"
    drawn: dict[str, str] = field(default_factory=dict)

    def fresh(self) -> Looked:
        """The same view, of which nothing is on the page yet."""
        return replace(self, drawn={})

    def here(self, project: Project) -> Looked:
        """Of this project: what was chosen in another means nothing here."""
        return self if self.project == project.id else Looked(project=project.id, axis=self.axis)


def watched(looked: Looked, found: Sequence[Training]) -> Training | None:
    """The one that is shown: as chosen, else the newest at work, else the newest."""
    if not found:
        return None
    if looked.newest == found[0].run.id:
        chosen = next((one for one in found if one.run.id == looked.run), None)
        if chosen is not None:
            return chosen
    return next((one for one in found if one.run.active), found[0])


def beside(looked: Looked, found: Sequence[Training], shown: Training) -> list[Training]:
    """The runs that are drawn over the shown one, in the order in which they were chosen."""
    by_id = {one.run.id: one for one in found}
    return [by_id[one] for one in looked.over if one in by_id and one != shown.run.id][:MOST_OVER]


def chosen(looked: Looked, run: str, found: Sequence[Training]) -> Looked:
    """A run was picked; it stays until a new one begins."""
    return replace(looked, run=run, newest=found[0].run.id if found else "")


def handed(project: Project, looked: Looked, found: Sequence[Training]) -> Looked:
    """As another part of the tab wants it, once."""
    note = project.get_note(HANDED)
    run = note.get("run") if isinstance(note, dict) else None
    if not isinstance(run, str) or not run:
        return looked
    project.set_note(HANDED, None)
    return chosen(looked, run, found)


def hand_over(project: Project, run: str) -> None:
    """Ask the watch part to show this run when it is opened next."""
    project.set_note(HANDED, {"run": run})
