"""The handlers of the watch part: looking, following, and what a person does with a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from backend.errors import BadInput, Busy, NotFound
from backend.projects.folder import Project
from backend.training.start import go_on, keep_best, restart_smaller
from backend.training.telling.history import Training, clone, training
from backend.training.telling.outcome import save_assistant
from backend.training.telling.verdicts import words as told_of
from tabs import widgets
from tabs.session import owner
from tabs.training.history_state import open_in_history
from tabs.training.watch_desk import Desk, Updates
from tabs.training.watch_evaluating import evaluate
from tabs.training.watch_state import Looked, chosen, handed
from tabs.training.watch_views import sentence


class Doing:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    # --- looking

    def restore(self, project_id: str, looked: Looked, request: gr.Request) -> Any:
        """The whole part, as the files tell it now."""
        if not project_id:
            return gr.skip()
        project = self.desk.project(project_id, request)
        found = self.desk.found(project)
        return self.desk.drawn(project, handed(project, looked.here(project).fresh(), found), found)

    def follow(self, project_id: str, looked: Looked, request: gr.Request) -> Any:
        """Running work moved on: what is new on the page, or nothing."""
        if not project_id:
            return gr.skip()
        project = self.desk.project(project_id, request)
        here = looked.here(project)
        if here.drawn.get("pulse") == self.desk.pulse(project):
            return gr.skip()
        return self.desk.drawn(project, here, self.desk.found(project)) or gr.skip()

    def pick(self, project_id: str, looked: Looked, which: str | None, request: gr.Request) -> Any:
        """Another run."""
        project = self.desk.project(project_id, request)
        found = self.desk.found(project)
        return self.desk.drawn(project, chosen(looked.here(project), which or "", found), found)

    def overlay(self, project_id: str, looked: Looked, over: list[str] | None, request: gr.Request) -> Any:
        """Other runs in the same plots."""
        project = self.desk.project(project_id, request)
        wanted = replace(looked.here(project), over=tuple(over or ()))
        return self.desk.drawn(project, wanted, self.desk.found(project)) or gr.skip()

    def turn(self, project_id: str, looked: Looked, axis: str, request: gr.Request) -> Any:
        """The other axis."""
        project = self.desk.project(project_id, request)
        wanted = replace(looked.here(project), axis="time" if axis == "time" else "step")
        return self.desk.drawn(project, wanted, self.desk.found(project)) or gr.skip()

    # --- doing

    def press(self, project_id: str, looked: Looked, request: gr.Request, event: gr.EventData) -> Any:
        """A button of the head. `what` is the run's id, or "project/<id>" of the row of an evaluation."""
        project, pressed = self.desk.project(project_id, request), widgets.chosen(event)
        if pressed.do == "setup":
            return {self.desk.parts: gr.Tabs(selected="setup")}
        if "/" in pressed.what:
            self.desk.services.act_on_run(owner(request), project_id, pressed.do, pressed.what)
            return self._again(project, looked)
        one = training(project, self.desk.runs(project), pressed.what)
        acts = {
            "stop": self._stop,
            "resume": self._resume,
            "finish": self._finish,
            "finish_now": self._finish,
            "smaller": self._smaller,
            "keep": self._keep,
            "evaluate": self._evaluate,
            "clone": self._clone,
            "take": self._history,
            "more": self._history,
        }
        if pressed.do not in acts:
            raise BadInput("error.page_action")
        more = acts[pressed.do](project, one)
        return {**self._again(project, looked), **more}

    def _again(self, project: Project, looked: Looked) -> Updates:
        return self.desk.drawn(project, looked.here(project).fresh(), self.desk.found(project))

    def _stop(self, project: Project, one: Training) -> Updates:
        self.desk.runs(project).stop(one.run.id)
        return {}

    def _resume(self, project: Project, one: Training) -> Updates:
        go_on(self.desk.runs(project), one.run.id)
        return {}

    def _finish(self, project: Project, one: Training) -> Updates:
        keep_best(self.desk.runs(project), one.run.id)
        self.desk.words.say("train_watch.finishing")
        return {}

    def _smaller(self, project: Project, one: Training) -> Updates:
        run = restart_smaller(self.desk.runs(project), one.run)
        self.desk.words.say("train_watch.smaller_started", "success", title=run.title)
        return {}

    def _keep(self, project: Project, one: Training) -> Updates:
        """The assistant, with a note of what was measured. Raises Busy, NotFound, BadInput."""
        told = told_of(one.run, self.desk.shelf.of(one.run.folder))
        note = " ".join(sentence(self.desk.words, each) for each in told)
        saved = save_assistant(project, self.desk.services.host.adapters, one.run, note=note)
        self.desk.words.say("train_watch.kept", "success", name=saved.name, number=saved.number)
        return {}

    def _evaluate(self, project: Project, one: Training) -> Updates:
        if not one.saved:
            raise NotFound("error.assistant_missing")
        evaluate(self.desk.runs(project), project, one.saved[0])
        self.desk.words.say("train_watch.evaluating", "success")
        return {}

    def _clone(self, project: Project, one: Training) -> Updates:
        clone(project, one.run)
        self.desk.words.say("train_watch.cloned", "success")
        return {self.desk.parts: gr.Tabs(selected="setup")}

    def _history(self, project: Project, one: Training) -> Updates:
        if one.run.active:
            raise Busy("error.run_active", title=one.run.title)
        open_in_history(project, one.run.id)
        return {self.desk.parts: gr.Tabs(selected="history")}
