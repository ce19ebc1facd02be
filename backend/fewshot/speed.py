"""How fast a model answered here, so that what a run will take can be said before it starts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from backend.assistants import Assistant, ModelRef
from backend.evaluation.identity import known_fingerprint
from backend.projects.folder import Project

NOTE: Final = "fewshot.speed."
FEWEST: Final = 8
"""Answers below which a measured speed says more about loading the model than about answering."""
PAUSE_S: Final = 20.0
"""A longer silence between two stored answers is taken for a pause between two runs."""


def seconds_for(project: Project, assistant: Assistant, answers: int) -> float | None:
    """About how long so many answers take, from what was measured in this project; None when nothing was."""
    speed = _remembered(project, assistant.model) or _seen(project, assistant)
    return answers / speed if speed else None


def keep_speed(project: Project, ref: ModelRef, timed: Sequence[tuple[int, float]]) -> None:
    """Remember what a run measured, as (answers, seconds) of each turn; too few answers are not worth it.

    The first turn waits for the model to be loaded and counts only when there is no other.
    """
    turns = timed[1:] or timed
    answers, seconds = sum(count for count, _ in turns), sum(took for _, took in turns)
    if answers >= FEWEST and seconds > 0:
        project.set_note(_key(ref), answers / seconds)


def _remembered(project: Project, ref: ModelRef) -> float | None:
    kept = project.get_note(_key(ref))
    return float(kept) if isinstance(kept, int | float) and kept > 0 else None


def _seen(project: Project, assistant: Assistant) -> float | None:
    """From the times at which this assistant's answers were kept, pauses left out."""
    known = known_fingerprint(project, assistant)
    times = sorted(answer.created for answer in project.answers.get(known).values()) if known else []
    gaps = [after - before for before, after in pairwise(times) if after - before <= PAUSE_S]
    return len(gaps) / sum(gaps) if len(gaps) >= FEWEST and sum(gaps) > 0 else None


def _key(ref: ModelRef) -> str:
    return NOTE + hashlib.sha256(ref.model_dump_json().encode()).hexdigest()[:32]
