"""What a probe measured: plain values, kept in the project under a key of everything that they depend on."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationError

from backend.assistants import Part
from backend.evaluation.identity import weights_identity
from backend.jobs.run import Count, Span
from backend.models.memory import machine
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.estimating.batches import largest

NOTE: Final = "training.probe."
MATTERS: Final = (
    "objective", "method", "quantization", "packing", "r", "target_modules", "num_virtual_tokens",
    "encoder_hidden_size", "last_layers", "per_device_train_batch_size", "optim", "gradient_checkpointing", "dtype",
    "engine", "processes", "strategy", "metric_examples", "sample_inputs",
)  # fmt: skip
"""Fields on which memory and the time of a step depend; how long and how fast it learns is not among them."""
ALIKE: Final = 1.05
"""Widest batches of sizes within this factor are taken for the same."""


class StepTime(Part):
    """The forward and backward pass over a batch of so many tokens, padding included, as it takes undisturbed."""

    tokens: Annotated[int, Field(ge=1, lt=2**53)]
    seconds: Span


def _rising(steps: tuple[StepTime, ...]) -> tuple[StepTime, ...]:
    if any(after.tokens <= before.tokens for before, after in pairwise(steps)):
        raise ValueError("sizes")
    return steps


class Measured(Part):
    """Of one config on this machine, in bytes and seconds; times are those of a machine left alone (`quiet`).

    steps        by size, the smallest first; no two of the same
    peak_bytes   the most of the accelerator's memory, or without one of the whole process; base_bytes of it stood
                 before the first step: libraries and the model
    host_bytes   the most that the process took, on either
    load_s       from the start of the work to the first step: libraries, rows, model
    build_s      of it loading the model
    optimizer_s  what an optimizer step takes beyond its passes
    eval_s       a check over `eval_tokens` tokens of dev rows
    ask_s        answering the dev examples once, for the metric and to show
    save_s, write_s  writing a checkpoint of checkpoint_bytes, an adapter of adapter_bytes
    waiting      the share of time in which other programs held it up, 0..1: more than a little makes times unsure
    """

    peak_bytes: Count
    base_bytes: Count
    host_bytes: Count = 0
    load_s: Span
    build_s: Span = 0.0
    steps: Annotated[tuple[StepTime, ...], Field(min_length=1), AfterValidator(_rising)]
    optimizer_s: Span = 0.0
    eval_s: Span = 0.0
    eval_tokens: Count = 0
    ask_s: Span = 0.0
    save_s: Span = 0.0
    checkpoint_bytes: Count = 0
    write_s: Span = 0.0
    adapter_bytes: Count = 0
    trainable: Count = 0
    waiting: Span = 0.0
    measured: Span = 0.0


def here() -> dict[str, str]:
    """The machine that something is measured on, and its device that trains."""
    gpus = machine().gpus
    return {"host": platform.node(), "device": gpus[0].name if gpus else "cpu"}


def key_for(config: TrainingConfig, base_folder: Path, lengths: Sequence[int], engine: str) -> str:
    """Names what a probe of this config over rows of these lengths measures here: 32 hex digits. Raises NotFound.

    engine  which one the plan chooses
    """
    widest = largest(config, lengths)
    told = config.model_dump(mode="json", include=set(MATTERS))
    told |= here() | {
        "model": weights_identity(base_folder),
        "chosen": engine,
        "adapter": config.assistant.adapter.id if config.assistant.adapter else None,
        "accumulates": config.gradient_accumulation_steps > 1,
        "size": round(log(max(1, widest.tokens)) / log(ALIKE)) if widest else 0,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def keep(project: Project, key: str, measured: Measured) -> None:
    project.set_note(NOTE + key, measured.model_dump(mode="json"))


def kept(project: Project, key: str) -> Measured | None:
    """What was measured under this key; None when nothing was, or by a studio that measured other things."""
    found = project.get_note(NOTE + key)
    try:
        return None if found is None else Measured.model_validate(found)
    except ValidationError:
        return None
