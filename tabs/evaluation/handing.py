"""Handing the results on: the report as one HTML file, and all answers as a table or as JSON lines."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from backend.evaluation.comparison import Comparison
from backend.evaluation.raw_answers import Form, export_answers
from backend.evaluation.report import Extras, write_report
from backend.fewshot.curve import curve_of
from backend.fewshot.sensitivity import band_of
from backend.projects.folder import Project
from tabs import widgets
from tabs.evaluation.desk import Desk


class Handing:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def report(self, project_id: str, request: gr.Request) -> str:
        """Raises BadInput("error.compare_nothing"), StorageProblem."""
        project = self.desk.project(project_id, request)
        comparison, words = self.desk.needed(project), self.desk.words
        made = words.when(time.time())

        def tell(key: str, details: Mapping[str, Any]) -> str:
            return words.t(key, **details)

        with tempfile.TemporaryDirectory() as beside:
            file = Path(beside) / f"{words.t('compare.report_name')}.html"
            extras = known_besides(project, comparison)
            write_report(file, project.info.name, comparison, tell, words.language, made, extras)
            return widgets.handed_over(file)

    def csv(self, project_id: str, request: gr.Request) -> str:
        return self.answers(project_id, request, "csv")

    def jsonl(self, project_id: str, request: gr.Request) -> str:
        return self.answers(project_id, request, "jsonl")

    def answers(self, project_id: str, request: gr.Request, form: Form) -> str:
        """Raises BadInput("error.compare_nothing"), StorageProblem."""
        project = self.desk.project(project_id, request)
        comparison = self.desk.needed(project)
        with tempfile.TemporaryDirectory() as beside:
            file = Path(beside) / f"{self.desk.words.t('compare.answers_name')}.{form}"
            return widgets.handed_over(export_answers(comparison, form, file))


def known_besides(project: Project, comparison: Comparison) -> Extras:
    """Bands and the curve that were measured for the assistants compared.

    A band of another metric than the score beside it would be taken for the score's; a curve names its own metric.
    """
    bands = {}
    curve = None
    for row in comparison.rows:
        if row.fingerprint is None:
            continue
        band = band_of(project, row.fingerprint)
        if band is not None and row.score is not None and row.score.metric == band.variants[0].score.metric:
            bands[row.saved.id] = band
        curve = curve or curve_of(project, row.fingerprint)
    return Extras(bands=bands, curve=curve)
