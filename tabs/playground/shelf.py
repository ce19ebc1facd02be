"""Assistants kept in the project: choosing one, saving the form as one, its versions and how they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.assistants import Assistant, ModelRef, changes
from backend.errors import NotFound, StudioError
from backend.models.offered import offered as answering
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.services import Services
from tabs.errors import shown
from tabs.playground.adapting import adapter_update
from tabs.playground.consulting import within_update
from tabs.playground.conversation import Say, act, named
from tabs.playground.differing import difference
from tabs.playground.editing import Editing
from tabs.playground.form import model_of, model_value, read
from tabs.playground.prose import plain
from tabs.playground.setup import CLICKS, Setup, fill_updates
from tabs.playground.wiring import QUICK
from tabs.session import Session, owner
from tabs.text import Words

PARENT = "playground.parent"


@dataclass(frozen=True)
class ShelfView:
    """`parent` is the id of the saved version that the form came from, None for a new assistant."""

    parent: gr.State
    name: gr.Textbox
    note: gr.Textbox
    save: gr.Button
    versions: gr.HTML


def layout(words: Words) -> ShelfView:
    t = words.t
    with gr.Accordion(t("playground.save_assistant"), open=False, elem_id="pg-save"):
        parent = gr.State(None)
        name = gr.Textbox(
            label=t("playground.name"),
            info=t("playground.name_info"),
            placeholder=t("playground.name_placeholder"),
            max_length=120,
            elem_id="pg-name",
        )
        note = gr.Textbox(label=t("playground.note"), info=t("playground.note_info"), max_length=2000)
        save = gr.Button(t("playground.save_version"), variant="primary", size="sm", elem_id="pg-save-button")
        versions = gr.HTML(js_on_load=CLICKS, apply_default_css=False, elem_id="pg-versions")
    return ShelfView(parent, name, note, save, versions)


def offered(saved: Sequence[SavedAssistant], t: Say) -> list[tuple[str, int]]:
    """The picker's choices: the latest version of every name."""
    return [(t("playground.version_name", name=one.name, number=one.number), one.id) for one in saved]


def models_offered(services: Services, current: ModelRef, t: Say) -> list[tuple[str, str]]:
    """Every model that can answer now; the current one stays in the list even when it cannot."""
    found = [(t("playground.practice_model"), ModelRef()), *answering(services.settings, services.endpoints)]
    if all(ref != current for _, ref in found):
        found.append((t("playground.model_gone", name=named(current, t)), current))
    return [(label, model_value(ref)) for label, ref in found]


def versions_view(versions: Sequence[SavedAssistant], words: Words, compared: int | None = None) -> str:
    """The versions of the assistant in hand, latest first, each to be loaded or compared with the one it came from."""
    t = words.t
    if not versions:
        return f'<p class="pg-quiet">{plain(t("playground.no_versions"))}</p>'
    rows = []
    known = {one.id: one for one in versions}
    for one in versions:
        told = " · ".join(filter(None, [t("playground.number", number=one.number), one.note, words.when(one.created)]))
        buttons = act("load", t("playground.load"), to=str(one.id))
        if one.parent_id in known:
            buttons += act("compare", t("playground.show_difference"), to=str(one.id))
        rows.append(f'<li><span class="pg-told">{plain(told)}</span><span class="pg-tools">{buttons}</span></li>')
        if one.id == compared and one.parent_id in known:
            before = known[one.parent_id].assistant
            rows.append(f"<li>{difference(changes(before, one.assistant), t)}</li>")
    return f'<ul class="pg-chats pg-versions">{"".join(rows)}</ul>'


