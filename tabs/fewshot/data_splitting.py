"""Splitting: a plan to look at, then the split itself, which locks the test examples."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import gradio as gr

from backend.errors import BadInput
from backend.examples.splits import SplitPlan, make_splits, plan_splits
from backend.projects.folder import Project
from tabs.fewshot.data_desk import Desk, Place, Updates
from tabs.fewshot.data_marks import pressed
from tabs.fewshot.data_split_views import plan_view
from tabs.fewshot.data_working import working


class Splitting:
    """The handlers of the split. The plan follows from the data, the shares and the seed, so it is not kept."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.words, self.view = desk, desk.words, desk.view.split

    def plan(self, dev: float, test: float, seed: float | None, project_id: str, request: gr.Request) -> Iterator[Any]:
        """Show what would be made. Near-duplicates are looked for, which takes a while over many examples."""
        project = self.desk.project(project_id, request)

        def steps() -> Iterator[Updates]:
            made = yield from self.planned(project, dev, test, seed)
            # Without a test part there would be nothing to measure on; the warnings say why there is none.
            ready = gr.update(visible=True, interactive=bool(made.counts.get("test")))
            yield self.rest() | {self.view.plan: plan_view(self.words, made), self.view.make: ready}

        yield from self.desk.resting(steps(), lambda: self.rest() | self.changed())

    def make(
        self,
        dev: float,
        test: float,
        seed: float | None,
        anew: bool,
        project_id: str,
        request: gr.Request,
        **place: Any,
    ) -> Iterator[Any]:
        """Split as the plan says, and lock the test examples. The plan is made again: the data may have changed."""
        project = self.desk.project(project_id, request)

        def steps() -> Iterator[Updates]:
            plan = yield from self.planned(project, dev, test, seed)
            make_splits(project.examples, plan, anew=bool(anew))
            self.words.say("data.split_made", "success")
            yield {**self.rest(), **self.desk.everything(project, Place(**place))}

        yield from self.desk.resting(steps(), lambda: self.rest() | self.desk.everything(project, Place(**place)))

    def press(self, event: gr.EventData) -> Updates:
        """Splits that are there shall be made again: the form opens as if there were none."""
        if pressed(event).do != "anew":
            raise BadInput("error.page_action")
        opened = {widget: gr.update(visible=True) for widget in (*self.view.shares, self.view.look)}
        return {**opened, self.view.anew: True, self.view.plan: f'<p class="note">{self.words.t("data.anew_note")}</p>'}

    def changed(self) -> Updates:
        """Other shares: the plan that is shown is no longer the one that would be made."""
        return {self.view.plan: "", self.view.make: gr.update(visible=False)}

    def rest(self) -> Updates:
        return {self.view.look: gr.update(interactive=True), self.view.make: gr.update(interactive=True)}

    def planned(self, project: Project, dev: float, test: float, seed: float | None) -> Generator[Any, None, SplitPlan]:
        shares, number = shares_of(dev, test), seed_of(seed)
        busy = {
            self.view.plan: f'<p class="fs-busy">{self.words.t("data.plan_busy")}</p>',
            self.view.look: gr.update(interactive=False),
            self.view.make: gr.update(interactive=False),
        }
        return working(lambda: plan_splits(project.examples, number, shares), lambda: busy)


def shares_of(dev: float, test: float) -> tuple[float, float, float]:
    """(train, dev, test), each a share of 1. Raises BadInput("error.data_shares")."""
    parts = (100 - dev - test, dev, test)
    if min(parts) <= 0:
        raise BadInput("error.data_shares")
    return (parts[0] / 100, parts[1] / 100, parts[2] / 100)


def seed_of(seed: float | None) -> int:
    number = int(seed or 0)
    if not 0 <= number < 2**31:
        raise BadInput("error.data_seed")
    return number
