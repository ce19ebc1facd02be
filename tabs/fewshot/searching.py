"""The handlers of the searches: what each would cost, starting it, following it, saving the best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import gradio as gr

from backend.assistants import ModelRef
from backend.errors import BadInput, NotFound, StudioError
from backend.fewshot.curve import CurveExtent, curve_in, plan_curve, start_curve
from backend.fewshot.instructions import InstructionBudget, plan_instructions, skipped_of, start_instructions
from backend.fewshot.outcome import outcome_of, save_candidate
from backend.fewshot.planning import SearchPlan
from backend.fewshot.search import Budget, plan_search, start_search
from backend.fewshot.sensitivity import Extent, band_in, plan_sensitivity, start_sensitivity
from backend.fewshot.tried import tried_of
from backend.jobs.run import Run
from backend.models.offered import offered
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.services import Services
from tabs import widgets
from tabs.errors import sentence
from tabs.fewshot import search_views as views
from tabs.fewshot.build_draft import fitting, read_draft
from tabs.session import owner
from tabs.text import Words

KINDS: Final = ("fewshot_search", "instruction_search", "sensitivity", "learning_curve")
PER_VARIANT: Final = 13
"""A band tries twelve variants and the assistant as it is; the budget is spread over them."""
PER_CURVE: Final = 16
"""A curve draws five sizes three times and measures without examples once."""


class Searching:
    """The runs belong to the project; the page only looks at them."""

    def __init__(self, services: Services, words: Words, part: Any) -> None:
        self.services, self.words, self.part = services, words, part

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    def restore(self, project_id: str, request: gr.Request) -> Any:
        """What there is to improve, and how far each search is."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        saved = fitting(project)
        missing = self.missing(project, saved)
        draft = read_draft(project)
        ids = [one.id for one in saved]
        chosen = draft.base if draft.base in ids else next(iter(ids), None)
        choices = [(self.words.t("build.version", name=one.name, number=one.number), one.id) for one in saved]
        return {
            self.part.empty: missing,
            self.part.body: gr.update(visible=not missing),
            self.part.base: gr.update(choices=choices, value=chosen),
            self.part.proposer: gr.update(choices=self.proposers()),
            **({} if missing else self.looked(project, chosen, self.part.budget.value)),
        }

    def emptied(self, project_id: str, request: gr.Request) -> Any:
        """As `restore`; what cannot be read of this project is told in place, since nobody has asked for anything."""
        try:
            return self.restore(project_id, request)
        except StudioError as fault:
            told = widgets.empty(sentence(self.words, fault))
            return {self.part.empty: told, self.part.body: gr.update(visible=False)}

    def missing(self, project: Project, saved: list[SavedAssistant]) -> str:
        t, counts = self.words.t, project.examples.counts()
        if project.examples.task() is None or not counts.total:
            return widgets.empty(t("build.no_examples"), t("build.no_examples_hint"))
        if not counts.dev:
            return widgets.empty(t("build.no_dev"), t("build.no_dev_hint"))
        if not saved:
            return widgets.empty(t("build.no_base"), t("build.no_base_hint"))
        return ""

    def proposers(self) -> list[tuple[str, str]]:
        """Models that may be strong enough to write instructions: every one but the practice model."""
        found = offered(self.services.settings, self.services.endpoints)
        return [(self.words.t("build.no_proposer"), ""), *((name, ref.model_dump_json()) for name, ref in found)]

    def looked(self, project: Project, base: int | None, budget: int) -> dict[Any, Any]:
        plans = {self.part.plans[kind]: self.planned(project, kind, base, budget) for kind in KINDS}
        return {**plans, **self.drawn(project)}

    def drawn(self, project: Project) -> dict[Any, Any]:
        runs = self.services.runs(project).list()
        return {self.part.results[kind]: self.result(kind, runs) for kind in KINDS}

    def plan(self, project_id: str, base: int | None, budget: int, request: gr.Request) -> dict[Any, Any]:
        return self.looked(self.project(project_id, request), base, int(budget))

    def planned(self, project: Project, kind: str, base: int | None, budget: int) -> str:
        """What it would cost, or why it cannot start."""
        saved = self.saved(project, base)
        if saved is None:
            return ""
        assistant = saved.assistant
        try:
            found: SearchPlan = {
                "fewshot_search": lambda: plan_search(project, assistant, Budget(answers=budget)),
                "instruction_search": lambda: plan_instructions(project, assistant, InstructionBudget(answers=budget)),
                "sensitivity": lambda: plan_sensitivity(project, assistant, band_extent(budget)),
                "learning_curve": lambda: plan_curve(project, assistant, curve_extent(budget)),
            }[kind]()
        except StudioError as fault:
            return views.fault_view(sentence(self.words, fault))
        return views.plan_view(self.words, found)

    def saved(self, project: Project, base: int | None) -> SavedAssistant | None:
        try:
            return None if base is None else project.assistants.get(base)
        except NotFound:
            return None

    def result(self, kind: str, runs: list[Run]) -> str:
        """The newest run of the kind: under way, ended early, or what it came to.

        Its row stands there even when what it left cannot be read: it is what the run is removed by.
        """
        run = next((run for run in runs if run.kind == kind), None)
        if run is None:
            return ""
        head = f'<ul class="runs">{widgets.run_row(self.words, run, "project", removable=True)}</ul>'
        if run.active or run.state != "succeeded":
            return head
        try:
            return head + self.outcome(kind, run)
        except StudioError as fault:
            return head + views.fault_view(sentence(self.words, fault))

    def outcome(self, kind: str, run: Run) -> str:
        if kind in ("fewshot_search", "instruction_search"):
            skipped = skipped_of(run) if kind == "instruction_search" else ()
            return views.search_view(self.words, run, outcome_of(run), tried_of(run), skipped)
        if kind == "sensitivity":
            band = band_in(run)
            return views.band_view(self.words, band) if band else ""
        curve = curve_in(run)
        return views.curve_view(self.words, curve) if curve else ""

    # --- doing

    def starter(self, kind: str) -> Callable[..., str]:
        """The handler of one kind's button. A function of its own: Gradio reads the signature of what it is given."""

        def start(project_id: str, base: int | None, budget: int, proposer: str, request: gr.Request) -> str:
            return self.start(kind, self.project(project_id, request), base, budget, proposer)

        return start

    def start(self, kind: str, project: Project, base: int | None, budget: int, proposer: str) -> str:
        saved = self.saved(project, base)
        if saved is None:
            raise BadInput("error.build_no_base")
        runs, assistant, spend = self.services.runs(project), saved.assistant, int(budget)
        if kind == "fewshot_search":
            start_search(runs, project, assistant, Budget(answers=spend), saved.id)
        elif kind == "instruction_search":
            asked = InstructionBudget(answers=spend, proposer=model_of(proposer))
            start_instructions(runs, project, assistant, asked, saved.id)
        elif kind == "sensitivity":
            start_sensitivity(runs, project, assistant, band_extent(spend))
        else:
            start_curve(runs, project, assistant, curve_extent(spend))
        return self.result(kind, runs.list())

    def results(self, project_id: str, request: gr.Request) -> Any:
        return self.drawn(self.project(project_id, request)) if project_id else gr.skip()

    def press(self, project_id: str, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        """Stop, resume or remove a run; or keep what a search found."""
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        if pressed.do != "save_best":
            self.services.act_on_run(owner(request), project_id, pressed.do, pressed.what)
            return self.drawn(project)
        run = self.services.runs(project).get(pressed.what)
        kept = save_candidate(project, run, lambda key, details: self.words.t(key, **details))
        self.words.say("build.best_kept", "success", name=kept.name, number=kept.number)
        choices = [
            (self.words.t("build.version", name=one.name, number=one.number), one.id) for one in fitting(project)
        ]
        return {**self.drawn(project), self.part.base: gr.update(choices=choices, value=kept.id)}


def band_extent(budget: int) -> Extent:
    """Twelve variants on as many examples as the budget has answers for."""
    return Extent(examples=max(10, budget // PER_VARIANT))


def curve_extent(budget: int) -> CurveExtent:
    return CurveExtent(examples=max(10, budget // PER_CURVE))


def model_of(value: str) -> ModelRef | None:
    """The model behind the list's value. Raises BadInput for what no list of ours offers."""
    try:
        return ModelRef.model_validate_json(value) if value else None
    except ValueError as fault:
        raise BadInput("error.page_action") from fault
