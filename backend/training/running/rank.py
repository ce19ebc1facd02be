"""One of several processes that train a run together: a module of its own, under torchrun.

Each has its own `Progress`, of which the worker passes on that of rank 0. They stop together or not at all: whoever
hears of a stop tells the others after the step (see `backend.training.running.callbacks.anybody`).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Final, TypeVar

from backend.errors import StudioError
from backend.files import write_atomic
from backend.jobs.folder import Process, RunFolder
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress, Stopped
from backend.settings import Settings
from backend.training.running.parallel import ADAPTER, LAUNCHER, STOPPED, RankFolder

T = TypeVar("T")
WATCH_S: Final = 1.0


def main() -> int:
    path, rank = Path(sys.argv[1]).resolve(), int(os.environ["RANK"])
    folder = RankFolder(path, rank)
    _end_with(Process.model_validate_json(os.environ[LAUNCHER]))
    told = RunFolder(path).read_config()
    job = Job(path, told.config, Settings(**told.settings))
    with Progress(folder, RankFolder(path).read_state()) as progress:
        signal.signal(signal.SIGTERM, lambda number, frame: _stop(progress, number, frame))
        try:
            _set_device(int(os.environ["LOCAL_RANK"]))
            train(job, progress, leads=rank == 0)
        except Stopped:  # while it was loading; the others hear of it, or are ended by the worker
            (folder.place / STOPPED).touch()
        except StudioError as fault:
            print(f"process {rank} ended: {fault}", file=sys.stderr, flush=True)
            write_atomic(folder.fault_file, json.dumps({"key": fault.key, "details": fault.details}, default=str))
            return 1
        if rank == 0:
            progress.set()
    _leave()
    return 0


def train(job: Job, progress: Progress, leads: bool) -> None:
    """Do the steps that are left, and leave an adapter where nothing was kept as the best. Raises StudioError."""
    from backend.evaluation.work import opened
    from backend.training.methods.engines import Choice
    from backend.training.rows.loading import rows_of
    from backend.training.running.together import Together
    from backend.training.running.work import config_of, steps

    config = config_of(job)
    with opened(job) as (project, host):
        attempt = Together(job, progress, config, project, host, leads=leads)
        attempt.go_on()
        done, of, _, write = steps(attempt, Choice("trl", "engines.reason.processes"), rows_of(attempt))
        if not leads:
            return
        wanted = attempt.finish.exists()
        stopped = done < of and progress.should_stop() and not wanted
        progress.result(steps=done, stopped_early=done < of and not wanted and not stopped)
        if stopped:
            (RankFolder(job.folder).place / STOPPED).touch()
        elif attempt.best.read() is None:
            write(RankFolder(job.folder).place / ADAPTER)


def _set_device(local: int) -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(local)
        return
    # accelerate calls the processor "cpu:0", "cpu:1", ...; transformers asks torch.load for an optimizer's state by
    # that name when a run goes on, and torch does not know it.
    torch.serialization.register_package(5, _no_tag, _as_it_is)


def _no_tag(storage: object) -> None:
    return None


def _as_it_is(storage: T, location: str) -> T | None:
    return storage if location.startswith("cpu:") else None


def _end_with(launcher: Process) -> None:
    """End when the worker was killed: nobody would know of this process, and a resumed run would meet it."""

    def watch() -> None:
        beat = threading.Event()
        while launcher.found() is not None:
            beat.wait(WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, name="watch the worker", daemon=True).start()


def _stop(progress: Progress, number: int, frame: FrameType | None) -> None:
    progress.ask_to_stop()


def _leave() -> None:
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


if __name__ == "__main__":
    sys.exit(main())
