"""Prompts kept in the project: system prompt and template under a name, in versions, with what changed between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.errors import NotFound
from backend.projects.folder import Project
from backend.projects.prompts import SavedPrompt, difference
from backend.services import Services
from tabs.errors import shown
from tabs.playground.conversation import act
from tabs.playground.differing import difference as difference_view
from tabs.playground.editing import Editing
from tabs.playground.form import read
from tabs.playground.prose import plain
from tabs.playground.setup import CLICKS, Setup, fill_updates
from tabs.playground.wiring import QUICK
from tabs.session import Session, owner
from tabs.text import Words


@dataclass(frozen=True)
class PromptsView:
    name: gr.Textbox
    note: gr.Textbox
    save: gr.Button
    saved: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        return [self.name, self.note, self.saved]


def layout(words: Words) -> PromptsView:
    t = words.t
    with gr.Accordion(t("playground.prompts"), open=False, elem_id="pg-prompts"):
        saved = gr.HTML(js_on_load=CLICKS, apply_default_css=False, elem_id="pg-prompt-list")
        name = gr.Textbox(
            label=t("playground.prompt_name"),
            info=t("playground.prompt_name_info"),
            max_length=120,
            elem_id="pg-prompt-name",
        )
        note = gr.Textbox(label=t("playground.note"), info=t("playground.note_info"), max_length=2000)
        save = gr.Button(t("playground.save_prompt"), size="sm", elem_id="pg-prompt-save")
    return PromptsView(name, note, save, saved)


def prompts_view(
    project: Project, words: Words, opened: str = "", compared: int | None = None, undo: bool = False
) -> str:
    """All saved prompts; the opened one with its versions, and one of these beside the version before it."""
    t = words.t
    latest = project.prompts.list()
    back = (
        f'<p class="pg-undo">{plain(t("playground.prompt_deleted"))} {act("undelete", t("playground.undo"))}</p>'
        if undo
        else ""
    )
    if not latest:
        return f'{back}<p class="pg-quiet">{plain(t("playground.no_prompts"))}</p>'
    rows = []
    for one in latest:
        label = t("playground.version_name", name=one.name, number=one.number)
        buttons = act("load", t("playground.load"), to=str(one.id)) + act(
            "delete", t("playground.delete"), to=str(one.id)
        )
        rows.append(
            f'<li><button type="button" class="pg-open" data-act="open" data-to="{one.id}" '
            f'aria-expanded="{str(one.name == opened).lower()}">{plain(label)}</button>'
            f'<span class="pg-tools">{buttons}</span></li>'
        )
        if one.name == opened:
            rows.append(f"<li>{versions_view(project.prompts.versions(opened), words, compared)}</li>")
    return f'{back}<ul class="pg-chats pg-versions">{"".join(rows)}</ul>'


def versions_view(versions: Sequence[SavedPrompt], words: Words, compared: int | None) -> str:
    t = words.t
    rows = []
    for place, one in enumerate(versions):
        told = " · ".join(filter(None, [t("playground.number", number=one.number), one.note, words.when(one.created)]))
        older = versions[place + 1] if place + 1 < len(versions) else None
        buttons = act("load", t("playground.load"), to=str(one.id))
        buttons += act("compare", t("playground.show_difference"), to=str(one.id)) if older else ""
        rows.append(f'<li><span class="pg-told">{plain(told)}</span><span class="pg-tools">{buttons}</span></li>')
        if older is not None and one.id == compared:
            rows.append(f"<li>{difference_view(difference(older.instructions, one.instructions), t)}</li>")
    return f'<ul class="pg-chats">{"".join(rows)}</ul>'


class Prompting:
    """The handlers of the saved prompts."""

    def __init__(self, services: Services, words: Words, setup: Setup, view: PromptsView) -> None:
        self.services, self.words, self.setup, self.view = services, words, setup, view

    def restore(self, project_id: str, request: gr.Request) -> Any:
        if not project_id:
            return gr.skip()
        return {self.view.saved: prompts_view(self.project(project_id, request), self.words)}

    def save(self, name: str, note: str, project_id: str, request: gr.Request, **form: Any) -> dict[Any, Any]:
        """Keep system prompt and template as a new version under the name."""
        project = self.project(project_id, request)
        saved = project.prompts.save(name or "", read(form).instructions, note or "")
        self.words.say("playground.saved", "success", name=saved.name, number=saved.number)
        return {
            self.view.saved: prompts_view(project, self.words, saved.name),
            self.view.name: saved.name,
            self.view.note: "",
        }

    def tend(self, project_id: str, request: gr.Request, event: gr.EventData, **form: Any) -> dict[Any, Any]:
        """A button of the list: open, load, compare, delete or bring back."""
        told = event._data if isinstance(event._data, dict) else {}
        project, act_name = self.project(project_id, request), told.get("act")
        if act_name == "undelete":
            project.prompts.undo_remove()
            return {self.view.saved: prompts_view(project, self.words)}
        if not str(told.get("to", "")).isdecimal():
            raise NotFound("error.prompt_missing")
        saved = project.prompts.get(int(told["to"]))
        if act_name == "delete":
            project.prompts.remove(saved.name)
            return {self.view.saved: prompts_view(project, self.words, undo=True)}
        compared = saved.id if act_name == "compare" else None
        listed = {self.view.saved: prompts_view(project, self.words, saved.name, compared)}
        if act_name != "load":
            return listed
        changed = read(form).model_copy(update={"instructions": saved.instructions})
        filled = fill_updates(self.setup, changed, self.words.t)
        for chosen in ("model", "adapter", "documents_within"):
            filled.pop(self.setup.form[chosen])
        return {**filled, **listed, self.view.name: saved.name}

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)


def wire(
    services: Services, words: Words, session: Session, setup: Setup, editing: Editing, view: PromptsView
) -> Prompting:
    prompting = Prompting(services, words, setup, view)
    show = shown(words)
    gr.on(
        [view.save.click, view.name.submit],
        show(prompting.save),
        [view.name, view.note, session.project_id],
        view.outputs,
        inputs_kwargs=setup.form,
        **QUICK,
    )
    whole = [*setup.outputs, *view.outputs]
    editing.follow(view.saved.act(show(prompting.tend), session.project_id, whole, inputs_kwargs=setup.form, **QUICK))
    return prompting
