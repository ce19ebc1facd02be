"""Working on the form: kept per project at every change, checked as it is typed, filled from what was kept."""

from __future__ import annotations

from typing import Any

import gradio as gr

from backend.assistants import Documents, Examples
from backend.prompts.presets import preset_of
from backend.services import Services
from tabs.errors import shown
from tabs.playground.adapting import adapter_update
from tabs.playground.checkup import Checkup
from tabs.playground.consulting import standing, within_update
from tabs.playground.conversation import named
from tabs.playground.form import DECODING, model_value, read
from tabs.playground.setup import (
    Setup,
    default_assistant,
    fill_updates,
    preset_values,
    shots_update,
    slot_updates,
    values_of,
)
from tabs.playground.wiring import QUICK
from tabs.session import Session, owner
from tabs.text import Words

VALUES = "playground.values"


class Editing:
    """The handlers of the form. What fills it by program is handed to `follow`: it is then kept and checked too."""

    def __init__(self, services: Services, words: Words, session: Session, setup: Setup) -> None:
        self.services, self.words, self.setup = services, words, setup
        self.checkup = Checkup(words)
        self.outputs = [setup.preset, *setup.slots, setup.checkup, setup.documents_note]
        self.keep: dict[str, Any] = {
            "fn": shown(words)(self.edited),
            "inputs": session.project_id,
            "outputs": self.outputs,
            "inputs_kwargs": setup.form,
            **QUICK,
        }
        self.preview: dict[str, Any] | None = None

    def restore(self, project_id: str, request: gr.Request) -> Any:
        """The form as it was left in this project."""
        if not project_id:
            return gr.skip()
        project = self.services.projects.open(owner(request), project_id)
        assistant = project.draft() or default_assistant()
        kept = project.get_note(VALUES)
        values = kept if isinstance(kept, dict) else {}
        updates = fill_updates(self.setup, assistant, self.words.t, values)
        here = [(named(assistant.model, self.words.t), model_value(assistant.model))]
        updates[self.setup.form["model"]] = gr.update(choices=here, value=model_value(assistant.model))
        updates[self.setup.form["adapter"]] = adapter_update(project, assistant, self.words)
        updates[self.setup.form["documents_within"]] = within_update(project, assistant, self.words)
        updates[self.setup.documents_note] = standing(project, assistant, self.words)
        if assistant.documents is not None:
            self.services.retrieval.warm(project, assistant.documents)
        return updates | {self.setup.checkup: self.checkup.view(assistant, values)}

    def edited(self, project_id: str, request: gr.Request, **form: Any) -> dict[Any, Any]:
        """Keep what stands in the form; show the boxes its template asks for, its style, and the check-up."""
        assistant, values = read(form), values_of(form)
        note = gr.skip()
        if project_id:
            project = self.services.projects.open(owner(request), project_id)
            project.keep_draft(assistant)
            project.set_note(VALUES, values)
            note = standing(project, assistant, self.words)
            if assistant.documents is not None:
                self.services.retrieval.warm(project, assistant.documents)
        boxes = slot_updates(assistant.instructions.template, self.words.t)
        return {
            self.setup.preset: preset_of(assistant.decoding),
            self.setup.checkup: self.checkup.view(assistant, values),
            self.setup.documents_note: note,
            **dict(zip(self.setup.slots, boxes, strict=True)),
        }

    def stand(self, project_id: str, chosen: str, request: gr.Request) -> Any:
        """What there is to look in, after running work moved on: documents may have been indexed meanwhile."""
        if not project_id or not chosen:
            return gr.skip()
        project = self.services.projects.open(owner(request), project_id)
        draft = project.draft() or default_assistant()
        return standing(project, draft.model_copy(update={"documents": draft.documents or Documents()}), self.words)

    def style(self, preset: str, **form: Any) -> list[Any]:
        """An answer style was chosen: its values go into the expert widgets."""
        return preset_values(form, preset)

    def drop_shots(self) -> dict[Any, Any]:
        form = self.setup.form
        return {
            form["shots"]: [],
            form["selection"]: None,
            self.setup.shots_note: shots_update(Examples(), self.words.t),
        }

    def apply(self, event: gr.EventData, **form: Any) -> dict[Any, Any]:
        """A proposed wording was accepted. The prompt is checked anew: it may have changed meanwhile."""
        told = event._data if isinstance(event._data, dict) else {}
        changed = self.checkup.applied(read(form), values_of(form), str(told.get("to", "")))
        return fill_updates(self.setup, changed, self.words.t, values_of(form))

    def follow(self, done: Any) -> None:
        """After `done` filled the form: keep it, check it, and show the new preview."""
        done = done.then(**self.keep)
        if self.preview is not None:
            done.then(**self.preview)


def wire(session: Session, setup: Setup, editing: Editing) -> None:
    show, form = shown(editing.words), setup.form
    looked = [session.project_id, form["documents"]]
    session.seen.change(show(editing.stand), looked, setup.documents_note, **QUICK)
    setup.on_change(**(editing.keep | {"trigger_mode": "always_last"}))
    decoding = [form[name] for name in DECODING]
    editing.follow(setup.preset.input(show(editing.style), setup.preset, decoding, inputs_kwargs=form, **QUICK))
    editing.follow(
        setup.shots_note.act(
            show(editing.drop_shots), None, [form["shots"], form["selection"], setup.shots_note], **QUICK
        )
    )
    editing.follow(setup.checkup.act(show(editing.apply), None, setup.outputs, inputs_kwargs=form, **QUICK))
