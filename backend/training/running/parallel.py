"""Several processes of one machine that train one run together, started by torchrun from the run's own worker.

The worker stays the one that the studio knows: it holds the run's locks and tells its state. It makes the rows, starts
`rank` once per process, passes on what rank 0 tells, and asks all of them to stop when it is asked.
Rank 0 writes what one process alone would write; the others only compute. What is left on the disk is the same, so a
run may be resumed with another number of processes, and its end is that of any run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

from backend.errors import ModelProblem
from backend.files import make_folder
from backend.jobs.child import ROOT, cores, environment
from backend.jobs.folder import Process, RunFolder, read_file
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress, Stopped
from backend.jobs.run import RunState
from backend.training.config import TrainingConfig
from backend.training.methods.refusals import refused_processes

RANKS: Final = "ranks"
ADAPTER: Final = "adapter"
"""In ranks/: what rank 0 leaves when nothing was evaluated and so nothing was kept as the best."""
STOPPED: Final = "stopped"
"""In ranks/: the mark that all have stopped on demand, with steps left to do."""
LAUNCHER: Final = "MATCHUM_LAUNCHER"
POLL_S: Final = 0.2
LEAVE_S: Final = 15.0
"""How long the others may take once one has stopped: one that left while loading is waited for by them in vain."""
MIRRORED: Final = ("done", "total", "unit", "message_key", "message_details")


@dataclass(frozen=True)
class RankFolder(RunFolder):
    """The run folder as one of the processes sees it: its state and its stop are its own, the curves are the run's."""

    rank: int = 0

    @property
    def place(self) -> Path:
        return self.path / RANKS

    @property
    def state_file(self) -> Path:
        return self.place / f"{self.rank}.json"

    @property
    def stop_file(self) -> Path:
        return self.place / "stop"

    @property
    def heartbeat_file(self) -> Path:
        return self.place / f"{self.rank}.heartbeat"

    @property
    def fault_file(self) -> Path:
        return self.place / f"{self.rank}.fault"


def launch(job: Job, progress: Progress, config: TrainingConfig) -> Callable[[Path], object]:
    """Train with `config.processes` processes to the end. The rows and the base's card must lie in the folder already.

    Returns what fills a folder with the adapter as it is at the end, for where nothing was kept as the best.
    Raises Stopped after all of them have stopped and saved, BadInput("error.parallel_*") for what this machine cannot
    do, ModelProblem("error.parallel_failed"), and what rank 0 or another has told as its fault.
    """
    check(config)
    lead = RankFolder(job.folder)
    _clear(lead)
    progress.message("run.message.training_processes", processes=config.processes)
    lead.write_state(progress.state())
    torchrun = subprocess.Popen(_command(job, config), cwd=ROOT, env=_environment(config), stdin=subprocess.DEVNULL)
    stopped, leave_by = lead.place / STOPPED, inf
    try:
        while torchrun.poll() is None and time.monotonic() < leave_by:
            if progress.should_stop():
                lead.stop_file.touch()
            if stopped.exists():
                leave_by = min(leave_by, time.monotonic() + LEAVE_S)
            _mirror(lead, progress)
            time.sleep(POLL_S)
    finally:
        if torchrun.poll() is None:
            torchrun.terminate()
            torchrun.wait()
    _mirror(lead, progress)
    if stopped.exists():
        raise Stopped
    if torchrun.returncode:
        raise _fault(job, config, torchrun.returncode)
    return lambda folder: shutil.copytree(lead.place / ADAPTER, folder)


def check(config: TrainingConfig) -> None:
    """Raises BadInput for a number of processes that this machine has no room for, and for a strategy that it lacks.

    Asked again by the worker: a machine may have lost a card since Start.
    """
    import torch

    for refusal in refused_processes(config, torch.cuda.device_count()):
        raise refusal


def _command(job: Job, config: TrainingConfig) -> list[str]:
    """Not `accelerate launch`, which starts a single process on a machine without accelerators and does not say so."""
    own = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(config.processes)]
    return [*own, "-m", "backend.training.running.rank", str(job.folder)]


def _environment(config: TrainingConfig) -> dict[str, str]:
    threads = str(max(1, cores() // config.processes))
    shared = environment({**os.environ, "OMP_NUM_THREADS": threads}, all_cores=True)
    return {**shared, LAUNCHER: Process.of(os.getpid()).model_dump_json()}


def _clear(lead: RankFolder) -> None:
    """What an earlier attempt left must not be taken for this one's."""
    shutil.rmtree(lead.place, ignore_errors=True)
    make_folder(lead.place)


def _mirror(lead: RankFolder, progress: Progress) -> None:
    """Tell the run's progress what rank 0 has told its own."""
    try:
        told = RunState.model_validate_json(read_file(lead.state_file))
    except (OSError, ValueError):  # it is being replaced
        return
    if told.total is not None:
        progress.total(told.total, told.unit)
        progress.done(told.done)
    if told.message_key is not None:
        progress.message(told.message_key, **told.message_details)
    progress.result(**told.result)


def _fault(job: Job, config: TrainingConfig, code: int) -> Exception:
    """What the first process that had a sentence said; else that one of them ended."""
    for rank in range(config.processes):
        try:
            told: dict[str, Any] = json.loads(read_file(RankFolder(job.folder, rank).fault_file))
            return ModelProblem(str(told["key"]), **dict(told["details"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return ModelProblem("error.parallel_failed", processes=config.processes, why=f"exit code {code}")
