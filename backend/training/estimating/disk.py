"""What a run takes of the disk, and whether there is room for it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from backend.errors import StorageProblem
from backend.models.memory import readable
from backend.training.config import TrainingConfig
from backend.training.estimating.facts import ModelFacts, RowFacts, model_facts
from backend.training.estimating.measured import Measured
from backend.training.estimating.memory_model import STATES, trainable_numbers

ROW_BYTES: Final = 14
"""Of the copy of the data, per token: its id and label as text, and the text itself."""


def disk_bytes(
    config: TrainingConfig, rows: RowFacts, model: ModelFacts, probe: Measured | None = None
) -> tuple[int, int]:
    """(while it runs, afterwards). The newest checkpoint stays until the next one is whole, and so does the best."""
    whole = config.method in ("full", "last_layers", "frozen")
    moved = trainable_numbers(config, model, rows.labels)
    checkpoint = int(moved * STATES[config.optim]) + (model.numbers if whole else moved) * 4
    adapter = moved * 4
    if probe is not None:
        checkpoint, adapter = probe.checkpoint_bytes, probe.adapter_bytes
    data = ROW_BYTES * (rows.tokens + sum(rows.dev_lengths))
    kept = 2 * adapter + data
    return kept + 2 * checkpoint + adapter, kept


def free_bytes(folder: Path) -> int:
    """Of the disk that `folder` will lie on."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check_disk(runs_folder: Path, config: TrainingConfig, base_folder: Path) -> None:
    """Raises StorageProblem("error.training_disk") where checkpoints and adapter alone would not fit; ModelProblem."""
    needed, _ = disk_bytes(config, RowFacts(()), model_facts(base_folder))
    free = free_bytes(runs_folder)
    if needed > free:
        raise StorageProblem("error.training_disk", needed=readable(needed), free=readable(free))
