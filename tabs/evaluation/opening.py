"""What is compared, and the top of the page: the choice, its plan, Start, the runs, the verdict and the leaderboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import gradio as gr

from backend.assistants import ModelRef
from backend.errors import BadInput, StudioError
from backend.evaluation.comparison import Comparison
from backend.evaluation.run import LIMIT, EvaluationPlan, plan_evaluation, start_evaluation
from backend.examples.task import METRICS, Metric
from backend.fewshot.sensitivity import Band, band_of
from backend.projects.folder import Project
from tabs import plots, widgets
from tabs.errors import sentence
from tabs.evaluation import board, naming, running
from tabs.evaluation import choice as choices
from tabs.evaluation.board import Beside
from tabs.evaluation.choice import Choice
from tabs.evaluation.desk import Desk, Looked, Updates
from tabs.evaluation.standing import lack_view, standing
from tabs.evaluation.verdict_views import nothing_view, verdict_view
from tabs.session import owner

Part = Callable[[Project, Comparison, Looked], Updates]
FEW = 30


class Opening:
    """The handlers around the whole tab. `parts` draw what stands below the leaderboard."""

    def __init__(self, desk: Desk, parts: Sequence[Part]) -> None:
        self.desk, self.parts = desk, parts

    # --- events

    def restore(self, project_id: str, request: gr.Request) -> Any:
        """The page as it was left, or the sensible choice of a project that is seen for the first time."""
        if not project_id:
            return gr.skip()
        project, view = self.desk.project(project_id, request), self.desk.view
        choice = self.desk.choice(project)
        widgets_now: Updates = {
            view.assistants: self.offered(project, choice, False),
            view.older: False,
            view.split: choice.split,
            view.limit: choice.limit,
            view.cost: choice.cost,
            view.perplexity: choice.perplexity,
        }
        # A pair to be rated may be of the project that was open before.
        empty: Updates = {view.rating: "", view.pair: None, view.rate: gr.update(visible=True)}
        return {**widgets_now, **empty, **self.drawn(project, choice, {})}

    def choose(self, project_id: str, looked: Looked, request: gr.Request, **form: Any) -> Any:
        """Something of the choice was changed by hand."""
        project = self.desk.project(project_id, request)
        choice = choices.fitting(project, choices.read(form))
        choices.keep(project, choice)
        return self.drawn(project, choice, {**looked, "page": 0})

    def more(self, project_id: str, older: bool, request: gr.Request) -> Any:
        """Earlier versions are offered too, or no longer."""
        project = self.desk.project(project_id, request)
        return self.offered(project, self.desk.choice(project), older)

    def start(self, project_id: str, looked: Looked, request: gr.Request, **form: Any) -> Any:
        """Raises what is wrong with the choice, before a run exists."""
        project = self.desk.project(project_id, request)
        choice = choices.fitting(project, choices.read(form))
        if not choice.assistants:
            raise BadInput("error.compare_none")
        choices.keep(project, choice)
        start_evaluation(
            self.desk.runs(project),
            project,
            choice.assistants,
            choice.split,
            choice.limit,
            ask_faults_again=True,
            perplexity=choice.perplexity,
        )
        self.desk.words.say("compare.started", "success")
        return self.drawn(project, choice, looked)

    def follow(self, project_id: str, stamp: str, looked: Looked, request: gr.Request) -> Any:
        """Running work moved on: the rows of the runs, and everything else only when a run began or ended."""
        if not project_id:
            return gr.skip()
        project = self.desk.project(project_id, request)
        if stamp != self.desk.state(project):
            return self.drawn(project, self.desk.choice(project), looked)
        return {self.desk.view.runs: running.runs_view(self.desk.words, self.desk.runs(project).list())}

    def press(self, project_id: str, request: gr.Request, event: gr.EventData) -> Any:
        """Stop or resume a run."""
        pressed = widgets.chosen(event)
        self.desk.services.act_on_run(owner(request), project_id, pressed.do, pressed.what)
        return running.runs_view(self.desk.words, self.desk.runs(self.desk.project(project_id, request)).list())

    # --- what is shown

    def offered(self, project: Project, choice: Choice, older: bool) -> Any:
        saved = choices.offered(project, older, choice.assistants)
        named = [(naming.version(self.desk.words, one), one.id) for one in saved]
        return gr.update(choices=named, value=list(choice.assistants), visible=bool(named))

    def drawn(self, project: Project, choice: Choice, looked: Looked) -> Updates:
        """The whole tab below the choice."""
        desk, view = self.desk, self.desk.view
        now, runs = standing(project, choice.split), desk.runs(project).list()
        comparison = None if now.lack else desk.comparison(project, choice)
        updates: Updates = {
            view.stamp: desk.state(project),
            view.looked: looked,
            view.runs: running.runs_view(desk.words, runs),
            view.plan: self.plan(project, choice) if not now.lack else "",
            view.start: gr.update(interactive=now.lack is None),
            view.metric: self.metrics(project, choice),
            view.figures: gr.update(visible=comparison is not None),
        }
        if now.lack:
            return {**updates, view.verdict: lack_view(desk.words, now.lack)}
        if comparison is None:
            under_way = any(run.active and run.kind == "evaluation" for run in runs)
            return {**updates, view.verdict: nothing_view(desk.words, under_way)}
        updates |= {view.verdict: verdict_view(desk.words, comparison, choice)}
        updates |= self.board(project, choice, comparison)
        for part in self.parts:
            updates |= part(project, comparison, looked)
        return updates

    def metrics(self, project: Project, choice: Choice) -> Any:
        """The task's metrics with the chosen one explained; its own first. A judge's is read with the judge."""
        task, words = project.examples.task(), self.desk.words
        if task is None:
            return gr.update(visible=False)
        found = [name for name in METRICS[task.kind] if name != "judge"]
        chosen = choice.metric or found[0]
        named = [(naming.metric(words, name), name) for name in found]
        return gr.update(choices=named, value=chosen, info=naming.about_metric(words, chosen), visible=True)

    def board(self, project: Project, choice: Choice, comparison: Comparison) -> Updates:
        words, view = self.desk.words, self.desk.view
        across = words.t(f"compare.axis_{choice.cost}")
        up = words.t("compare.axis_quality", metric=naming.metric(words, comparison.metric))
        found = board.scatter_marks(comparison.rows, choice.cost)
        return {
            view.board: board.board_view(words, comparison, self.beside(project, comparison)),
            view.scatter: gr.update(value=plots.scatter(found, across, up), visible=bool(found)),
        }

    def beside(self, project: Project, comparison: Comparison) -> dict[int, Beside]:
        """The bands that were measured, and whose model cannot answer any more."""
        found = {}
        for row in comparison.rows:
            band = band_of(project, row.fingerprint) if row.fingerprint else None
            shown = (band.low, band.high) if band and row.score and row.score.metric == band_metric(band) else None
            found[row.saved.id] = Beside(shown, self.gone(row.saved.assistant.model))
        return found

    def gone(self, ref: ModelRef) -> bool:
        try:
            if ref.kind != "endpoint":
                self.desk.services.host.where(ref)
        except StudioError:
            return True
        return False

    def plan(self, project: Project, choice: Choice) -> str:
        """What pressing Start would ask, and how long that may take; or what is wrong with the choice."""
        words = self.desk.words
        if not choice.assistants:
            return note(words.t("compare.plan_none"))
        try:
            plan = plan_evaluation(
                project, choice.assistants, choice.split, choice.limit, self.desk.services.host.where
            )
        except StudioError as fault:
            return note(sentence(words, fault), "cp-bad")
        return plan_view(self.desk, plan)


def band_metric(band: Band) -> Metric:
    return band.variants[0].score.metric


def plan_view(desk: Desk, plan: EvaluationPlan) -> str:
    t = desk.words.t
    total = plan.examples * len(plan.shares)
    if plan.answers:
        told = t(
            "compare.plan",
            examples=plan.examples,
            assistants=len(plan.shares),
            total=total,
            kept=total - plan.answers,
            left=plan.answers,
        )
        if plan.seconds is not None and plan.seconds >= 1:
            told += " " + t("compare.plan_time", time=desk.words.duration(plan.seconds))
    else:
        told = t("compare.plan_done", total=total)
    few = note(t("compare.plan_few", examples=plan.examples), "cp-warn") if plan.examples < FEW else ""
    part = note(t("compare.limit_there", there=plan.there)) if plan.examples < plan.there or plan.there > LIMIT else ""
    return note(told) + part + few


def note(text: str, css: str = "") -> str:
    return f'<p class="note {css}">{escape(text)}</p>'
