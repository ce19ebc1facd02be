"""Evaluations and judgements under way in this project, with progress, Stop and Resume. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.jobs.run import Run
from tabs import widgets
from tabs.text import Words

KINDS: Final = ("evaluation", "judging")
MOVING: Final = (*KINDS, "sensitivity", "learning_curve")
"""Kinds whose end changes a figure of this tab."""
LINES: Final = 3


def shown_runs(runs: Sequence[Run]) -> list[Run]:
    """What is at work, and of what ended early the newest of each kind, unless a later one of its kind went well."""
    ours = [run for run in runs if run.kind in KINDS]
    newest = {run.kind: run for run in reversed(ours)}
    return [run for run in ours if run.active or (run.resumable and newest[run.kind] is run)][:LINES]


def runs_view(words: Words, runs: Sequence[Run]) -> str:
    rows = "".join(widgets.run_row(words, run, "project") for run in shown_runs(runs))
    return f'<ul class="runs card">{rows}</ul>' if rows else ""


def stamp(runs: Sequence[Run], *more: object) -> str:
    """Changes when a run of ours begins, ends or is removed, and not while one moves on."""
    ours = [f"{run.id}{run.state}" for run in runs if run.kind in MOVING]
    return "|".join([*ours, *(str(one) for one in more)])
