"""How fast each engine was on this machine: runs of the same config by both say which one to take."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Final

from backend.files import write_atomic
from backend.jobs.folder import append_line, read_lines
from backend.training.config import TrainingConfig

FILE: Final = "engine_speeds.jsonl"
LEAST_S: Final = 10.0
"""Seconds of training below which a run's speed is mostly its first steps."""
KEPT: Final = 300
"""Runs that stay remembered; the oldest go."""
NO_MATTER: Final = {"engine", "effort", "parent_id", "seed", "num_train_epochs", "max_steps", "learning_rate"}
"""Fields of a config that do not change the speed of its steps, or that are compared."""


def keep(home: Path, config: TrainingConfig, device: str, engine: str, tokens_per_s: float) -> None:
    """Remember the speed of a run that ended, in useful tokens per second. Raises OSError, StorageProblem."""
    line = {"about": _about(config, device), "alike": _alike(config), "engine": engine, "tokens_per_s": tokens_per_s}
    append_line(home / FILE, line)
    known = list(read_lines(home / FILE))
    if len(known) > 2 * KEPT:
        write_atomic(home / FILE, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in known[-KEPT:]))


def ratio(home: Path, config: TrainingConfig, device: str) -> float | None:
    """Unsloth's speed over TRL's, the median over the configs of this kind that both have trained here.

    Of this kind is what has the same model, method and quantization on the same device. None when there is none.
    """
    seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in read_lines(home / FILE):
        speed = line.get("tokens_per_s")
        if line.get("about") == _about(config, device) and isinstance(speed, int | float) and speed > 0:
            seen[str(line.get("alike"))][str(line.get("engine"))].append(float(speed))
    both = [speeds for speeds in seen.values() if {"trl", "unsloth"} <= speeds.keys()]
    return median(median(one["unsloth"]) / median(one["trl"]) for one in both) if both else None


def _about(config: TrainingConfig, device: str) -> list[str]:
    return [device, config.assistant.model.label(), config.method, config.quantization or "", config.objective]


def _alike(config: TrainingConfig) -> str:
    return hashlib.sha256(config.model_dump_json(exclude=NO_MATTER).encode()).hexdigest()[:16]
