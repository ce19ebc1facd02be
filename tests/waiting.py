"""Waiting for what happens elsewhere: a condition, the end of a run."""

from __future__ import annotations

import time
from collections.abc import Callable

from backend.jobs.run import Run
from backend.jobs.runs import Runs


def until(condition: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)


def ended(runs: Runs, run: Run) -> Run:
    """The run as it stands once no worker has it in hand."""
    until(lambda: not runs.get(run.id).active)
    return runs.get(run.id)
