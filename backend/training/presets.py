"""How hard to try, as numbers: Quick, Balanced and Thorough, from the data, the model and the machine."""

from __future__ import annotations

from backend.examples.task import Task
from backend.models.memory import Machine
from backend.training.config import Effort, TrainingConfig
from backend.training.facts import ModelFacts, RowFacts


def preset(
    effort: Effort,
    task: Task | None,
    rows: RowFacts,
    machine: Machine,
    base: TrainingConfig,
    model: ModelFacts | None = None,
) -> TrainingConfig:
    """`base` with its numbers filled in; what is trained, on what and by which method stays. "own" changes nothing."""
    if effort == "own":
        return base
    epochs = {"quick": 1.0, "balanced": 3.0, "thorough": 8.0}[effort]
    return base.model_copy(update={"effort": effort, "num_train_epochs": epochs})
