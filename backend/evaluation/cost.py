"""What answering cost here: measured by every evaluation, shown beside its quality, and told before the next one.

Kept as notes of the project: per assistant (by its fingerprint) what its last evaluation took, per model its pace.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from backend.assistants import Assistant, ModelRef
from backend.evaluation.identity import content_key
from backend.jobs.run import Count, Span
from backend.projects.folder import Project

COST: Final = "evaluation.cost."
PACE: Final = "evaluation.pace."
MADE: Final = "evaluation.made."
FEWEST: Final = 8
"""Answers below which a pace says more about starting than about answering."""
SAMPLE_S: Final = 0.2


class Cost(BaseModel):
    """What an evaluation took.

    answers, seconds  asked in one go, and how long that took (loading left out)
    load_s            loading the model; None where nothing is loaded (an endpoint)
    memory_bytes      the most this process took for the model and the answers under way; None for an endpoint
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    answers: Count
    seconds: Span
    load_s: Span | None = None
    memory_bytes: Count | None = None


def keep_cost(project: Project, known: str, ref: ModelRef, cost: Cost) -> None:
    """What a few inputs took that were asked again says less than what was measured of many: that one stays then."""
    before = cost_of(project, known)
    if before is None or cost.answers >= min(FEWEST, before.answers):
        project.set_note(COST + known, cost.model_dump(mode="json"))
    if cost.answers >= FEWEST:
        project.set_note(PACE + _model(ref), cost.seconds / cost.answers)


def cost_of(project: Project, known: str) -> Cost | None:
    """What was measured of the assistant with this fingerprint; None when it was never asked here."""
    try:
        kept = project.get_note(COST + known)
        return None if kept is None else Cost.model_validate(kept)
    except ValidationError:
        return None


def seconds_per_answer(project: Project, assistant: Assistant, known: str | None) -> float | None:
    """From what was measured: of this assistant, else of the last one with its model; None when neither was."""
    cost = cost_of(project, known) if known else None
    if cost is not None and cost.answers >= FEWEST:
        return cost.seconds / cost.answers
    pace: Any = project.get_note(PACE + _model(assistant.model))
    return float(pace) if isinstance(pace, int | float) and pace >= 0 else None


def keep_making(project: Project, assistant: Assistant, seconds: float) -> None:
    """Remember how long it took to make an assistant (a search, a training run)."""
    project.set_note(MADE + content_key(assistant), seconds)


def making(project: Project, assistant: Assistant) -> float | None:
    """Seconds it took to make it; None when it was made by hand, or nobody measured."""
    kept: Any = project.get_note(MADE + content_key(assistant))
    return float(kept) if isinstance(kept, int | float) and kept >= 0 else None


class Memory(AbstractContextManager["Memory"]):
    """Watches what this process (or the accelerator) takes at most while the block runs, beyond what it took before."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self._before = self._most = _resident()

    @property
    def peak_bytes(self) -> int:
        return max(self._most - self._before, _accelerator_peak())

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self._most = max(self._most, _resident())

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._most = max(self._most, _resident())
        self._over.set()
        self._thread.join()


def _resident() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def _accelerator_peak() -> int:
    import torch

    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0


def _model(ref: ModelRef) -> str:
    return hashlib.sha256(ref.model_dump_json().encode("utf-8", "surrogatepass")).hexdigest()[:32]
