"""What a stop and a kill cost a training run: nothing.

    python -m tests.benchmarks.resume [--full]

`loss_gap` is the largest difference between any point of the curves of a run that was stopped and resumed three times
and of one that was not, with dropout and shuffled rows of unlike length, on the processor in fp32; over LoRA and full
training. `kills_survived` counts `kill -9` at random moments after which the run went on from a whole checkpoint; its
curves are compared with those of a run that nobody killed. Each attempt is the worker's own entry in a process of its
own, forked with the libraries already imported, so that the kills fall into the work and not into imports. By default
25 kills (`--full`: 50, which is what the aim is about).
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}

from backend.jobs import runs as runs_module
from backend.jobs.folder import RunFolder
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.projects import Projects
from backend.settings import Settings
from backend.training.running.checkpoints import newest
from tests.benchmarks.report import Figure, report
from tests.tiny import tiny_model
from tests.training.working import add_folder, config_for, fill, points, submitted

LONGEST_S = 3.0
"""After the start of an attempt it is killed within this time."""


def fork_worker(folder: Path) -> int:
    """In the place of `backend.jobs.child.start_worker`: the same entry, without the seconds of its imports."""
    pid = os.fork()
    if pid:
        return pid
    try:
        from backend.jobs.worker import work_in

        with (folder / "log.txt").open("a", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
            os._exit(work_in(folder))
    finally:
        os._exit(9)


def waited(runs: Runs, run: Run) -> Run:
    """The run after its worker has ended by itself."""
    pid = (RunFolder(run.folder).process() or _nobody()).pid
    os.waitpid(pid, 0)
    return runs.get(run.id)


def killed(runs: Runs, run: Run, after: float) -> Run:
    """The run after its worker was killed, unless it had ended by then."""
    pid, end = (RunFolder(run.folder).process() or _nobody()).pid, time.monotonic() + after
    while time.monotonic() < end:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return runs.get(run.id)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return runs.get(run.id)


def stopped(runs: Runs, run: Run, at: int) -> Run:
    """The run after it was asked to stop once `at` steps were done."""
    while (runs.get(run.id).done or 0) < at:
        time.sleep(0.005)
    runs.stop(run.id)
    return waited(runs, run)


def gap(one: Run, other: Run) -> float | None:
    """The largest difference of a point; None when the curves have not the same points."""
    mine, theirs = points(one), points(other)
    return max(abs(mine[key] - theirs[key]) for key in mine) if mine.keys() == theirs.keys() else None


def loss_gap(runs: Runs, model: Path) -> Figure:
    gaps: dict[str, float | None] = {}
    for method, rate in (("lora", 5e-3), ("full", 1e-3)):
        asked: dict[str, Any] = {
            "method": method,
            "learning_rate": rate,
            "lora_dropout": 0.2 if method == "lora" else 0.0,
        }
        config = config_for(
            model, num_train_epochs=40.0, early_stopping_patience=0, metric_examples=0, sample_inputs=0, **asked
        )
        whole = waited(runs, submitted(runs, config))
        cut = submitted(runs, config)
        for at in (40, 90, 150):
            cut = stopped(runs, cut, at)
            if cut.state != "stopped":
                break
            cut = runs.resume(cut.id)
        cut = waited(runs, cut)
        gaps[method] = gap(whole, cut) if cut.state == whole.state == "succeeded" else None
    known = [one for one in gaps.values() if one is not None]
    detail: dict[str, object] = {"steps": 240, "stops": 3, **gaps}
    return Figure("loss_gap", max(known) if len(known) == len(gaps) else None, "", "<= 0.0001", detail)


def kills_survived(runs: Runs, model: Path, wanted: int, seed: int = 0, epochs: float = 200.0) -> Figure:
    """Each run is killed until it comes to its end; then another begins, until there were enough kills."""
    draw, survived, kills, gaps, finished = random.Random(seed), 0, 0, [], 0
    config = config_for(
        model, num_train_epochs=epochs, save_steps=10, eval_steps=60, lora_dropout=0.1, metric_examples=0,
        sample_inputs=0, early_stopping_patience=0,
    )  # fmt: skip
    whole = waited(runs, submitted(runs, config))
    while kills < wanted:
        run = submitted(runs, config)
        while run.state != "succeeded":
            run = killed(runs, run, draw.uniform(0.05, LONGEST_S)) if kills < wanted else waited(runs, run)
            if run.state == "interrupted":
                kills += 1
                had = newest(run.folder / "checkpoints")
                run = runs.resume(run.id)
                survived += run.state != "failed" and (had is None or had.is_dir())
            elif run.state == "failed":
                survived -= 1
                break
        finished += run.state == "succeeded"
        found = gap(whole, run)
        gaps.append(found if found is not None else float("inf"))
    if any(one > 1e-4 for one in gaps):
        survived = 0  # a run that ends elsewhere was corrupted, whichever kill did it
    told: dict[str, object] = {"kills": kills, "runs": finished, "steps_each": whole.done, "loss_gap": max(gaps)}
    value = float(survived) if kills >= 50 else None
    why = {} if value is not None else {"why": f"{survived} of {kills} in the short size; --full kills 50 times"}
    return Figure("kills_survived", value, "of 50", ">= 50", {**told, "survived": survived, **why})


def figures(kills: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        settings, model = Settings(home=home), tiny_model(Path(place) / "tiny")
        add_folder(settings, str(model))
        projects = Projects(home / "projects")
        project = projects.open("owner", projects.create("owner", "resume").id)
        fill(project)
        runs = Runs(project.runs_folder, settings)
        yield loss_gap(runs, model)
        yield kills_survived(runs, model, kills)
        projects.close()


def _nobody() -> Any:
    raise RuntimeError("no worker was started")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="50 kills instead of 25")
    full = parser.parse_args().full
    import trl  # noqa: F401

    import backend.training.running.attempt
    import backend.training.running.loop  # noqa: F401

    runs_module.start_worker = fork_worker
    report(figures(50 if full else 25))
    return 0


if __name__ == "__main__":
    sys.exit(main())
