"""The trainer's checkpoints: which are whole, which is the newest, and letting go of the others.

A checkpoint counts only once its `complete` file lies in it, written after every other file has reached the disk; it
lists their sizes. Whatever a kill or a full disk leaves behind lacks it, or does not fit it, and is never taken.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Final

from backend.files import storing, write_atomic

COMPLETE: Final = "complete"
NAME: Final = re.compile(r"checkpoint-(\d+)")


def step_of(checkpoint: Path) -> int:
    """The optimizer step after which it was written; -1 for a folder that is none of the trainer's."""
    found = NAME.fullmatch(checkpoint.name)
    return int(found[1]) if found else -1


def seal(checkpoint: Path) -> None:
    """Say that it is whole. Raises StorageProblem, and then it is not."""
    with storing(checkpoint):
        files = [file for file in sync(checkpoint) if file.name != COMPLETE]
    sizes = {file.relative_to(checkpoint).as_posix(): file.stat().st_size for file in files}
    write_atomic(checkpoint / COMPLETE, json.dumps({"step": step_of(checkpoint), "files": sizes}))


def whole(checkpoint: Path) -> bool:
    """Whether it was sealed and every file is still as long as it was then."""
    try:
        told = json.loads((checkpoint / COMPLETE).read_text("utf-8"))
        return told["step"] == step_of(checkpoint) and all(
            (checkpoint / name).stat().st_size == size for name, size in told["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def newest(folder: Path) -> Path | None:
    """The whole checkpoint of the highest step in `folder`; None when there is none."""
    found = [one for one in folder.glob("checkpoint-*") if step_of(one) >= 0 and whole(one)]
    return max(found, key=step_of, default=None)


def steps(checkpoint: Path | None) -> tuple[int, int]:
    """(steps done, steps of the whole run) as the trainer wrote them; (0, 0) without a checkpoint."""
    if checkpoint is None:
        return 0, 0
    try:
        told = json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
        return int(told["global_step"]), int(told["max_steps"])
    except (OSError, ValueError, KeyError, TypeError):
        return step_of(checkpoint), step_of(checkpoint) + 1


def waited(checkpoint: Path | None) -> int:
    """Evaluations in a row without a better dev loss, as `callbacks_keeping.Patience` counted them; 0 where unknown."""
    if checkpoint is None:
        return 0
    try:
        told = json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
        return int(told["stateful_callbacks"]["Patience"]["attributes"]["early_stopping_patience_counter"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def keep_only(folder: Path, kept: Path | None) -> None:
    """Remove every other checkpoint, whole or not. What cannot be removed stays and costs its room, nothing else."""
    for one in folder.glob("checkpoint-*"):
        if one != kept and one.is_dir():
            # Without its mark first: a removal that is cut short shall not look like a checkpoint.
            (one / COMPLETE).unlink(missing_ok=True)
            shutil.rmtree(one, ignore_errors=True)


def sync(folder: Path) -> list[Path]:
    """Put every file under a folder on the disk, and return them, sorted. Raises OSError."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    for file in files:
        with file.open("rb+") as handle:
            os.fsync(handle.fileno())
    return files
