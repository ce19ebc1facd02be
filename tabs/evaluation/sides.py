"""Answers side by side: two assistants, the answers on which they part ways, leaf by leaf."""

from __future__ import annotations

from typing import Any, Final

import gradio as gr

from backend.errors import BadInput
from backend.evaluation.comparison import Comparison
from backend.evaluation.side_by_side import WHICHES, Which, answers_where, counts_where
from backend.projects.folder import Project
from tabs import widgets
from tabs.evaluation import naming
from tabs.evaluation.desk import Desk, Looked, Updates
from tabs.evaluation.side_views import example_view, pages

LEAF: Final = 8


class Sides:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def drawn(self, project: Project, comparison: Comparison, looked: Looked) -> Updates:
        """The pickers with who can be chosen, and the leaf."""
        view = self.desk.view
        left, right = places(comparison, looked)
        offered = [(row.name, row.saved.id) for row in comparison.rows[: len(comparison.scores)]]
        return {
            view.left: gr.update(choices=offered, value=offered[left][1]),
            view.right: gr.update(choices=offered, value=offered[right][1], visible=len(offered) > 1),
            view.which: self.which(comparison, left, right, looked.get("which")),
            view.sides: self.leaf(project, comparison, looked),
        }

    def which(self, comparison: Comparison, left: int, right: int, chosen: object) -> Any:
        """The kinds with how many there are of each, in words that fit what is measured."""
        counts, t = counts_where(comparison, left, right), self.desk.words.t
        graded = "" if comparison.metric in naming.SHARES or comparison.task.labelled else "graded_"
        named = []
        for kind, n in counts.items():
            own = f"compare.which_{graded}{kind}"
            key = own if self.desk.words.has(own) else f"compare.which_{kind}"
            named.append((t("compare.which_count", kind=t(key), n=n), kind))
        return gr.update(choices=named, value=chosen if chosen in counts else "all", visible=left != right)

    def leaf(self, project: Project, comparison: Comparison, looked: Looked) -> str:
        words, (left, right) = self.desk.words, places(comparison, looked)
        which: Which = next((one for one in WHICHES if one == looked.get("which")), "all")
        first = max(0, int(looked.get("page") or 0)) // LEAF * LEAF
        page = answers_where(comparison, left, right, which, first, LEAF)
        if not page.items and page.total:
            first = (page.total - 1) // LEAF * LEAF
            page = answers_where(comparison, left, right, which, first, LEAF)
        if not page.items:
            return widgets.empty(words.t("compare.none_there"), words.t("compare.none_there_hint"))
        several = left != right
        sources = project.answers.sources([side.answer.id for one in page.items for side in one.sides])
        listed = "".join(
            example_view(
                words, comparison.task, one.example, one.sides if several else one.sides[:1], comparison.metric, sources
            )
            for one in page.items
        )
        return listed + pages(words, first, len(page.items), page.total, LEAF)

    # --- events

    def choose(
        self, project_id: str, looked: Looked, left: int, right: int, which: str, request: gr.Request
    ) -> Updates:
        """Others are looked at, or other answers of theirs."""
        project = self.desk.project(project_id, request)
        now = {**looked, "left": left, "right": right, "which": which, "page": 0}
        return {**self.drawn(project, self.desk.needed(project), now), self.desk.view.looked: now}

    def press(self, project_id: str, looked: Looked, request: gr.Request, event: gr.EventData) -> Updates:
        """Turn the leaf. Raises BadInput("error.page_action")."""
        pressed = widgets.chosen(event)
        if pressed.do != "page" or not pressed.what.isdecimal():
            raise BadInput("error.page_action")
        project, now = self.desk.project(project_id, request), {**looked, "page": int(pressed.what)}
        return {self.desk.view.sides: self.leaf(project, self.desk.needed(project), now), self.desk.view.looked: now}


def places(comparison: Comparison, looked: Looked) -> tuple[int, int]:
    """The two that are looked at: those chosen while they are compared, else the best and the next."""
    ids = [row.saved.id for row in comparison.rows[: len(comparison.scores)]]
    left, right = looked.get("left"), looked.get("right")
    first = ids.index(left) if left in ids else 0
    if right in ids and ids.index(right) != first:
        return first, ids.index(right)
    others = [place for place in range(len(ids)) if place != first]
    return first, others[0] if others else first
