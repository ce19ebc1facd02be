"""The handlers that do something: measure on this machine, start, show which examples, hand the config over."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import gradio as gr

from backend.errors import NotFound, StudioError
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.takeaway.yaml_file import write_config
from tabs import widgets
from tabs.session import owner
from tabs.training import setup_files as files
from tabs.training import setup_views as views
from tabs.training.setup_desk import Desk
from tabs.training.watch_state import hand_over

YAML: Final = "training.yaml"


class Doing:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    # --- measuring

    def measure(self, project_id: str, request: gr.Request) -> str:
        """A few real steps of this config, in a worker; the card takes its figures once they are there."""
        from backend.training.estimating.probe import start_probe

        project = self.desk.project(project_id, request)
        config = self.desk.draft(project).config
        start_probe(self.desk.runs(project), config, self.title(config), self.handed(project, config))
        return views.probe_view(self.desk.words, self.desk.probe(project))

    def act(self, project_id: str, event: gr.EventData, request: gr.Request) -> str:
        """Stop or take away the measurement."""
        pressed = widgets.chosen(event)
        self.desk.services.act_on_run(owner(request), project_id, pressed.do, pressed.what)
        return views.probe_view(self.desk.words, self.desk.probe(self.desk.project(project_id, request)))

    def follow(self, project_id: str, measured: str, request: gr.Request) -> Any:
        """How far the measurement is. The card is worked out anew once, when it has ended."""
        if not project_id:
            return gr.skip()
        view, project = self.desk.view, self.desk.project(project_id, request)
        probe = self.desk.probe(project)
        drawn: dict[Any, Any] = {view.probing: views.probe_view(self.desk.words, probe)}
        if probe is None or probe.active or probe.id == measured:
            return drawn
        return {**drawn, view.measured: probe.id, **self.remade(project)}

    def remade(self, project: Project) -> dict[Any, Any]:
        draft = self.desk.draft(project)
        if self.desk.missing(project, draft.config):
            return {}
        try:
            card, startable = self.desk.card(project, draft.config)
        except StudioError:  # the card says so already, and nobody has asked
            return {}
        return {self.desk.view.card: card, self.desk.view.start: gr.update(interactive=startable)}

    # --- starting

    def start(self, project_id: str, request: gr.Request) -> Any:
        """The run, and the part that shows it. Raises what is wrong with the config or the data."""
        from backend.training.start import start_training

        project = self.desk.project(project_id, request)
        config = self.desk.draft(project).config
        runs, handed = self.desk.runs(project), self.handed(project, config)
        run = start_training(runs, project, self.desk.services.host, config, self.title(config), handed)
        hand_over(project, run.id)
        self.desk.words.say("train.started", "success")
        return gr.update(interactive=True), gr.Tabs(selected="watch")

    def handed(self, project: Project, config: TrainingConfig) -> dict[str, Path]:
        return files.handed(project, config) if config.objective == "documents" else {}

    def title(self, config: TrainingConfig) -> str:
        name = config.assistant.name or config.assistant.model.label()
        method = widgets.method_name(self.desk.words, config.method)
        return f"{name} · {method}{' ' + config.quantization if config.quantization else ''}"

    # --- which examples

    def press(self, project_id: str, event: gr.EventData, request: gr.Request) -> Any:
        """The examples that a problem is about."""
        pressed = widgets.chosen(event)
        if pressed.do != "which":
            return gr.skip()
        project = self.desk.project(project_id, request)
        known = self.desk.plan(project, self.desk.draft(project).config)
        problem = next((one for one in known.problems if one.name == pressed.what), None)
        if problem is None:
            return gr.skip()
        found = []
        for number in problem.example_ids[: views.LISTED]:
            try:
                found.append(project.examples.get(number))
            except NotFound:  # removed since the card was drawn
                continue
        return views.listing_view(self.desk.words, problem, found)

    def close(self, event: gr.EventData) -> Any:
        return "" if widgets.chosen(event).do == "close" else gr.skip()

    # --- the config as a file

    def save(self, project_id: str, request: gr.Request) -> str:
        config = self.desk.draft(self.desk.project(project_id, request)).config
        return widgets.handed_text(YAML, write_config(config))
