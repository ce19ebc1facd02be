"""What is under construction in the builder: kept per project, so that closing the page loses nothing."""

from __future__ import annotations

from typing import Final

from backend.advice.gathering import takes
from backend.assistants import PER_INPUT, Assistant, Examples, Instructions, Part, Selection, Shot
from backend.errors import NotFound
from backend.examples.task import Task
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.prompts.for_task import plain_assistant

NOTE: Final = "fewshot.draft"
MOST: Final = 64
"""Shots that a person can put in one prompt; a context window is full long before."""


class Draft(Part):
    """`base` is the saved version that the examples are for, None for the task's plain prompt.

    question  id of the example that the forms are shown for
    """

    base: int | None = None
    selection: Selection = Selection(method="balanced")
    examples: Examples = Examples()
    question: int | None = None

    @property
    def per_input(self) -> bool:
        return self.selection.method in PER_INPUT


def read_draft(project: Project) -> Draft:
    """As it was left; one on the assistant made for the task when there is none, or a newer studio left it."""
    kept = project.get_note(NOTE)
    try:
        if kept is not None:
            return Draft.model_validate(kept)
    except ValueError:
        pass
    fits = [one for one in fitting(project) if one.assistant.instructions != Instructions()]
    return Draft(base=fits[0].id if fits else None)


def keep_draft(project: Project, draft: Draft) -> Draft:
    project.set_note(NOTE, draft.model_dump(mode="json"))
    return draft


def base_of(project: Project, draft: Draft) -> SavedAssistant | None:
    """The saved version it builds on; None once it is gone."""
    if draft.base is None:
        return None
    try:
        return project.assistants.get(draft.base)
    except NotFound:
        return None


def assistant_of(project: Project, draft: Draft, language: str) -> Assistant:
    """The assistant as it would be saved now: the base with these examples. Raises NotFound (no task yet)."""
    saved = base_of(project, draft)
    if saved is not None:
        return saved.assistant.model_copy(update={"examples": draft.examples})
    task = project.examples.task()
    if task is None:
        raise NotFound("error.build_no_task")
    return plain_assistant(task, language).model_copy(update={"examples": draft.examples})


def fitting(project: Project) -> list[SavedAssistant]:
    """Saved assistants whose template asks for nothing that the task's examples do not have.

    Those made for the task stand first, as far as that can be seen: they name its labels, or say more than the input.
    """
    task = project.examples.task() or Task()
    fits = [one for one in project.assistants.list() if takes(one.assistant, task)]
    return sorted(fits, key=lambda one: -_made_for(one.assistant.instructions, task))


def _made_for(instructions: Instructions, task: Task) -> float:
    text = f"{instructions.system}\n{instructions.template}"
    named = sum(label in text for label in task.labels) / len(task.labels) if task.labels else 0.0
    return named + (0.5 if instructions.template.strip() != "{input}" else 0.0)


def moved(draft: Draft, place: int, step: int) -> Draft:
    """The shot at `place` one up (-1) or down (+1). What a person orders by hand is chosen by hand from then on."""
    shots = list(draft.examples.shots)
    if not (0 <= place < len(shots) and 0 <= place + step < len(shots)):
        return draft
    shots[place], shots[place + step] = shots[place + step], shots[place]
    return by_hand(draft, tuple(shots))


def dropped(draft: Draft, place: int) -> Draft:
    shots = draft.examples.shots
    return by_hand(draft, (*shots[:place], *shots[place + 1 :])) if 0 <= place < len(shots) else draft


def by_hand(draft: Draft, shots: tuple[Shot, ...]) -> Draft:
    """The draft with these shots, in this order, and no others."""
    selection = draft.selection.model_copy(
        update={"method": "by_hand", "count": min(len(shots), MOST), "order": "as_listed"}
    )
    return draft.model_copy(update={"selection": selection, "examples": Examples(shots=shots, selection=selection)})
