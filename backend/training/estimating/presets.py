"""How hard to try, as numbers: Quick, Balanced and Thorough, from the data, the model and the machine.

Rates for a small model are starts, of which only a few were tried with the practice model (4.4 million numbers):
LoRA at 2e-3 left a task that it knows already as it was, at 5e-3 it brought the dev loss of new intents from 8.6 to 1.8
in 45 steps; a head over frozen features learned at 1e-2. The others follow their methods' rates in proportion. With the
model's width they fall, as optima do (Yang et al. 2022, Tensor Programs V), to the rates that the methods' authors use
for billions of numbers (`methods`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log
from types import MappingProxyType
from typing import Any, Final

from backend.examples.task import Task
from backend.models.memory import Machine
from backend.training.config import Effort, Method, TrainingConfig
from backend.training.estimating.batches import Batch, largest
from backend.training.estimating.estimate import SPARE, available_bytes, dtype_of
from backend.training.estimating.facts import ModelFacts, RowFacts
from backend.training.estimating.memory_model import parts
from backend.training.methods.catalog import METHODS
from backend.training.running.cadence import total_steps

SMALL_RATES: Final[Mapping[Method, float]] = MappingProxyType(
    {
        "lora": 5e-3, "rslora": 2e-3, "lora_plus": 1e-3, "dora": 5e-3, "adalora": 1e-2, "loha": 1e-2, "lokr": 1e-2,
        "ia3": 2e-2, "vera": 2e-2, "oft": 5e-3, "prompt_tuning": 1e-1, "p_tuning": 1e-2, "prefix_tuning": 3e-2,
        "frozen": 1e-2, "last_layers": 1e-3, "full": 5e-4,
    }
)  # fmt: skip
"""Of a model of SMALL numbers."""
SMALL: Final = 5e6
LARGE: Final = 1e9
"""Numbers of a model from which the rate is that of `methods`; in between it falls evenly by their logarithms."""


@dataclass(frozen=True)
class Trying:
    """How hard.

    visits    how often each example is seen; where examples are few more often, until there are `steps` of them
    steps     optimizer steps that a run should at least have, and at most
    r         rank
    patience  evaluations without a better dev loss until it ends
    metric    dev examples that are answered for the task's metric
    """

    visits: float
    steps: tuple[int, int]
    r: int
    patience: int
    metric: int


TRYING: Final[Mapping[Effort, Trying]] = MappingProxyType(
    {
        "quick": Trying(visits=1.0, steps=(30, 200), r=8, patience=2, metric=16),
        "balanced": Trying(visits=3.0, steps=(100, 1_500), r=16, patience=3, metric=32),
        "thorough": Trying(visits=8.0, steps=(250, 10_000), r=32, patience=5, metric=64),
    }
)
MOST_VISITS: Final = 40.0
BATCH: Final = 8
"""Rows of a step. Smaller data takes smaller steps: with 64 rows a batch of 4, with 30 of 2."""
ROWS_PER_BATCH: Final = 16
ACCUMULATED: Final = 16
"""Batches that are added up at most before a step."""


def preset(
    effort: Effort,
    task: Task | None,
    rows: RowFacts,
    machine: Machine,
    base: TrainingConfig,
    model: ModelFacts | None = None,
) -> TrainingConfig:
    """`base` with its numbers filled in; what is trained, on what and by which method stays. "own" changes nothing.

    Without `model` the numbers are those for the practice model.
    """
    if effort == "own" or effort not in TRYING:
        return base
    trying = TRYING[effort]
    config = base.model_copy(update={"effort": effort, **_learning(trying, task, rows, base, model)})
    if model is not None:
        config = _fitting(config, rows, model, machine)
    return config.model_copy(update=_length(trying, rows, config))


def learning_rate(method: Method, numbers: float = SMALL, head: bool = False) -> float:
    """A start for a model of so many numbers: two figures that people can read."""
    small, large = SMALL_RATES[method], METHODS[method].learning_rate
    share = min(1.0, max(0.0, log(max(numbers, 1.0) / SMALL) / log(LARGE / SMALL)))
    return float(f"{small ** (1 - share) * large**share:.1g}")


def _learning(
    trying: Trying, task: Task | None, rows: RowFacts, base: TrainingConfig, model: ModelFacts | None
) -> dict[str, Any]:
    count = len(rows.lengths)
    batch = min(BATCH, max(1, count), max(2, 2 ** int(log(max(1.0, count / ROWS_PER_BATCH), 2))))
    told: dict[str, Any] = {
        "r": trying.r,
        "lora_alpha": 2 * trying.r,
        "lora_dropout": 0.05 if trying.patience >= 5 and base.quantization is None else 0.0,
        "learning_rate": learning_rate(base.method, model.numbers if model else SMALL),
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": 1,
        "gradient_checkpointing": False,
        # Grouping by length wastes next to nothing and was quicker than packing without flash attention (`lengths`).
        "packing": False,
        "train_sampling_strategy": "group_by_length",
        "lr_scheduler_type": "cosine" if trying.patience >= 5 else "linear",
        "warmup_steps": 0.1 if count < 500 else 0.05,
        "weight_decay": 0.01 if base.method in ("full", "last_layers") else 0.0,
        "eval_steps": None,
        "save_steps": None,
        "max_steps": -1,
        "early_stopping_patience": trying.patience if rows.dev_lengths else 0,
        "metric_examples": trying.metric if task is not None else 0,
        "dtype": "auto",
        "optim": "adamw_torch",
    }
    return told


def _fitting(config: TrainingConfig, rows: RowFacts, model: ModelFacts, machine: Machine) -> TrainingConfig:
    """With a batch that fits into the memory that is free: halved while its rows are added up instead, then with
    activations worked out twice. What does not fit even so is told by the estimate."""
    room, dtype = available_bytes(machine) * SPARE, dtype_of(config, model, machine)

    def fits(one: TrainingConfig) -> bool:
        widest: Batch | None = largest(one, rows.lengths)
        return parts(one, model, widest, dtype, rows.labels, bool(machine.gpus)).total <= room

    while not fits(config) and config.per_device_train_batch_size > 1:
        half = config.per_device_train_batch_size // 2
        more = min(ACCUMULATED, config.gradient_accumulation_steps * 2)
        config = config.model_copy(update={"per_device_train_batch_size": half, "gradient_accumulation_steps": more})
    if not fits(config) and config.method != "prefix_tuning":
        config = config.model_copy(update={"gradient_checkpointing": True})
    return config


def _length(trying: Trying, rows: RowFacts, config: TrainingConfig) -> dict[str, Any]:
    """Epochs: as often as the effort says, more often where there are few examples, fewer where there are very many."""
    if not rows.lengths:
        return {"num_train_epochs": trying.visits}
    per_epoch = total_steps(config.model_copy(update={"num_train_epochs": 1.0}), len(rows.lengths))
    fewest, most = trying.steps
    epochs = min(max(trying.visits, fewest / per_epoch), most / per_epoch, MOST_VISITS)
    return {"num_train_epochs": ceil(epochs) if epochs > 1 else max(0.001, round(epochs, 3))}
