"""Looking the data over: findings as cards, each with what can be done about it, all of it undoable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from backend.errors import BadInput
from backend.examples.cleaning import look_over, mend
from backend.examples.findings import KINDS, MENDS, Finding, FindingKind, Mend
from backend.projects.folder import Project
from tabs.fewshot.data_bring_views import busy
from tabs.fewshot.data_desk import Desk, Place, Updates
from tabs.fewshot.data_look_views import findings_view
from tabs.fewshot.data_marks import Pressed, pressed
from tabs.fewshot.data_working import working

MOST_SHOWN = 1_000


class Looking:
    """The handlers of the findings."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.words, self.view = desk, desk.words, desk.view

    def look(self, project_id: str, request: gr.Request) -> Iterator[Any]:
        """Look everything over. Near-duplicates among 100,000 examples take some seconds."""
        project = self.desk.project(project_id, request)
        yield from self.desk.resting(self.looked(project), self.rest)

    def press(self, project_id: str, found: dict[str, Any], event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        """Show a finding's examples in the list, or mend it and look again."""
        asked, project = pressed(event), self.desk.project(project_id, request)
        if asked.do == "show":
            ids = tuple(int(one) for one in (found or {}).get(asked.what, ()))[:MOST_SHOWN]
            yield self.desk.listed(project, Place(only=ids)) if ids else gr.skip()
        elif asked.do == "mend":
            yield from self.desk.resting(self.mended(project, asked), self.rest)
        else:
            raise BadInput("error.page_action")

    def mended(self, project: Project, asked: Pressed) -> Iterator[Any]:
        kind, how = chosen_mend(asked.what)
        into, line = asked.fields.get("into") or None, self.busy(project)
        count = yield from working(lambda: mend(project.examples, kind, how, into=into), lambda: line)
        self.words.say("data.mended", "success", count=count)
        yield self.desk.everything(project, Place())
        yield from self.looked(project)

    def looked(self, project: Project) -> Iterator[Any]:
        line = self.busy(project)
        findings: list[Finding] = yield from working(lambda: look_over(project.examples), lambda: line)
        ids = {one.kind: list(one.ids) for one in findings}
        task = project.examples.task()
        html = findings_view(self.words, findings, task.labels if task is not None and task.labelled else ())
        yield {self.view.findings: html, self.view.found: ids, self.view.look: gr.update(interactive=True)}

    def busy(self, project: Project) -> Updates:
        told = self.words.t("data.look_busy", count=project.examples.counts().total)
        return {self.view.findings: busy(told), self.view.look: gr.update(interactive=False)}

    def rest(self) -> Updates:
        return {self.view.findings: "", self.view.found: {}, self.view.look: gr.update(interactive=True)}


def chosen_mend(what: str) -> tuple[FindingKind, Mend]:
    """What a button of ours names as "kind/mend". Raises BadInput("error.page_action")."""
    for kind in KINDS:
        for how in MENDS[kind]:
            if what == f"{kind}/{how}":
                return kind, how
    raise BadInput("error.page_action")
