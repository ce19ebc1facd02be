"""What the handlers of the setup share: the draft in hand, what follows from it, and how all of it is drawn."""

from __future__ import annotations

import random
from typing import Any

import gradio as gr

from backend.errors import StudioError
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.installed import installed
from backend.projects.folder import Project
from backend.services import Services
from backend.training.config import TrainingConfig
from backend.training.estimating.plan import TrainingPlan, plan, prefilled
from tabs.errors import sentence
from tabs.session import owner
from tabs.text import Words
from tabs.training import setup_files as files
from tabs.training import setup_preview_views as previews
from tabs.training import setup_views as views
from tabs.training.setup_draft import (
    LOADED,
    MODEL,
    SAVED,
    SetupDraft,
    keep_setup,
    read_setup,
    settled,
    there,
    trainable,
)
from tabs.training.setup_fields import about_method, field_updates
from tabs.training.setup_kinds import EFFORTS, effort_label, kind_label, kind_of, offered_kinds
from tabs.training.setup_rows import few_rows

Updates = dict[Any, Any]
PROBE = "training_probe"


class Desk:
    """`view` is the SetupPart."""

    def __init__(self, services: Services, words: Words, view: Any) -> None:
        self.services, self.words, self.view = services, words, view

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    def runs(self, project: Project) -> Runs:
        return self.services.runs(project)

    # --- the draft

    def draft(self, project: Project) -> SetupDraft:
        """As it was left, with its start as it is today."""
        return settled(project, read_setup(project), self.services.host, self.words.language)

    def keep(self, project: Project, draft: SetupDraft) -> SetupDraft:
        return keep_setup(project, draft)

    def plan(self, project: Project, config: TrainingConfig) -> TrainingPlan:
        self.settle_library()
        return plan(project, self.services.host, config)

    def filled_in(self, project: Project, config: TrainingConfig) -> TrainingConfig:
        """The numbers that fit the data, the model and the machine; those a person has set by hand stay."""
        self.settle_library()
        return config if config.effort == "own" else prefilled(project, self.services.host, config)

    @staticmethod
    def settle_library() -> None:
        """Wait until nobody is importing transformers for the first time.

        Who imports *from* a package whose first import is under way in another thread is handed its unfinished self.
        """
        import transformers  # noqa: F401

    # --- drawing the form

    def filled(self, project: Project, draft: SetupDraft) -> Updates:
        """The whole form, or what to do first when there is nothing to train on."""
        view, config = self.view, draft.config
        missing = self.missing(project, config)
        documents = config.objective == "documents"
        return {
            view.empty: views.empty_view(self.words, missing) if missing else "",
            view.body: gr.update(visible=not missing),
            **self.simple(project, draft),
            view.upload: gr.update(visible=documents),
            view.files: gr.update(visible=documents, value=views.files_view(self.words, files.sizes(project, config))),
            **field_updates(view.form, config),
            view.about: about_method(self.words, config),
        }

    def simple(self, project: Project, draft: SetupDraft) -> Updates:
        simple, config, t = self.view.simple, draft.config, self.words.t
        tags = [*dict.fromkeys([*project.examples.tags(), *([config.tag] if config.tag else [])])]
        return {
            simple["start"]: gr.update(choices=self.starts(project, draft), value=draft.start),
            simple["kind"]: gr.update(choices=self.kinds(project, config), value=kind_of(config)),
            simple["examples"]: gr.update(visible=config.objective != "documents"),
            simple["tag"]: gr.update(
                choices=[(t("train.all_tags"), ""), *((tag, tag) for tag in tags)], value=config.tag or ""
            ),
            simple["limit"]: config.limit,
            simple["effort"]: gr.update(choices=self.efforts(config), value=config.effort),
        }

    def missing(self, project: Project, config: TrainingConfig) -> str:
        """Words of what has to be there first; "" when all is."""
        counts = project.examples.counts()
        if config.objective == "documents":
            return ""
        if project.examples.task() is None or not counts.total:
            return "no_examples"
        return "" if counts.train else "no_split"

    def starts(self, project: Project, draft: SetupDraft) -> list[tuple[str, str]]:
        """Assistants of the project, then models of this machine."""
        t = self.words.t
        saved = trainable(project)
        if draft.start.startswith(SAVED) and draft.start not in {f"{SAVED}{one.id}" for one in saved}:
            saved.append(there(project, int(draft.start.removeprefix(SAVED))))  # an earlier version
        choices = [
            (
                t("train.from_assistant", name=one.name, number=one.number, model=one.assistant.model.label()),
                f"{SAVED}{one.id}",
            )
            for one in saved
        ]
        for model in installed(self.services.settings):
            practice = " · " + t("train.practice") if model.ref.kind == "starter" else ""
            label = t("train.from_model", model=model.ref.label()) + practice
            choices.append((label, MODEL + model.ref.model_dump_json()))
        if draft.start == LOADED:
            choices.append((t("train.from_loaded", model=draft.config.assistant.model.label()), LOADED))
        return choices

    def kinds(self, project: Project, config: TrainingConfig) -> list[tuple[str, str]]:
        return [(kind_label(self.words, one), one) for one in offered_kinds(project.examples.task(), config)]

    def efforts(self, config: TrainingConfig) -> list[tuple[str, str]]:
        shown = [*EFFORTS, *(["own"] if config.effort == "own" else [])]
        return [(effort_label(self.words, one), one) for one in shown]

    # --- drawing what follows

    def drawn(self, project_id: str, request: gr.Request) -> Any:
        """The card and the preview, and the numbers that follow from them. What cannot be worked out is told there."""
        if not project_id:
            return gr.skip()
        project, view = self.project(project_id, request), self.view
        if self.missing(project, read_setup(project).config):
            return gr.skip()
        try:
            draft, fields = self.fitted(project)
            card, startable = self.card(project, draft.config)
            preview = self.preview(project, draft.config)
        except StudioError as fault:
            card, startable, preview, fields = views.fault_view(sentence(self.words, fault)), False, "", {}
        able = gr.update(interactive=startable)
        return {
            view.card: card,
            view.start: able,
            view.measure: able,
            view.preview: preview,
            view.listing: "",
            **fields,
        }

    def fitted(self, project: Project) -> tuple[SetupDraft, Updates]:
        """The draft with the numbers of its effort as they are for today's data, and the fields where those changed."""
        draft, before = self.draft(project), read_setup(project)
        config = self.filled_in(project, draft.config)
        if config == draft.config:
            return draft, {}
        fitted = draft.model_copy(update={"config": config})
        # Who changed something meanwhile is about to be drawn, and is not overwritten.
        if read_setup(project) == before:
            self.keep(project, fitted)
        return fitted, field_updates(self.view.form, config)

    def card(self, project: Project, config: TrainingConfig) -> tuple[str, bool]:
        """What it shows, and whether there is something to start."""
        known = self.plan(project, config)
        return views.card_view(self.words, known), not views.stops(known)

    def another(self, project_id: str, request: gr.Request) -> str:
        """Other rows, drawn anew."""
        project = self.project(project_id, request)
        return self.preview(project, self.draft(project).config, random.randrange(1, 2**31))

    def preview(self, project: Project, config: TrainingConfig, seed: int | None = None) -> str:
        """A few rows as they will be trained on. With a seed those that it draws."""
        base, texts = self.services.host.where(config.assistant.model), files.handed(project, config).values()
        shown = few_rows(project, config, base, list(texts), config.seed if seed is None else seed)
        return previews.preview_view(self.words, shown)

    def probe(self, project: Project) -> Run | None:
        """The newest measurement, under way or ended."""
        return next((run for run in self.runs(project).list() if run.kind == PROBE), None)
