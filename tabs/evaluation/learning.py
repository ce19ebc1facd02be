"""The learning curve: how quality grows with the number of examples in the prompt, where it was measured."""

from __future__ import annotations

from html import escape

import gradio as gr

from backend.evaluation.comparison import Comparison
from backend.fewshot.curve import Curve, curve_of
from backend.projects.folder import Project
from tabs import plots, widgets
from tabs.evaluation import marks, naming
from tabs.evaluation.desk import Desk, Looked, Updates
from tabs.plots import Step
from tabs.text import Words


class Learning:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def drawn(self, project: Project, comparison: Comparison, looked: Looked) -> Updates:
        """Of the best assistant that has a curve."""
        words, view = self.desk.words, self.desk.view
        for row in comparison.rows:
            curve = curve_of(project, row.fingerprint) if row.fingerprint else None
            if curve is not None and len(curve.points) > 1:
                across = words.t("compare.axis_shots")
                up = words.t("compare.axis_quality", metric=naming.metric(words, curve.metric))
                plot = plots.curve(steps(curve), across, up)
                return {view.curve: gr.update(value=plot, visible=True), view.curve_note: told(words, row.name, curve)}
        return {view.curve: gr.update(value=None, visible=False), view.curve_note: nothing(words)}


def steps(curve: Curve) -> list[Step]:
    """Of a hundred."""
    return [Step(one.shots, 100 * one.value, 100 * one.low, 100 * one.high) for one in curve.points]


def told(words: Words, name: str, curve: Curve) -> str:
    lines = [words.t("compare.curve_note", name=name, metric=naming.metric(words, curve.metric), n=curve.n)]
    if flat(curve):
        lines.append(words.t("compare.curve_flat"))
    return "".join(marks.note(line) for line in lines)


def flat(curve: Curve) -> bool:
    """Whether the best number of examples is not clear of none at all: their intervals over the examples overlap."""
    none, best = curve.points[0], curve.best
    if best.shots == none.shots:
        return True
    lows = [score.interval.low for score in best.scores]
    highs = [score.interval.high for score in none.scores]
    return sum(lows) / len(lows) <= sum(highs) / len(highs)


def nothing(words: Words) -> str:
    button = widgets.action(words.t("compare.go_fewshot"), "go", "fewshot")
    told = widgets.empty(words.t("compare.curve_empty"), words.t("compare.curve_empty_hint"))
    return f'{told}<div class="cp-pages" aria-label="{escape(words.t("compare.tab_curve"))}">{button}</div>'
