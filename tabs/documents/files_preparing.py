"""The handlers of the settings: showing those in use, filling in what a model's makers ask, saving."""

from __future__ import annotations

from typing import Any

import gradio as gr

from backend.documents.index.settings import activate, active
from backend.documents.indexing.start import start_indexing
from backend.projects.folder import Project
from backend.services import Services
from tabs.documents.files_encoders import wire_encoders
from tabs.documents.files_settings import (
    LENGTHS,
    OWN,
    SettingsView,
    form_values,
    length_of,
    read_form,
    settings_view,
    suggested,
)
from tabs.errors import shown
from tabs.inner import Inside
from tabs.session import QUIET, owner
from tabs.text import Words

NAMED = ("hub", "local", "endpoint")


class Preparing:
    def __init__(self, services: Services, words: Words, view: SettingsView) -> None:
        self.services, self.words, self.view = services, words, view

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    def restore(self, project_id: str, request: gr.Request) -> Any:
        """The settings in use."""
        if not project_id:
            return gr.skip()
        settings = active(self.project(project_id, request))
        servers = [(one.name, one.id) for one in self.services.endpoints.list()]
        return [settings_view(self.words, settings), *form_values(settings, servers)]

    def lengthen(self, length: str) -> Any:
        """A length with a name was chosen: its numbers."""
        return LENGTHS[length] if length in LENGTHS else (gr.skip(), gr.skip())

    def measure(self, size: float | None, overlap: float | None) -> str:
        """Numbers were typed: the name of that length, if it has one."""
        return length_of(int(size or 0), int(overlap or 0)) if size else OWN

    def choose(self, kind: str, name: str | None) -> Any:
        """Which model fields are to be filled in, and how a well-known model wants to be asked."""
        visible = kind in NAMED
        return [
            gr.update(visible=visible),
            gr.update(visible=kind == "endpoint"),
            *self.suggest(name if visible else ""),
        ]

    def suggest(self, name: str | None) -> Any:
        known = suggested(name or "")
        if known is None:
            return [gr.skip()] * 4
        return [known.query, known.passage, known.max_tokens, "multi"]

    def save(self, project_id: str, request: gr.Request, **form: Any) -> Any:
        """Use these settings from now on, and begin to prepare the documents in this way.

        The index of the settings before stays where it is: going back to them costs nothing.
        """
        project = self.project(project_id, request)
        settings = read_form(**form)
        if settings == active(project):
            self.words.say("docs.settings_same")
            return gr.skip()
        activate(project, settings)
        if project.documents.counts().total:
            start_indexing(self.services.runs(project), project)
        self.words.say("docs.settings_saved", "success")
        return settings_view(self.words, settings)


def wire_settings(services: Services, words: Words, inside: Inside, view: SettingsView) -> Any:
    """Wire the form; the event that follows a save, so that the list can be drawn anew after it."""
    preparing, show, current = Preparing(services, words, view), shown(words), inside.project_id
    prompts = [view.query, view.passage, view.max_tokens, view.languages]
    inside.on_project(show(preparing.restore), outputs=[view.told, *view.fields])
    view.length.input(show(preparing.lengthen), view.length, [view.size, view.overlap], **QUIET)
    gr.on(
        [view.size.input, view.overlap.input], show(preparing.measure), [view.size, view.overlap], view.length, **QUIET
    )
    view.kind.input(show(preparing.choose), [view.kind, view.name], [view.name, view.endpoint, *prompts], **QUIET)
    view.name.input(show(preparing.suggest), view.name, prompts, **QUIET)

    wire_encoders(services, words, inside, view)
    return view.save.click(show(preparing.save), current, view.told, inputs_kwargs=view.form, **QUIET)
