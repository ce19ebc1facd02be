"""The handlers of the form: each changes the project's draft, and the whole form is drawn as it then stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import gradio as gr

from backend.errors import BadInput, StudioError
from backend.projects.folder import Project
from backend.training.config import Effort, TrainingConfig
from backend.training.takeaway.yaml_file import LARGEST, read_config
from tabs import widgets
from tabs.errors import sentence
from tabs.training import setup_files as files
from tabs.training import setup_views as views
from tabs.training.setup_desk import Desk, Updates
from tabs.training.setup_draft import SetupDraft, loaded, settled
from tabs.training.setup_form import read_fields
from tabs.training.setup_kinds import with_kind, with_method

Change = Callable[[Project, SetupDraft], SetupDraft]


class Choosing:
    """A choice above the expert fields fills those in anew; a field that was set by hand makes the effort "own"."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    # --- showing

    def opened(self, project_id: str, request: gr.Request) -> Any:
        if not project_id:
            return gr.skip()
        view, probe = self.desk.view, self.desk.probe(self.desk.project(project_id, request))
        row = views.probe_view(self.desk.words, probe)
        return {**self.restored(project_id, request), view.probing: row}

    def restored(self, project_id: str, request: gr.Request) -> Updates:
        """The form as it was left; what cannot be read of this project is told in place, for nobody asked."""
        view = self.desk.view
        try:
            project = self.desk.project(project_id, request)
            drawn = self.desk.filled(project, self.desk.draft(project))
        except StudioError as fault:
            told = widgets.empty(sentence(self.desk.words, fault))
            return {view.empty: told, view.body: gr.update(visible=False)}
        return {**drawn, view.card: views.working_view(self.desk.words)}

    # --- the simple form

    def change(self, project_id: str, request: gr.Request, how: Change) -> Updates:
        """Only what follows from it is drawn: a person may be typing into the next field already."""
        desk, project = self.desk, self.desk.project(project_id, request)
        draft = desk.draft(project)
        before = desk.filled(project, draft)
        after = desk.filled(project, desk.keep(project, how(project, draft)))
        return {one: drawn for one, drawn in after.items() if drawn != before[one]} or gr.skip()

    def configured(self, project_id: str, request: gr.Request, **told: Any) -> Updates:
        return self.change(project_id, request, lambda _, draft: _told(draft, **told))

    def start(self, project_id: str, value: str, request: gr.Request) -> Updates:
        desk = self.desk

        def begin(project: Project, draft: SetupDraft) -> SetupDraft:
            wanted = draft.model_copy(update={"start": value})
            return settled(project, wanted, desk.services.host, desk.words.language)

        return self.change(project_id, request, begin)

    def kind(self, project_id: str, value: str, request: gr.Request) -> Updates:
        def turn(project: Project, draft: SetupDraft) -> SetupDraft:
            return draft.model_copy(update={"config": with_kind(draft.config, value)})

        return self.change(project_id, request, turn)

    def effort(self, project_id: str, value: str, request: gr.Request) -> Updates:
        """Raises BadInput for what no list of ours offers."""
        effort: Effort | None = next((one for one in get_args(Effort) if one == value), None)
        if effort is None:
            raise BadInput("error.page_action")
        return self.configured(project_id, request, effort=effort)

    def tag(self, project_id: str, value: str | None, request: gr.Request) -> Updates:
        return self.configured(project_id, request, tag=value or None)

    def limit(self, project_id: str, value: float | None, request: gr.Request) -> Any:
        if value is not None and (value < 1 or value != int(value)):
            raise BadInput("error.train_field", field="limit", allowed="1 ≤ limit")
        limit = None if value is None else int(value)
        # A field that is left as it was is no choice.
        if limit == self.desk.draft(self.desk.project(project_id, request)).config.limit:
            return gr.skip()
        return self.configured(project_id, request, limit=limit)

    # --- texts

    def texts(self, project_id: str, event: gr.EventData, request: gr.Request) -> Any:
        """A project without examples can still learn from plain texts."""
        return self.kind(project_id, "documents", request) if widgets.chosen(event).do == "texts" else gr.skip()

    def upload(self, project_id: str, paths: list[str] | None, request: gr.Request) -> Any:
        if not paths:
            return gr.skip()
        return self.change(
            project_id,
            request,
            lambda project, draft: draft.model_copy(update={"config": files.bring(project, draft.config, paths)}),
        )

    def drop(self, project_id: str, event: gr.EventData, request: gr.Request) -> Any:
        pressed = widgets.chosen(event)
        if pressed.do != "drop":
            return gr.skip()
        return self.change(
            project_id,
            request,
            lambda _, draft: draft.model_copy(update={"config": files.drop(draft.config, pressed.what)}),
        )

    # --- the expert fields, and a config from a file

    def fields(self, project_id: str, request: gr.Request, **form: Any) -> Any:
        """A field was left: told only when it holds something else than before. Raises BadInput for what it refuses."""
        project = self.desk.project(project_id, request)
        draft = self.desk.draft(project)
        config = read_fields(draft.config, form)
        if config == draft.config:
            return gr.skip()
        changed = draft.model_copy(update={"config": self.turned(draft.config, config)})
        return self.desk.filled(project, self.desk.keep(project, changed))

    def turned(self, before: TrainingConfig, now: TrainingConfig) -> TrainingConfig:
        """What a changed field brings along: a method its learning rate, any number that the effort is one's own."""
        if now.method != before.method:
            return with_method(now, now.method)
        chosen = {"objective", "quantization", "engine"}
        if all(getattr(now, field) == getattr(before, field) for field in set(type(now).model_fields) - chosen):
            return now
        return now.model_copy(update={"effort": "own"})

    def load(self, project_id: str, path: str | None, request: gr.Request) -> Any:
        """A config from YAML: everything of it, its assistant included. Raises BadInput with the line that is wrong."""
        if not path:
            return gr.skip()
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            config = read_config(file.read(LARGEST + 1))
        self.desk.words.say("train.loaded", "success", name=Path(path).name)

        return self.change(project_id, request, lambda project, _: loaded(project, config))


def _told(draft: SetupDraft, **told: Any) -> SetupDraft:
    return draft.model_copy(update={"config": draft.config.model_copy(update=told)})
