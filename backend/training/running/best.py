"""The best point of a run, by its dev loss: kept as an adapter of its own, and when it was that learning turned to
memorising."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from backend.errors import ModelProblem
from backend.files import storing, write_atomic
from backend.jobs.run import Count
from backend.models.adapter_files import checked
from backend.training.running.checkpoints import sync

NAME: Final = "adapter-best"
FACTS: Final = "best.json"
FINISHED: Final = "adapter"
WORSE: Final = 0.01
"""By what share the dev loss has to have risen above its lowest before that is called memorising."""
AGAIN: Final = 2
"""How many evaluations in a row have to be worse than the best."""


class Best(BaseModel):
    """After which optimizer step, and its dev loss."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    step: Count
    loss: FiniteFloat


@dataclass(frozen=True)
class BestKept:
    """The best adapter in a run's output/: the folder is always whole, the old one or the new one."""

    output: Path

    @property
    def folder(self) -> Path:
        return self.output / NAME

    def read(self) -> Best | None:
        """None when nothing was kept yet, or when it is damaged: then a run goes on without it.

        Mends what a kill left between two renames. Raises StorageProblem.
        """
        found = _whole(self.folder)
        old = self.output / f"{NAME}.old"
        if found is None and (found := _whole(old)) is not None:
            with storing(self.folder):
                shutil.rmtree(self.folder, ignore_errors=True)
                old.rename(self.folder)
        return found

    def keep(self, best: Best, write: Callable[[Path], object]) -> None:
        """Let `write` fill a new folder, then put it in the old one's place. Raises StorageProblem; then the old stays.

        What `write` raises goes on to the caller.
        """
        new, old = self.output / f"{NAME}.new", self.output / f"{NAME}.old"
        shutil.rmtree(new, ignore_errors=True)
        try:
            write(new)
            with storing(new):
                sync(new)
            write_atomic(new / FACTS, best.model_dump_json())
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        with storing(self.folder):
            if self.folder.exists():
                shutil.rmtree(old, ignore_errors=True)
                self.folder.rename(old)
            new.rename(self.folder)
        shutil.rmtree(old, ignore_errors=True)


def _whole(folder: Path) -> Best | None:
    """What a folder holds that can be kept in the project as it is; None for any other."""
    try:
        best = Best.model_validate_json((folder / FACTS).read_text("utf-8"))
        checked(folder)
    except (OSError, ValidationError, ModelProblem):
        return None
    return best


def yielded(output: Path) -> bool:
    """Whether a run's finished adapter lies in its output/ already."""
    return (output / FINISHED).is_dir()


def memorised_at(evaluations: Sequence[tuple[int, float]]) -> int | None:
    """The step from which the dev loss rose: where it was lowest, if it was clearly worse ever after.

    evaluations  (step, dev loss) in order, of the trained model. At least AGAIN evaluations have to follow the lowest,
    the last of them worse by WORSE; a wobble is not memorising. None when the loss still falls or stands.
    """
    told = [(step, loss) for step, loss in evaluations if isfinite(loss)]
    if len(told) <= AGAIN:
        return None
    step, lowest = min(told, key=lambda one: one[1])
    after = [loss for at, loss in told if at > step]
    return step if len(after) >= AGAIN and after[-1] > lowest + WORSE * abs(lowest) else None
