"""Memory, time and disk of a run before it starts, each as a number, a range and what the number rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from backend.models.memory import Machine
from backend.training.batches import Batch, batches_of, largest, steps_of, waste_of
from backend.training.config import TrainingConfig
from backend.training.facts import BYTES, ModelFacts, RowFacts
from backend.training.measured import Measured
from backend.training.memory_model import HIGH, LOW, Parts, parts, trainable_numbers

Basis = Literal["probe", "earlier_run", "formula"]
"""A short probe with this very config; what a finished run of the same kind took; or arithmetic alone."""

SMALL: Final = 400_000_000
"""Numbers up to which a model is trained in fp32 on a processor, as backend.models.loading has it."""
SPARE: Final = 0.95
"""Of the memory that is free: what a run may take before it is told that it does not fit."""


@dataclass(frozen=True)
class Range:
    """A number and between what it lies, in nine of ten runs."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """What a run takes.

    memory     bytes of the device that trains: the whole process on a processor, the accelerator's own memory else
    seconds    from Start to the end, loading, checks on the dev split and checkpoints included
    disk_bytes while it runs: checkpoints, the adapter, a copy of the data; `kept_bytes` of it stay
    fits       whether the memory is free now; None when nobody knows
    parts      bytes by what they are for (words under estimate.part.<name>), from the formula
    disturbed  other programs worked while it was measured, so that the time may be too long
    """

    memory: Range
    seconds: Range
    disk_bytes: int
    kept_bytes: int
    fits: bool | None
    available_bytes: int
    basis: Basis
    steps: int
    waste: float
    trainable: int
    parts: Mapping[str, int] = field(default_factory=dict)
    disturbed: bool = False

    @property
    def memory_bytes(self) -> int:
        return int(self.memory.value)


def estimate(
    config: TrainingConfig, rows: RowFacts, model: ModelFacts, machine: Machine, probe: Measured | None = None
) -> Estimate:
    """With `probe`, of this very config, what was measured; else the formula. Never raises."""
    dtype = dtype_of(config, model, machine)
    widest, batches = largest(config, rows.lengths), batches_of(config, rows.lengths)
    told = parts(config, model, widest, dtype, rows.labels)
    moved = trainable_numbers(config, model, rows.labels)
    steps = steps_of(config, rows.lengths)
    memory = _formula_memory(told)
    seconds = _formula_seconds(config, model, machine, batches, steps)
    available = (
        machine.gpus[0].memory_bytes - machine.gpus[0].memory_used_bytes
        if machine.gpus
        else (machine.memory_available_bytes)
    )
    return Estimate(
        memory=memory,
        seconds=seconds,
        disk_bytes=3 * moved * 12,
        kept_bytes=moved * 4,
        fits=memory.value <= available * SPARE,
        available_bytes=available,
        basis="formula",
        steps=steps,
        waste=waste_of(batches),
        trainable=moved,
        parts={name: getattr(told, name) for name in Parts.__dataclass_fields__},
    )


def dtype_of(config: TrainingConfig, model: ModelFacts, machine: Machine) -> str:
    """The weights' numbers while training: "auto" is fp32 for a small model on a processor, else bf16."""
    if config.dtype in BYTES:
        return config.dtype
    return "bfloat16" if machine.gpus or model.numbers > SMALL else "float32"


def _formula_memory(told: Parts) -> Range:
    return Range(told.total, told.total * LOW, told.total * HIGH)


def _formula_seconds(
    config: TrainingConfig, model: ModelFacts, machine: Machine, batches: list[Batch], steps: int
) -> Range:
    """Six (trained wholly) or four operations per number and token, by what a core or a card usually gets done."""
    per_step = sum(batch.tokens for batch in batches) / max(1, len(batches)) * config.gradient_accumulation_steps
    operations = (6 if config.method == "full" else 4) * model.numbers * per_step * steps
    pace = 4e13 if machine.gpus else 1.5e10 * machine.cores
    value = 15.0 + operations / pace
    return Range(value, value / 3, value * 3)
