"""Slices and bias: the compared examples cut by a column, and inputs with words swapped."""

from __future__ import annotations

import gradio as gr

from backend.errors import StudioError
from backend.evaluation.bias import SwapResult, compare_swapped, group_gaps
from backend.evaluation.comparison import Comparison
from backend.evaluation.run import start_evaluation
from backend.evaluation.slices import slices, ways
from backend.projects.folder import Project
from tabs import widgets
from tabs.errors import sentence
from tabs.evaluation.desk import Desk, Looked, Updates
from tabs.evaluation.slice_views import slices_view, swapped_view, way
from tabs.evaluation.terms import read_terms

NOTE = "compare.swaps"


def read_pairs(told: object) -> list[tuple[str, str]]:
    """The words as they were kept. What is no pair is left out: a project from elsewhere may hold anything."""
    listed = told if isinstance(told, list) else []
    pairs = [one for one in listed if isinstance(one, list) and len(one) == 2]
    return [(one, two) for one, two in pairs if isinstance(one, str) and isinstance(two, str) and one and two]


class Cutting:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def drawn(self, project: Project, comparison: Comparison, looked: Looked) -> Updates:
        view = self.desk.view
        offered = ways(comparison)
        by = looked["by"] if looked.get("by") in offered else next(iter(offered), "length")
        named = [(way(self.desk.words, one), one) for one in offered]
        return {
            view.by: gr.update(choices=named, value=by if offered else None, visible=bool(offered)),
            view.slices: self.cut(project, comparison, by),
            view.swapped: self.swaps(project),
        }

    def cut(self, project: Project, comparison: Comparison, by: str) -> str:
        def made() -> str:
            found, gaps = slices(comparison, by), group_gaps(comparison, by)
            return slices_view(self.desk.words, comparison, by, found, gaps)

        return self.desk.remembered(project, ("slices", by), made)

    def choose(self, project_id: str, looked: Looked, by: str, request: gr.Request) -> Updates:
        project, now = self.desk.project(project_id, request), {**looked, "by": by}
        return {**self.drawn(project, self.desk.needed(project), now), self.desk.view.looked: now}

    # --- words swapped

    def swap(self, project_id: str, text: str, request: gr.Request) -> str:
        """Let the compared assistants answer the swapped inputs, as a run. Raises BadInput for what is no pair."""
        project = self.desk.project(project_id, request)
        pairs, choice = read_terms(text or ""), self.desk.choice(project)
        start_evaluation(
            self.desk.runs(project),
            project,
            choice.assistants,
            choice.split,
            choice.limit,
            title=", ".join(f"{one} ↔ {two}" for one, two in pairs)[:80],
            swaps=pairs,
        )
        project.set_note(NOTE, [list(pair) for pair in pairs])
        self.desk.words.say("compare.swap_started", "success")
        return self.swaps(project)

    def swaps(self, project: Project) -> str:
        """What the words swapped last have changed so far."""
        pairs = read_pairs(project.get_note(NOTE))
        if not pairs:
            return swapped_view(self.desk.words, None, ())
        try:
            result = self.desk.remembered(project, ("swaps", *pairs), lambda: self.result(project, pairs))
        except StudioError as fault:
            return widgets.empty(sentence(self.desk.words, fault))
        return swapped_view(self.desk.words, result, pairs)

    def result(self, project: Project, pairs: list[tuple[str, str]]) -> SwapResult:
        choice = self.desk.choice(project)
        return compare_swapped(
            project,
            choice.assistants,
            pairs,
            choice.split,
            choice.metric,
            choice.limit,
            where=self.desk.services.host.where,
        )
