"""What can end a run before its time, told as a sentence with the setting that helps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from backend.errors import ModelProblem, StorageProblem, StudioError, first_line
from backend.files import FULL
from backend.models.memory import readable
from backend.training.config import TrainingConfig
from backend.training.running.lowering import what_to_lower

MEMORY_WORDS: Final = re.compile(
    r"can't allocate memory|not enough memory|out of memory|cannot allocate memory|CUBLAS_STATUS_ALLOC_FAILED", re.I
)
DISK_WORDS: Final = re.compile(
    r"no space left|disk quota|file too large|PytorchStreamWriter failed|unexpected pos", re.I
)
RISE: Final = 1.5
"""A loss that had grown to this multiple of its lowest before it broke was driven off by too large steps."""


class NotFinite(Exception):
    """The loss or a gradient is no number any more. Raised before the weights are changed by it.

    step      optimizer steps done so far, whose weights are still good
    gradient  whether the loss itself was still a number
    """

    def __init__(self, step: int, gradient: bool = False) -> None:
        super().__init__(step, gradient)
        self.step, self.gradient = step, gradient


class NotSaved(Exception):
    """A checkpoint or an adapter could not be written; `__cause__` says why."""

    def __init__(self, step: int, folder: Path) -> None:
        super().__init__(step, folder)
        self.step, self.folder = step, folder


def out_of_memory(fault: BaseException) -> bool:
    """Whether torch or the system had no memory left: on an accelerator, and in torch's own words on a processor."""
    import torch

    if isinstance(fault, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(fault, RuntimeError) and MEMORY_WORDS.search(str(fault)) is not None


@contextmanager
def saving(step: int, folder: Path) -> Iterator[None]:
    """Raises NotSaved for whatever ends the block, which writes into `folder`; but memory that ran out as it is."""
    try:
        yield
    except Exception as fault:
        if out_of_memory(fault):
            raise
        raise NotSaved(step, folder) from fault


def disk_full(fault: BaseException | None) -> bool:
    """Whether a write failed for want of room. torch and safetensors tell it in words of their own."""
    while fault is not None:
        if isinstance(fault, OSError) and fault.errno in FULL:
            return True
        if isinstance(fault, StorageProblem) and fault.key == "error.disk_full":
            return True
        if not isinstance(fault, StudioError) and DISK_WORDS.search(str(fault)):
            return True
        fault = fault.__cause__ or fault.__context__
    return False


def told(fault: BaseException, config: TrainingConfig, losses: list[float]) -> StudioError | None:
    """The sentence for a fault of training; None for one that has none: a bug, which keeps its traceback.

    losses  training losses so far, the latest last
    """
    if isinstance(fault, StudioError):
        return fault
    if isinstance(fault, NotFinite):
        return _not_finite(fault, config, losses)
    if isinstance(fault, NotSaved):
        return _not_saved(fault)
    if out_of_memory(fault):
        return memory_problem(config)
    return None


def memory_problem(config: TrainingConfig) -> StudioError:
    """Which setting to lower first: the batch, then recomputing instead of keeping, then the length or the model."""
    batch, lower = config.per_device_train_batch_size, what_to_lower(config)
    if lower == "batch":
        return ModelProblem("error.training_memory_batch", batch=batch, half=batch // 2)
    if lower == "checkpointing":
        return ModelProblem("error.training_memory_checkpointing")
    return ModelProblem("error.training_memory_model")


def _not_finite(fault: NotFinite, config: TrainingConfig, losses: list[float]) -> StudioError:
    told: dict[str, object] = {"step": fault.step + 1, "learning_rate": f"{config.learning_rate:g}"}
    if config.dtype == "float16":
        return ModelProblem("error.training_nan_float16", **told)
    if fault.step < 1:
        return ModelProblem("error.training_nan_first", **told)
    if losses and max(losses[losses.index(min(losses)) :]) > RISE * min(losses):
        return ModelProblem("error.training_nan_rising", **told)
    return ModelProblem("error.training_nan", **told)


def _not_saved(fault: NotSaved) -> StudioError:
    if not disk_full(fault.__cause__):
        why = first_line(fault.__cause__ or fault, 200)
        return StorageProblem("error.training_not_saved", step=fault.step, why=why)
    return StorageProblem("error.training_disk_full", step=fault.step, free=readable(_free(fault.folder)))


def _free(folder: Path) -> int:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return int(psutil.disk_usage(str(folder)).free)
