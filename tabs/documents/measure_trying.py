"""The handlers of the measure part's runs: questions written by a model, the sweep, answers with and without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import gradio as gr

from backend.assistants import Assistant, Documents, ModelRef
from backend.documents.indexing.start import start_indexing
from backend.documents.measuring.answering import evaluate_answers
from backend.documents.measuring.measuring import WAYS
from backend.documents.measuring.measuring_work import MeasuringConfig, start_measuring
from backend.documents.measuring.sweep import OVERLAPS, SIZES, SweepConfig, keep_best, outcome_of, start_sweep
from backend.documents.measuring.told import last_measured, search_by
from backend.documents.measuring.writing import WritingConfig, start_writing
from backend.errors import BadInput, StudioError
from backend.evaluation.run import EvaluationConfig
from backend.jobs.run import Run
from backend.models.offered import offered
from backend.projects.folder import Project
from backend.services import Services
from tabs import widgets
from tabs.documents import measure_sweep_views as views
from tabs.documents.measure_doing import Doing, Updates
from tabs.documents.measure_state import Where
from tabs.errors import sentence
from tabs.evaluation import choice
from tabs.session import owner
from tabs.text import Words

WRITING: Final = "question_writing"
SWEEP: Final = "retrieval_sweep"
MEASURING: Final = "measuring"
MOST_TOLD: Final = 64
"""Outcomes of sweeps that are kept as they are drawn, of all projects."""


class Trying:
    """The runs belong to the project; the page only looks at them."""

    def __init__(self, services: Services, words: Words, view: Any, doing: Doing) -> None:
        self.services, self.words, self.view, self.doing = services, words, view, doing
        self._told: dict[Path, str] = {}

    # --- drawing

    def restore(self, project_id: str, where: Where | None, request: gr.Request) -> Any:
        if not project_id:
            return gr.skip()
        project = self.doing.project(project_id, request)
        writers = self.writers(project)
        return {
            **self.doing.drawn(project, Where.here(where, project)),
            self.view.writer: gr.update(choices=writers, value=writers[0][1]),
            **self.runs(project),
        }

    def follow(self, project_id: str, where: Where | None, request: gr.Request) -> Any:
        """Runs went on: what they came to, and questions that they proposed meanwhile."""
        if not project_id:
            return gr.skip()
        project = self.doing.project(project_id, request)
        here = Where.here(where, project)
        listed = self.doing.listed(project, here)
        # Files go into the index, and make the table an old one, while the list stays as it is.
        updates = {**self.runs(project), self.view.stale: listed[self.view.stale]}
        if listed[self.view.listing] != here.drawn:
            updates |= listed
            here = listed[self.view.place]
        return updates | self.remeasured(project, here)

    def remeasured(self, project: Project, here: Where) -> Updates:
        """The table, when another one was measured meanwhile."""
        told = last_measured(project)
        if told is None or told.when == here.measured:
            return {}
        return {
            self.view.measured: self.doing.measured(project),
            self.view.place: replace(here, measured=told.when),
        }

    def writers(self, project: Project) -> list[tuple[str, str]]:
        """The model of the playground's form first, then every other one but the practice model."""
        found = offered(self.services.settings, self.services.endpoints)
        own = (project.draft() or Assistant()).model
        first = [] if any(ref == own for _, ref in found) else [(own.label(), own)]
        return [(name, ref.model_dump_json()) for name, ref in [*first, *found]]

    def runs(self, project: Project) -> Updates:
        every = self.services.runs(project).list()
        return {
            self.view.writing: self.row(every, WRITING),
            self.view.measuring: self.measuring(every),
            self.view.swept: self.swept(every),
            self.view.answered: self.row(every, "evaluation", views.go_compare(self.words)),
        }

    def row(self, every: Sequence[Run], kind: str, beside: str = "") -> str:
        """The newest run of the kind; nothing where there is none."""
        run = next((run for run in every if run.kind == kind), None)
        if run is None:
            return ""
        return f'<ul class="runs">{widgets.run_row(self.words, run, "project", removable=True)}</ul>{beside}'

    def measuring(self, every: Sequence[Run]) -> str:
        """The run, until its table is there."""
        run = next((run for run in every if run.kind == MEASURING), None)
        return "" if run is None or run.state == "succeeded" else self.row(every, MEASURING)

    def swept(self, every: Sequence[Run]) -> str:
        run = next((run for run in every if run.kind == SWEEP), None)
        head = self.row(every, SWEEP)
        if run is None or run.state != "succeeded":
            return head
        try:
            return head + self.outcome(run)
        except StudioError as fault:
            return head + views.fault_view(sentence(self.words, fault))

    def outcome(self, run: Run) -> str:
        """What a finished sweep came to: its files change no more, so they are read once. Raises as `outcome_of`."""
        if run.folder not in self._told:
            if len(self._told) >= MOST_TOLD:
                self._told.clear()
            self._told[run.folder] = views.sweep_view(self.words, run.id, outcome_of(run))
        return self._told[run.folder]

    # --- doing

    def measure(self, project_id: str, request: gr.Request) -> str:
        project = self.doing.project(project_id, request)
        draft, runs = project.draft(), self.services.runs(project)
        base = (draft.documents if draft is not None else None) or Documents()
        start_measuring(runs, project, MeasuringConfig(base=base))
        return self.measuring(runs.list())

    def write(self, project_id: str, writer: str, count: int, request: gr.Request) -> str:
        project = self.doing.project(project_id, request)
        runs = self.services.runs(project)
        try:
            # Another seed each time: who asks again wants to be asked of other passages.
            config = WritingConfig(model=ModelRef.model_validate_json(writer), count=int(count), seed=len(runs.list()))
        except ValueError as fault:
            raise BadInput("error.page_action") from fault
        start_writing(runs, project, config)
        return self.row(runs.list(), WRITING)

    def sweep(
        self, project_id: str, sizes: Sequence[int], overlaps: Sequence[float], budget: float, request: gr.Request
    ) -> str:
        project = self.doing.project(project_id, request)
        chosen = tuple(size for size in SIZES if size in (sizes or ()))
        shares = tuple(share for share in OVERLAPS if share in (overlaps or ()))
        if not chosen or not shares:
            raise BadInput("error.measure_sweep_choose")
        draft = project.draft()
        base = (draft.documents if draft is not None else None) or Documents()
        if base.retriever == "whole":
            base = base.model_copy(update={"retriever": Documents().retriever})
        runs = self.services.runs(project)
        start_sweep(runs, project, SweepConfig(sizes=chosen, overlaps=shares, budget=int(budget), base=base))
        return self.swept(runs.list())

    def answer(self, project_id: str, request: gr.Request) -> str:
        """The assistant of the playground's form, with its documents and without, over the questions with answers."""
        project = self.doing.project(project_id, request)
        draft = project.draft() or Assistant()
        name = draft.name or draft.model.label()
        names = (self.words.t("measure.name_with", name=name), self.words.t("measure.name_without", name=name))
        run = evaluate_answers(
            self.services.runs(project), project, draft, names, tag=self.words.t("measure.example_tag")
        )
        asked = EvaluationConfig.model_validate(run.config)
        # So that Compare opens on what was asked here, and not on test examples that nobody may have.
        choice.keep(project, choice.Choice(assistants=asked.assistants, split="dev", limit=asked.limit))
        return self.row(self.services.runs(project).list(), "evaluation", views.go_compare(self.words))

    def press(self, project_id: str, where: Where | None, request: gr.Request, event: gr.EventData) -> Any:
        """Stop, resume or remove a run; or keep what the sweep found."""
        project, pressed = self.doing.project(project_id, request), widgets.chosen(event)
        here = Where.here(where, project)
        if pressed.do == "keep_best":
            self.keep(project, pressed.what)
        elif pressed.do == "use_way" and pressed.what in WAYS:
            search_by(project, pressed.what)
            self.words.say("measure.way_used", "success", way=self.words.t(f"measure.way_{pressed.what}"))
        else:
            self.services.act_on_run(owner(request), project_id, pressed.do, pressed.what)
        measured = {self.view.measured: self.doing.measured(project)}
        return {**self.runs(project), **self.doing.listed(project, here), **measured}

    def keep(self, project: Project, run_id: str) -> None:
        runs = self.services.runs(project)
        best = keep_best(project, runs.get(run_id))
        start_indexing(runs, project)
        way = self.words.t(f"measure.way_{best.way}")
        self.words.say("measure.best_kept", "success", size=best.split.size, way=way, k=best.k)
