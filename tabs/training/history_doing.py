"""The handlers of the history: listing, comparing, and what a person does with old runs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import gradio as gr

from backend.errors import BadInput, StudioError
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.services import Services
from backend.training.takeaway.files import WANTED, take_away
from backend.training.telling import history
from backend.training.telling.curves import CurveShelf
from backend.training.telling.history import Filter, Training
from tabs import widgets
from tabs.session import owner
from tabs.text import Words
from tabs.training import history_views as views
from tabs.training import plots
from tabs.training.history_state import PAGE, Browsed, fitting, handed, ticked
from tabs.training.watch_state import hand_over

Updates = dict[Any, Any]
UNDER_WAY: Final = ("queued", "running", "stopping")
ENDED_EARLY: Final = ("stopped", "failed", "interrupted")
STATES: Final = {"all": (), "done": ("succeeded",), "running": UNDER_WAY, "early": ENDED_EARLY}


class Doing:
    """`view` is the HistoryPart."""

    def __init__(self, services: Services, words: Words, view: Any, parts: gr.Tabs | None) -> None:
        self.services, self.words, self.view, self.parts = services, words, view, parts
        self.adapters = services.host.adapters
        self.shelf = CurveShelf()

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    def runs(self, project: Project) -> Runs:
        return self.services.runs(project)

    # --- looking

    def restore(self, project_id: str, browsed: Browsed, request: gr.Request) -> Any:
        """The whole part, as the files tell it now."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        return self.drawn(project, handed(project, browsed.here(project)))

    def follow(self, project_id: str, browsed: Browsed, request: gr.Request) -> Any:
        """Running work moved on: the list, when a run began or ended. What a person types into stays as it is."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        now = self._stamp(project)
        if now == browsed.drawn:
            return gr.skip()
        here = replace(browsed.here(project), drawn=now)
        return {self.view.browsed: here, self.view.listing: self._listing(project, here)}

    def seek(self, project_id: str, browsed: Browsed, text: str, state: str, method: str, request: gr.Request) -> Any:
        """The filter was changed."""
        project = self.project(project_id, request)
        wanted = Filter(text or "", STATES.get(state, ()), method or "")
        here = replace(browsed.here(project), wanted=wanted, page=0)
        return {self.view.browsed: here, self.view.listing: self._listing(project, here)}

    def press(self, project_id: str, browsed: Browsed, request: gr.Request, event: gr.EventData) -> Any:
        """A button of the list or of the opened run."""
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        here, run = replace(browsed.here(project), undo=""), pressed.what
        if pressed.do == "setup":
            return {self.parts: gr.Tabs(selected="setup")}
        if pressed.do == "watch":
            hand_over(project, run)
            return {self.parts: gr.Tabs(selected="watch")}
        if pressed.do == "clone":
            history.clone(project, self.runs(project).get(run))
            self.words.say("train_watch.cloned", "success")
            return {self.parts: gr.Tabs(selected="setup")}
        return self.drawn(project, self._pressed(project, here, pressed.do, run))

    def _pressed(self, project: Project, here: Browsed, do: str, what: str) -> Browsed:
        """What is looked at after a button that stays in this part. Raises BadInput("error.page_action"), Busy."""
        runs = self.runs(project)
        if do == "tick":
            return ticked(here, what)
        if do == "open":
            return replace(here, opened="" if here.opened == what else what)
        if do == "page":
            return replace(here, page=int(what) if what.isdecimal() and len(what) < 6 else 0)
        if do == "delete":
            freed = history.delete(project, runs, self.adapters, what)
            self.words.say("train_history.deleted_frees", "success", bytes=freed.total_bytes)
            return replace(here, undo=what, opened="")
        if do == "undo":
            history.undo_delete(project, runs, self.adapters, what)
            return here
        if do == "clear":
            self.words.say("train_history.cleared", "success", bytes=history.clear_checkpoints(runs, what))
            return here
        raise BadInput("error.page_action")

    def describe(self, project_id: str, browsed: Browsed, name: str, note: str, request: gr.Request) -> Any:
        """Name and note of the opened run were saved."""
        project = self.project(project_id, request)
        here = browsed.here(project)
        history.describe(self.runs(project), here.opened, name or "", note or "")
        self.words.say("train_history.described", "success")
        return self.drawn(project, here)

    def take(self, project_id: str, browsed: Browsed, request: gr.Request, event: gr.EventData) -> Any:
        """One file of the opened run, made now. Raises what making it raises."""
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        wanted = next((one for one in WANTED if one == pressed.what), None)
        if wanted is None:
            raise BadInput("error.page_action")
        run, words = self.runs(project).get(browsed.here(project).opened), self.words

        def tell(key: str, details: Mapping[str, Any]) -> str:
            return words.t(key, **details)

        with tempfile.TemporaryDirectory() as beside:
            made = take_away(wanted, project, self.services.host, run, tell, words.language, Path(beside))
            return widgets.handed_over(made)

    # --- drawing

    def drawn(self, project: Project, browsed: Browsed) -> Updates:
        """The list, the comparison of what is ticked, and the opened run."""
        found = history.trainings(project, self.runs(project))
        here = replace(fitting(browsed, found), drawn=self._stamp(project))
        return {
            self.view.browsed: here,
            self.view.listing: self._listed(found, here),
            self.view.filter: gr.update(visible=bool(found)),
            **self._compared(found, here),
            **self._opened(project, found, here),
        }

    def _stamp(self, project: Project) -> str:
        ours = [f"{run.id}{run.state}" for run in self.runs(project).list() if run.kind == history.KIND]
        return "|".join([project.id, *ours])

    def _listing(self, project: Project, here: Browsed) -> str:
        return self._listed(history.trainings(project, self.runs(project)), here)

    def _listed(self, found: Sequence[Training], here: Browsed) -> str:
        listed = history.matching(found, here.wanted)
        last = max(0, (len(listed) - 1) // PAGE)
        return views.list_view(self.words, listed, len(found), replace(here, page=min(here.page, last)))

    def _compared(self, found: Sequence[Training], here: Browsed) -> Updates:
        by_id = {one.run.id: one for one in found}
        shown = [by_id[run] for run in here.ticked]
        if len(shown) < 2:
            hint = self.words.t("train_history.tick_more") if shown else ""
            told = f'<p class="note">{hint}</p>' if hint else ""
            return {self.view.beside: told, self.view.overlay: gr.update(value=None, visible=False)}
        curves = {one.run.id: self.shelf.of(one.run.folder) for one in shown}
        configs = [one.config for one in shown if one.config is not None]
        different = history.differences(configs) if len(configs) == len(shown) else []
        figure = plots.losses(self.words, plots.seen(self.words, shown, list(curves.values())), "step")
        return {
            self.view.beside: views.compare_view(self.words, shown, different, curves),
            self.view.overlay: gr.update(value=figure, visible=figure is not None),
        }

    def _opened(self, project: Project, found: Sequence[Training], here: Browsed) -> Updates:
        one = next((one for one in found if one.run.id == here.opened), None)
        view = self.view
        if one is None:
            return {view.detail: gr.update(visible=False)}
        try:
            told = views.detail_view(
                self.words, one, history.frees(project, self.runs(project), self.adapters, one.run.id)
            )
        except StudioError as fault:
            told = widgets.told(self.words, fault.key, fault.details)
        return {
            view.detail: gr.update(visible=True),
            view.name: gr.update(value=one.about.name, placeholder=one.run.title),
            view.note: one.about.note,
            view.acts: told,
            view.take: views.take_view(self.words, one),
        }