class Shelf:
    """The handlers of the saved assistants."""

    def __init__(self, services: Services, words: Words, setup: Setup, view: ShelfView) -> None:
        self.services, self.words, self.setup, self.view = services, words, setup, view
        self.around = [setup.picker, view.parent, view.name, view.note, view.versions]
        self.outputs = [*setup.outputs, *self.around]

    def restore(self, project_id: str, request: gr.Request) -> Any:
        """The picker as it was left."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        return self.state(project, self.kept_parent(project))

    def models(self, chosen: str) -> Any:
        """The model picker's choices. Apart from `restore`, since a connection that is down may take its time."""
        return gr.update(choices=models_offered(self.services, model_of(chosen), self.words.t))

    def pick(self, saved_id: int | None, project_id: str, request: gr.Request) -> Any:
        """Take a saved assistant in hand."""
        if saved_id is None:
            return gr.skip()
        project = self.project(project_id, request)
        return self.take(project, project.assistants.get(int(saved_id)))

    def take(self, project: Project, saved: SavedAssistant) -> dict[Any, Any]:
        project.set_note(PARENT, saved.id)
        filled = fill_updates(self.setup, saved.assistant, self.words.t)
        form = self.setup.form
        filled[form["model"]] = self.model_update(saved.assistant)
        filled[form["adapter"]] = adapter_update(project, saved.assistant, self.words)
        filled[form["documents_within"]] = within_update(project, saved.assistant, self.words)
        return {**filled, **self.state(project, saved)}

    def model_update(self, assistant: Assistant) -> Any:
        """Show the assistant's model, also when it is not among the choices at hand."""
        return gr.update(
            choices=models_offered(self.services, assistant.model, self.words.t), value=model_value(assistant.model)
        )

    def save(
        self, name: str, note: str, parent: int | None, project_id: str, request: gr.Request, **form: Any
    ) -> dict[Any, Any]:
        """Keep what stands in the form as a new version. A new name starts at version 1."""
        project = self.project(project_id, request)
        assistant = read(form)
        assistant = assistant.model_copy(update={"chat_template": self.chat_template(assistant)})
        saved = project.assistants.save(name or "", assistant, note or "", parent)
        project.set_note(PARENT, saved.id)
        self.words.say("playground.saved", "success", name=saved.name, number=saved.number)
        return self.state(project, saved) | {self.view.note: ""}

    def chat_template(self, assistant: Assistant) -> str | None:
        """The template of the model's own tokenizer; None when it cannot be loaded now: it is read when it answers."""
        try:
            with self.services.host.engine(assistant.weights) as engine:
                return engine.chat_template
        except StudioError:
            return None

    def tend(self, project_id: str, request: gr.Request, event: gr.EventData) -> dict[Any, Any]:
        """Load or compare a version of the list."""
        told: Mapping[str, Any] = event._data if isinstance(event._data, dict) else {}
        project = self.project(project_id, request)
        if not str(told.get("to", "")).isdecimal():
            raise NotFound("error.assistant_missing")
        saved = project.assistants.get(int(told["to"]))
        if told.get("act") == "load":
            return self.take(project, saved)
        shown_now = versions_view(project.assistants.versions(saved.name), self.words, compared=saved.id)
        return {self.view.versions: shown_now}

    def state(self, project: Project, saved: SavedAssistant | None) -> dict[Any, Any]:
        """Picker, name and versions around the version in hand."""
        choices = offered(project.assistants.list(), self.words.t)
        if saved is not None and all(one != saved.id for _, one in choices):
            choices = [*offered([saved], self.words.t), *choices]
        versions = project.assistants.versions(saved.name) if saved else []
        return {
            self.setup.picker: gr.update(choices=choices, value=saved.id if saved else None),
            self.view.parent: saved.id if saved else None,
            self.view.name: saved.name if saved else "",
            self.view.versions: versions_view(versions, self.words),
        }

    def kept_parent(self, project: Project) -> SavedAssistant | None:
        kept = project.get_note(PARENT)
        try:
            return project.assistants.get(kept) if isinstance(kept, int) else None
        except NotFound:
            return None

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)


def wire(services: Services, words: Words, session: Session, setup: Setup, editing: Editing, view: ShelfView) -> Shelf:
    shelf = Shelf(services, words, setup, view)
    show = shown(words)
    around, whole = shelf.around, shelf.outputs
    editing.follow(setup.picker.input(show(shelf.pick), [setup.picker, session.project_id], whole, **QUICK))
    editing.follow(view.versions.act(show(shelf.tend), session.project_id, whole, **QUICK))
    gr.on(
        [view.save.click, view.name.submit],
        show(shelf.save),
        [view.name, view.note, view.parent, session.project_id],
        around,
        inputs_kwargs=setup.form,
        **QUICK,
    )
    return shelf
