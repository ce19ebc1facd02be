"""What is being set up, kept per project: closing the page, or opening a second browser, loses nothing."""

from __future__ import annotations

from typing import Final

from backend.advice.gathering import takes
from backend.assistants import Assistant, Instructions, ModelRef, Part
from backend.errors import BadInput, NotFound
from backend.examples.task import Task
from backend.models.host import ModelHost
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.projects.sample import chat_template
from backend.prompts.for_task import plain_assistant
from backend.training.config import TrainingConfig
from backend.training.telling.history import DRAFT as CLONED

NOTE: Final = "training.setup"
SAVED, MODEL, LOADED = "assistant/", "model/", "loaded"
"""What the list of starts holds: a version's id, a model, or the assistant of a config that was loaded."""


class SetupDraft(Part):
    """`start` says where the config's assistant came from; "" until somebody chose, then the first that fits."""

    start: str = ""
    config: TrainingConfig = TrainingConfig()


def read_setup(project: Project) -> SetupDraft:
    """As it was left, or as another part laid it down; the defaults when there is none, or a newer studio left it."""
    taken = _laid_down(project)
    if taken is not None:
        return taken
    kept = project.get_note(NOTE)
    try:
        return SetupDraft() if kept is None else SetupDraft.model_validate(kept)
    except ValueError:
        return SetupDraft()


def _laid_down(project: Project) -> SetupDraft | None:
    """The config of an earlier run that is to be set up again. Taken once: what is changed from then on is ours."""
    note = project.get_note(CLONED)
    if note is None:
        return None
    project.set_note(CLONED, None)
    try:
        config = TrainingConfig.model_validate(note)
    except ValueError:
        return None
    return keep_setup(project, loaded(project, config))


def loaded(project: Project, config: TrainingConfig) -> SetupDraft:
    """A draft of a config that came from elsewhere: all of it as it stands there, its parent if that is here.

    Its numbers are somebody's own, so no effort fills them in anew.
    """
    kept: dict[str, object] = {"effort": "own"}
    try:
        if config.parent_id is not None:
            there(project, config.parent_id)
    except NotFound:
        kept["parent_id"] = None
    return SetupDraft(start=LOADED, config=config.model_copy(update=kept))


def keep_setup(project: Project, draft: SetupDraft) -> SetupDraft:
    project.set_note(NOTE, draft.model_dump(mode="json"))
    return draft


def trainable(project: Project) -> list[SavedAssistant]:
    """Saved assistants whose model is on this machine and whose prompt fits the task; those made for it stand first."""
    task = project.examples.task() or Task()
    fits = [
        one
        for one in project.assistants.list()
        if one.assistant.model.kind != "endpoint" and takes(one.assistant, task)
    ]
    return sorted(fits, key=lambda one: -_made_for(one.assistant.instructions, task))


def _made_for(instructions: Instructions, task: Task) -> float:
    """How many of the task's labels a prompt names; one that says nothing at all comes last."""
    text = f"{instructions.system}\n{instructions.template}"
    named = sum(label in text for label in task.labels) / len(task.labels) if task.labels else 0.0
    return named + (0.5 if instructions != Instructions() else 0.0)


def settled(project: Project, draft: SetupDraft, host: ModelHost, language: str) -> SetupDraft:
    """The draft with its start looked up anew: a deleted version gives way to the first that fits.

    Raises NotFound when a model is gone.
    """
    if draft.start == LOADED:
        return draft
    if draft.start.startswith(SAVED):
        try:
            saved = there(project, int(draft.start.removeprefix(SAVED)))
            return _with(draft, draft.start, saved.assistant, saved.id)
        except (NotFound, ValueError):
            draft = draft.model_copy(update={"start": ""})
    if draft.start.startswith(MODEL):
        return _with(draft, draft.start, assistant_over(project, model_of(draft.start), host, language), None)
    first = next(iter(trainable(project)), None)
    if first is not None:
        return _with(draft, f"{SAVED}{first.id}", first.assistant, first.id)
    plain = assistant_over(project, ModelRef(), host, language)
    return _with(draft, MODEL + ModelRef().model_dump_json(), plain, None)


def there(project: Project, number: int) -> SavedAssistant:
    """A saved version whose name is not in the bin. Raises NotFound."""
    saved = project.assistants.get(number)
    if saved.name not in {one.name for one in project.assistants.list()}:
        raise NotFound("error.assistant_missing")
    return saved


def assistant_over(project: Project, model: ModelRef, host: ModelHost, language: str) -> Assistant:
    """A model of this machine with the task's plain prompt. Raises NotFound."""
    plain = plain_assistant(project.examples.task() or Task(), language, model)
    return plain.model_copy(update={"chat_template": chat_template(host.where(model))})


def model_of(start: str) -> ModelRef:
    """Raises BadInput for what no list of ours offers."""
    try:
        return ModelRef.model_validate_json(start.removeprefix(MODEL))
    except ValueError as fault:
        raise BadInput("error.page_action") from fault


def _with(draft: SetupDraft, start: str, assistant: Assistant, parent: int | None) -> SetupDraft:
    config = draft.config.model_copy(update={"assistant": assistant, "parent_id": parent})
    return SetupDraft(start=start, config=config)
