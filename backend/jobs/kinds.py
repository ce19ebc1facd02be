"""Which kinds of run there are, and the function that does the work of each, imported only in the worker."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from backend.errors import BadInput
from backend.jobs.progress import Progress
from backend.settings import Settings


@dataclass(frozen=True)
class Job:
    """What a work function is handed beside its Progress."""

    folder: Path
    config: dict[str, Any]
    settings: Settings

    @property
    def input(self) -> Path:
        return self.folder / "input"

    @property
    def output(self) -> Path:
        return self.folder / "output"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"


Work = Callable[[Job, Progress], None]
"""Does the work to its end and returns, or raises `Stopped` after saving what it has, or a StudioError."""


@dataclass(frozen=True)
class Kind:
    """`work` is "module:function". Runs of one `lane` go one after another over the whole home; None has no lane.

    house  works on what belongs to the machine, so it is never started from a project, whose runs may be imported
    """

    work: str
    lane: str | None = None
    house: bool = False

    def load(self) -> Work:
        module, _, function = self.work.partition(":")
        work: Work = getattr(importlib.import_module(module), function)
        return work


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "download": Kind("backend.models.download:work", house=True),
        "encoder_download": Kind("backend.documents.embedding.fetching:work", house=True),
        "batch": Kind("backend.batch.work:work", lane="model"),
        "evaluation": Kind("backend.evaluation.work:work", lane="model"),
        "judging": Kind("backend.evaluation.judge_work:work", lane="model"),
        "fewshot_search": Kind("backend.fewshot.search_work:work", lane="model"),
        "instruction_search": Kind("backend.fewshot.instructions_work:work", lane="model"),
        "sensitivity": Kind("backend.fewshot.sensitivity_work:work", lane="model"),
        "learning_curve": Kind("backend.fewshot.curve_work:work", lane="model"),
        "training": Kind("backend.training.running.work:work", lane="model"),
        "training_probe": Kind("backend.training.estimating.probe:work", lane="model"),
        "indexing": Kind("backend.documents.indexing.work:work"),
        "measuring": Kind("backend.documents.measuring.measuring_work:work"),
        "retrieval_sweep": Kind("backend.documents.measuring.sweep_work:work"),
        "question_writing": Kind("backend.documents.measuring.writing_work:work", lane="model"),
        "rehearsal": Kind("backend.jobs.rehearsal:work"),
        "rehearsal_in_line": Kind("backend.jobs.rehearsal:work", lane="rehearsal"),
    }
)


def kind_named(name: str) -> Kind:
    """Raises BadInput("error.run_kind", kind=): a run of a newer studio, or a folder that was tampered with."""
    if name not in KINDS:
        raise BadInput("error.run_kind", kind=name)
    return KINDS[name]
