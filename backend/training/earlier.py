"""What finished runs of the same kind took in this project: the estimate's basis where nobody made a probe."""

from __future__ import annotations

from math import log
from typing import Final

from backend.jobs.folder import RunFolder
from backend.jobs.run import RunConfig, RunState
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.estimate import Earlier
from backend.training.facts import RowFacts
from backend.training.measured import MATTERS

LOOKED_AT: Final = 40
"""The newest runs; older ones say little about the machine as it is."""
ALIKE: Final = 1.15
"""By what factor the mean length of a row may differ."""


def earlier_run(project: Project, config: TrainingConfig, rows: RowFacts) -> Earlier | None:
    """The newest run that succeeded with the same model and everything that memory and pace depend on."""
    wanted = _kind(config)
    for path in sorted(project.runs_folder.glob("[0-9a-zA-Z]*"), reverse=True)[:LOOKED_AT]:
        found = _read(RunFolder(path))
        if found is None or _kind(found[0]) != wanted or not rows.lengths:
            continue
        config_then, state = found
        told = _told(config_then, state)
        per_row = _per_row(config_then, state)
        mean = rows.tokens / len(rows.lengths)
        if told is not None and (per_row is None or abs(log(per_row / mean)) < log(ALIKE)):
            return told
    return None


def _read(folder: RunFolder) -> tuple[TrainingConfig, RunState] | None:
    try:
        made: RunConfig = folder.read_config()
        if made.kind != "training":
            return None
        state = folder.read_state()
        return (TrainingConfig.model_validate(made.config), state) if state.state == "succeeded" else None
    except (OSError, ValueError):  # being removed, or of another studio
        return None


def _kind(config: TrainingConfig) -> tuple[object, ...]:
    told = config.model_dump(include=set(MATTERS))
    return (config.assistant.model, config.assistant.adapter, *(told[name] for name in MATTERS))


def _told(config: TrainingConfig, state: RunState) -> Earlier | None:
    """Of a run in one go: with a pause between two attempts its seconds are nobody's."""
    peak, tokens = state.result.get("peak_bytes"), state.result.get("tokens")
    if not (isinstance(peak, int) and isinstance(tokens, int) and tokens > 0 and state.started and state.ended):
        return None
    spent = state.ended - state.started
    trained = state.result.get("seconds")
    if not isinstance(trained, int | float) or spent < trained:
        return None
    return Earlier(peak_bytes=peak, seconds=spent, tokens=tokens)


def _per_row(config: TrainingConfig, state: RunState) -> float | None:
    """Mean tokens of a row then; None where rows cannot be counted from steps."""
    steps, tokens = state.result.get("steps"), state.result.get("tokens")
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps * config.processes
    if config.packing or not isinstance(steps, int) or not isinstance(tokens, int) or not steps:
        return None
    return tokens / (steps * batch)
