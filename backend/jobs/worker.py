"""The child process of a run: `python -m backend.jobs.worker <run folder>`. Takes the folder and nothing else."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from backend.errors import StorageProblem, StudioError
from backend.files import FULL, storage_problem
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import Job, Kind, kind_named
from backend.jobs.progress import Progress, Stopped
from backend.jobs.run import RunConfig
from backend.settings import Settings

LANE_POLL_S = 0.3
RESERVE_BYTES = 64 * 1024
"""Kept free in the run folder, so that the end of a run can be told on a disk that has filled up."""
NICE = 5
HANDOVER_S = 10.0
"""How long a worker waits for its predecessor, which has written its end already, to be gone."""


def work_in(path: Path) -> int:
    """Do the run's work to its end, whatever that is. Returns the process's exit code; 3 when another worker has it."""
    folder = RunFolder(path)
    try:
        with folder.worker_lock().acquire(timeout=HANDOVER_S):
            folder.write_process(os.getpid())
            folder.reserve.write_bytes(bytes(RESERVE_BYTES))
            code = _work(folder)
            folder.reserve.unlink(missing_ok=True)
            return code
    except Timeout:
        _log("another worker has this run")
        return 3


def _work(folder: RunFolder) -> int:
    for left_by_a_kill in folder.path.glob(".state.json.*.part"):
        left_by_a_kill.unlink()
    with Progress(folder, folder.read_state()) as progress:
        _stop_when_the_system_goes_down(progress)
        try:
            _to_the_end(folder, folder.read_config(), progress)
        except Stopped:
            return _end(folder, progress, state="stopped")
        except StudioError as fault:
            _log(f"ended: {fault}")
            return _end(folder, progress, 1, state="failed", error_key=fault.key, error_details=_plain(fault.details))
        except Exception as fault:
            _log(traceback.format_exc())
            return _end(folder, progress, 1, state="failed", **_what_to_tell(fault, folder))
        return _end(folder, progress, state="succeeded")


def _to_the_end(folder: RunFolder, config: RunConfig, progress: Progress) -> None:
    kind = kind_named(config.kind)
    job = Job(folder.path, config.config, Settings(**config.settings))
    job.output.mkdir(exist_ok=True)
    with ExitStack() as held:
        held.enter_context(_lane(kind, job.settings.home, progress))
        progress.set(state="running", started=time.time(), message_key=None, message_details={})
        kind.load()(job, progress)


def _lane(kind: Kind, home: Path, progress: Progress) -> AbstractContextManager[object]:
    """Wait, queued and still beating, until no other run of the lane works. Raises Stopped."""
    if kind.lane is None:
        return nullcontext()
    lanes = home / "lanes"
    lanes.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lanes / f"{kind.lane}.lock")
    told = False
    while True:
        progress.check_stop()
        try:
            return lock.acquire(timeout=0)
        except Timeout:
            if not told:
                progress.message("run.message.waiting")
                told = True
            time.sleep(LANE_POLL_S)


def _what_to_tell(fault: Exception, folder: RunFolder) -> dict[str, object]:
    if isinstance(fault, OSError) and fault.errno in FULL:
        full = storage_problem(fault, folder.path)
        return {"error_key": full.key, "error_details": full.details}
    if isinstance(fault, MemoryError):
        return {"error_key": "error.run_memory", "error_details": {}}
    told = f"{type(fault).__name__}: {fault}"[:300]
    return {
        "error_key": "error.run_bug",
        "error_details": {"log": f"runs/{folder.id}/{folder.log.name}", "fault": told},
    }


def _end(folder: RunFolder, progress: Progress, code: int = 0, **fields: object) -> int:
    told = {"ended": time.time(), "message_key": None, "message_details": {}, **fields}
    try:
        progress.set(**told)
    except StorageProblem:
        folder.reserve.unlink(missing_ok=True)
        progress.set(**told)
    return code


def _log(text: str) -> None:
    # The log lies on the disk that may just have filled up; the state still has to be told.
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _plain(details: dict[str, object]) -> dict[str, object]:
    """Details as they survive a JSON file: paths and the like become text."""
    keep = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, keep) else str(value) for name, value in details.items()}


def _stop_when_the_system_goes_down(progress: Progress) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        progress.ask_to_stop()

    signal.signal(signal.SIGTERM, stop)


def main() -> int:
    # Somebody may be chatting meanwhile: the person who waits for a word goes before the table of rows.
    if hasattr(os, "nice"):
        os.nice(max(0, NICE - os.nice(0)))  # a worker that begins anew has it already
    return work_in(Path(sys.argv[1]).resolve())


if __name__ == "__main__":
    sys.exit(main())
