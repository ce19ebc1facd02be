"""Memory, time and disk of a run before it starts, each as a number, a range and what the number rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from backend.models.memory import Machine
from backend.training.config import TrainingConfig
from backend.training.estimating.batches import batches_of, largest, steps_of, waste_of
from backend.training.estimating.disk import disk_bytes
from backend.training.estimating.facts import ModelFacts, RowFacts, weights_dtype_name
from backend.training.estimating.measured import Measured
from backend.training.estimating.memory_model import HIGH, LOW, parts, trainable_numbers, weight_bytes
from backend.training.estimating.time_model import assumed_seconds, measured_seconds

Basis = Literal["probe", "earlier_run", "formula"]
"""A short probe of this very config; what a finished run of the same kind took; or arithmetic alone."""

SPARE: Final = 0.95
"""Of the memory that is free: what a run may take before it is told that it does not fit."""
MEMORY_RANGE: Final = (0.94, 1.12)
TIME_RANGE: Final = (0.85, 1.2)
EARLIER_RANGE: Final = (0.8, 1.25)
"""About what was measured: where most runs came out that were measured against their estimates."""
FORMULA_TIMES: Final = 3.0
"""A pace that nobody measured may be wrong by this factor, up or down."""
DISTURBED: Final = 0.15
"""From this share of a probe's time on, spent waiting for other programs, its times are called unsure."""


@dataclass(frozen=True)
class Range:
    """A number and between what it lies, in most runs."""

    value: float
    low: float
    high: float

    @staticmethod
    def about(value: float, low: float, high: float) -> Range:
        return Range(value, value * low, value * high)


@dataclass(frozen=True)
class Earlier:
    """What a finished run of the same kind took: its peak, and seconds for so many tokens of training, all included."""

    peak_bytes: int
    seconds: float
    tokens: int


@dataclass(frozen=True)
class Estimate:
    """What a run takes.

    memory     bytes of the device that trains: the whole process on a processor, the accelerator's own memory else
    seconds    from Start to the end, if nothing stops it early and the machine is left alone: loading, checks on the
               dev split, sample answers and checkpoints included
    disk_bytes while it runs: checkpoints, the adapter, a copy of the data; `kept_bytes` of it stay
    disk_free_bytes, disk_fits  of the disk that the run will lie on; None when nobody looked
    fits       whether that memory is free now; None when nobody knows what it takes
    available_bytes  what is free of it now
    parts      bytes by what they are for (words under estimate.part.<name>), by the formula
    disturbed  other programs worked while the probe measured: its times may be wrong by more than the range says
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
    disk_free_bytes: int | None = None
    disk_fits: bool | None = None

    @property
    def memory_bytes(self) -> int:
        return int(self.memory.value)


def estimate(
    config: TrainingConfig,
    rows: RowFacts,
    model: ModelFacts,
    machine: Machine,
    probe: Measured | None = None,
    earlier: Earlier | None = None,
    disk_free: int | None = None,
) -> Estimate:
    """From `probe`, which is of this very config; else from an earlier run of its kind; else from the formula."""
    dtype, widest = dtype_of(config, model, machine), largest(config, rows.lengths)
    told = parts(config, model, widest, dtype, rows.labels, bool(machine.gpus))
    moved = probe.trainable if probe else trainable_numbers(config, model, rows.labels)
    again = weight_bytes(config, model, dtype)
    memory, seconds, basis = _measured(config, rows, machine, probe, earlier, again)
    least = told.libraries + told.trained + 2 * again
    memory = memory or Range.about(max(told.total, least) * _copies(config, machine), LOW, HIGH)
    seconds = seconds or Range.about(
        assumed_seconds(config, rows, model, machine).total, 1 / FORMULA_TIMES, FORMULA_TIMES
    )
    available, (disk, kept) = available_bytes(machine), disk_bytes(config, rows, model, probe)
    return Estimate(
        memory=memory,
        seconds=seconds,
        disk_bytes=disk,
        kept_bytes=kept,
        disk_free_bytes=disk_free,
        disk_fits=None if disk_free is None else disk <= disk_free,
        fits=memory.value <= available * SPARE,
        available_bytes=available,
        basis=basis,
        steps=steps_of(config, rows.lengths),
        waste=waste_of(batches_of(config, rows.lengths)),
        trainable=moved,
        parts=asdict(told),
        disturbed=probe is not None and probe.waiting > DISTURBED,
    )


def dtype_of(config: TrainingConfig, model: ModelFacts, machine: Machine) -> str:
    """The weights' numbers while training."""
    return weights_dtype_name(config, "cuda" if machine.gpus else "cpu", model.numbers)


def available_bytes(machine: Machine) -> int:
    """Memory that is free now on the device that trains."""
    if machine.gpus:
        return machine.gpus[0].memory_bytes - machine.gpus[0].memory_used_bytes
    return machine.memory_available_bytes


def _measured(
    config: TrainingConfig,
    rows: RowFacts,
    machine: Machine,
    probe: Measured | None,
    earlier: Earlier | None,
    again: int,
) -> tuple[Range | None, Range | None, Basis]:
    """`again` are the bytes of the weights: the finished adapter is asked over a model that is loaded once more."""
    copies = _copies(config, machine)
    if probe is not None:
        low, high = TIME_RANGE
        seconds = measured_seconds(config, rows, probe).total
        # What held the probe up may hold the run up as well.
        slower = 1 / max(0.2, 1 - probe.waiting)
        return (
            Range.about(max(probe.peak_bytes, probe.base_bytes + again) * copies, *MEMORY_RANGE),
            Range.about(seconds, low, high * slower),
            "probe",
        )
    if earlier is not None and earlier.tokens:
        tokens = rows.tokens * config.num_train_epochs if config.max_steps < 0 else earlier.tokens
        return (
            Range.about(earlier.peak_bytes * copies, *MEMORY_RANGE),
            Range.about(earlier.seconds * tokens / earlier.tokens, *EARLIER_RANGE),
            "earlier_run",
        )
    return None, None, "formula"


def _copies(config: TrainingConfig, machine: Machine) -> int:
    """Processes that share one memory: on a processor each brings its own model."""
    return 1 if machine.gpus else config.processes
