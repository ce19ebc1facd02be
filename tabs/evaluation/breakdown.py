"""One assistant's results taken apart: by label, and all of them by slice."""

from __future__ import annotations

import gradio as gr

from backend.evaluation.comparison import Comparison
from backend.projects.folder import Project
from tabs.evaluation.desk import Desk, Looked, Updates
from tabs.evaluation.label_views import labels_view


class Labels:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def drawn(self, project: Project, comparison: Comparison, looked: Looked) -> Updates:
        view, words = self.desk.view, self.desk.words
        offered = [(row.name, row.saved.id) for row in comparison.rows[: len(comparison.scores)]]
        ids = [number for _, number in offered]
        place = ids.index(looked["of"]) if looked.get("of") in ids else 0
        scores = comparison.per_label(place)
        return {
            view.of: gr.update(choices=offered, value=ids[place], visible=bool(scores)),
            view.labels: labels_view(words, comparison.confusion(place), scores),
        }

    def choose(self, project_id: str, looked: Looked, of: int, request: gr.Request) -> Updates:
        project, now = self.desk.project(project_id, request), {**looked, "of": of}
        return {**self.drawn(project, self.desk.needed(project), now), self.desk.view.looked: now}
