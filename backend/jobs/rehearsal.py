"""A run that does nothing but count, slowly or not, and fails on demand: for trying out the machinery of runs.

config: steps (10), seconds (0.05 per step), fail_at (step), fault ("known" | "bug" | "exit"), on_attempt (1: only then)
Each step appends its number to output/steps.txt, so that a test sees which steps ran twice or never.
"""

from __future__ import annotations

import os
import time

from backend.errors import Unavailable
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress, Stopped


def work(job: Job, progress: Progress) -> None:
    steps, seconds = int(job.config.get("steps", 10)), float(job.config.get("seconds", 0.05))
    record = job.output / "steps.txt"
    first = len(record.read_text().splitlines()) if record.exists() else 0
    progress.total(steps, "steps")
    progress.done(first)
    for step in range(first, steps):
        if progress.should_stop():
            raise Stopped
        _fail_on_demand(job, step)
        time.sleep(seconds)
        with record.open("a") as file:
            file.write(f"{step}\n")
        progress.done(step + 1)
        progress.metric(step=step)
    progress.result(steps=steps)


def _fail_on_demand(job: Job, step: int) -> None:
    tripped = job.output / "tripped"
    if step != job.config.get("fail_at") or tripped.exists():
        return
    tripped.touch()
    fault = job.config.get("fault", "known")
    if fault == "known":
        raise Unavailable("error.no_network")
    if fault == "exit":
        os._exit(7)
    raise ZeroDivisionError("on demand")
