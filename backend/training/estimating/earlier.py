"""What finished runs of the same kind took in this project: the estimate's basis where nobody made a probe."""

from __future__ import annotations

from math import log
from typing import Final

from backend.jobs.folder import RunFolder
from backend.jobs.run import RunConfig, RunState
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.estimating.estimate import Earlier
from backend.training.estimating.facts import RowFacts
from backend.training.estimating.measured import MATTERS, here
from backend.training.telling.outcome import fact

LOOKED_AT: Final = 40
"""The newest runs; older ones say little about the machine as it is."""
ALIKE: Final = 1.15
"""By what factor the mean length of a row may differ."""


def earlier_run(project: Project, config: TrainingConfig, rows: RowFacts, engine: str) -> Earlier | None:
    """The newest run that succeeded with the same model and everything that memory and pace depend on.

    On this machine, by this engine: a run that came in with a project says nothing about either.
    """
    wanted = (*_kind(config), *here().values(), engine)
    if not rows.tokens:
        return None
    for path in sorted(project.runs_folder.glob("[0-9a-zA-Z]*"), reverse=True)[:LOOKED_AT]:
        found = _read(RunFolder(path))
        if found is None:
            continue
        config_then, state = found
        if (*_kind(config_then), *(fact(state, name) for name in (*here(), "engine"))) != wanted:
            continue
        told = _told(config_then, state)
        if told is not None and _alike(config_then, state, rows.tokens / len(rows.lengths)):
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
    peak, tokens = _count(state, "peak_bytes"), _count(state, "tokens")
    if peak is None or tokens is None or not state.started or not state.ended:
        return None
    spent = state.ended - state.started
    trained = fact(state, "seconds")
    if not isinstance(trained, int | float) or not 0 <= trained <= spent:
        return None
    return Earlier(peak_bytes=peak, seconds=spent, tokens=tokens)


def _alike(config: TrainingConfig, state: RunState, mean: float) -> bool:
    """Whether its rows were about as long as these, `mean` tokens; where they were packed, steps do not tell."""
    steps, tokens = _count(state, "steps"), _count(state, "tokens")
    if steps is None or tokens is None or config.packing:
        return config.packing
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps * config.processes
    return abs(log(tokens / (steps * batch) / mean)) < log(ALIKE)


def _count(state: RunState, name: str) -> int | None:
    """A whole number above nothing; a run from elsewhere may say anything."""
    value = fact(state, name)
    return value if isinstance(value, int) and value > 0 and not isinstance(value, bool) else None
