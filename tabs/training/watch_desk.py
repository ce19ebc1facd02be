"""What the watch part shows: drawn from the run's files, and only what has changed since the page was drawn last."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import gradio as gr

from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.services import Services
from backend.training.telling.curves import CurveShelf
from backend.training.telling.history import KIND, Training, trainings
from backend.training.telling.samples import samples_of
from backend.training.telling.verdicts import memory_short
from backend.training.telling.verdicts import words as told_of
from tabs.session import owner
from tabs.text import Words
from tabs.training import plots
from tabs.training.watch_evaluating import measured
from tabs.training.watch_samples import samples_view
from tabs.training.watch_state import Looked, beside, watched
from tabs.training.watch_views import empty_view, head_view, state_name

Updates = dict[Any, Any]
LOG: Final = 4_000
MOST: Final = 200
"""Runs that the lists offer; older ones are found in the history."""


class Desk:
    """`view` is the WatchPart. Holds what is read of the runs' files, so that a poll reads only what is new."""

    def __init__(self, services: Services, words: Words, view: Any, parts: gr.Tabs | None) -> None:
        self.services, self.words, self.view, self.parts = services, words, view, parts
        self.shelf = CurveShelf()

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    def runs(self, project: Project) -> Runs:
        return self.services.runs(project)

    def found(self, project: Project) -> list[Training]:
        return trainings(project, self.runs(project))

    # --- drawing

    def drawn(self, project: Project, looked: Looked, found: Sequence[Training]) -> Updates:
        """What is not on the page yet, by `looked.drawn`; empty when all of it is."""
        one, pulse = watched(looked, found), self.pulse(project)
        if one is None:
            return self._parts(looked, {"head": "empty", "pulse": pulse}, lambda part: self._nothing())
        others = beside(looked, found, one)
        made_of = {
            "choice": self._choice_key(found, one, others),
            "plots": self._plots_key([one, *others], looked),
            "samples": f"{one.run.id}{_size(one, 'output/samples.jsonl')}{one.run.active}",
        }
        made_of |= {"head": self._head_key(one, made_of["plots"], pulse), "pulse": pulse}

        def part_of(part: str) -> Updates:
            if part == "pulse":
                return {}
            if part == "head":
                return {self.view.head: self._head(project, one), self.view.body: gr.update(visible=True)}
            if part == "choice":
                return self._choices(found, one, others, looked)
            return self._plots([one, *others], looked) if part == "plots" else self._samples(one)

        return self._parts(looked, made_of, part_of)

    def _parts(self, looked: Looked, made_of: dict[str, str], part_of: Any) -> Updates:
        changed = [part for part, key in made_of.items() if looked.drawn.get(part) != key]
        if not changed:
            return {}
        updates: Updates = {self.view.looked: replace(looked, drawn=made_of)}
        for part in changed:
            updates |= part_of(part)
        return updates

    def pulse(self, project: Project) -> str:
        """Changes when a run of ours moves; read from what is kept of the runs, so a poll costs next to nothing."""
        ours = [run for run in self.runs(project).list() if run.kind in (KIND, "evaluation")]
        told = [f"{run.id}{run.state}{run.done}{run.seconds_left}{run.message_key}{_sizes(run)}" for run in ours]
        return _digest(project.id, *told)

    def _head_key(self, one: Training, curves: str, pulse: str) -> str:
        saved = one.saved[0].id if one.saved else ""
        return _digest(one.run.id, one.name, one.about.note, str(saved), curves, pulse)

    def _nothing(self) -> Updates:
        return {self.view.head: empty_view(self.words), self.view.body: gr.update(visible=False)}

    def _head(self, project: Project, one: Training) -> str:
        run = one.run
        saved: SavedAssistant | None = one.saved[0] if one.saved else None
        log = self.runs(project).log(run.id, LOG) if run.state in ("failed", "interrupted") else ""
        curves = self.shelf.of(run.folder)
        told = told_of(run, curves)
        known = measured(self.services, self.words, project, self.runs(project), saved)
        return head_view(self.words, one, told, saved, known, log, memory_short(run, curves))

    # --- the lists

    def _choice_key(self, found: Sequence[Training], one: Training, others: Sequence[Training]) -> str:
        listed = [f"{each.run.id}{self._label(each)}" for each in found[:MOST]]
        return "|".join([*listed, one.run.id, *(other.run.id for other in others)])

    def _choices(self, found: Sequence[Training], one: Training, others: Sequence[Training], looked: Looked) -> Updates:
        named = [(self._label(each), each.run.id) for each in found[:MOST]]
        rest = [choice for choice in named if choice[1] != one.run.id]
        return {
            self.view.which: gr.update(choices=named, value=one.run.id),
            self.view.over: gr.update(choices=rest, value=[other.run.id for other in others], visible=bool(rest)),
            self.view.axis: gr.update(value=looked.axis),
        }

    def _label(self, one: Training) -> str:
        return f"{one.name} · {self.words.when(one.run.created)} · {state_name(self.words, one.run)}"

    # --- curves and samples

    def _plots_key(self, shown: Sequence[Training], looked: Looked) -> str:
        told = [f"{one.run.id}{one.name}{_size(one, 'metrics.jsonl')}" for one in shown]
        return "|".join([*told, looked.axis])

    def _plots(self, shown: Sequence[Training], looked: Looked) -> Updates:
        seen = plots.seen(self.words, shown, [self.shelf.of(one.run.folder) for one in shown])
        figures = {"losses": plots.losses(self.words, seen, looked.axis)}
        figures |= {name: plots.small(self.words, name, seen, looked.axis) for name in plots.SMALL}
        updates: Updates = {
            self.view.plots[name]: gr.update(value=figure, visible=figure is not None)
            for name, figure in figures.items()
        }
        waiting = all(figure is None for figure in figures.values())
        key = "train_watch.no_curves_yet" if shown[0].run.active else "train_watch.no_curves"
        return {**updates, self.view.waiting: gr.update(value=self.words.t(key), visible=waiting)}

    def _samples(self, one: Training) -> Updates:
        curves = self.shelf.of(one.run.folder)
        found = samples_of(one.run.folder, curves.last_step if curves.by_name else None)
        return {self.view.samples: samples_view(self.words, found, one.run.active)}


def _size(one: Training, name: str) -> str:
    """Changes whenever something was appended to a file of the run."""
    try:
        return str((one.run.folder / name).stat().st_size)
    except OSError:
        return "-"


def _sizes(run: Run) -> str:
    """Of what grows while it works; one that has ended grows no more."""
    if not run.active:
        return ""
    files = (run.folder / "metrics.jsonl", run.output / "samples.jsonl")
    return "/".join(str(file.stat().st_size) if file.is_file() else "-" for file in files)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]
