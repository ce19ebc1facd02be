"""Sensitivity: what the same assistant scores under changes that should not matter gives a band, not one number.

After FormatSpread (Sclar, Choi, Tsvetkov, Suhr 2024, "Quantifying language models' sensitivity to spurious features in
prompt design"): the spread between the lowest and the highest of several equivalent formats; here also of several
orders of the same examples, and of several draws of them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final, Literal

from pydantic import Field, ValidationError

from backend.assistants import Assistant, Part
from backend.evaluation.values import Score
from backend.fewshot.basis import basis_of
from backend.fewshot.halving import Halving, Round
from backend.fewshot.planning import MOST_EXAMPLES, SearchPlan, plan_of, task_of
from backend.fewshot.tried import BASE, Saying, Tried, outcome_in
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.folder import Project

KIND: Final = "sensitivity"
NOTE: Final = "fewshot.band."

By = Literal["order", "sample", "format"]


class Extent(Part):
    """How many variants are tried, the assistant as it is not counted, and on how many dev examples each."""

    variants: int = Field(12, ge=1, le=64)
    examples: int = Field(50, ge=1, le=MOST_EXAMPLES)
    seed: int = Field(0, ge=0, lt=2**31)


class SensitivityConfig(Part):
    """What is in the config of a sensitivity run."""

    assistant: Assistant
    extent: Extent


class Variant(Part):
    """One change and what it scored; `by` None is the assistant as it is."""

    by: By | None
    about: Saying
    score: Score


class Band(Part):
    """What one assistant scores under changes that should not matter, all on the same `n` dev examples.

    low, high, median  over all values, the assistant as it is among them
    value              of the assistant as it is
    by                 (low, high) of each kind of change together with the assistant as it is
    made               seconds since 1970
    basis              of what it was measured on (see `basis`)
    """

    low: float
    high: float
    median: float
    value: float
    n: int
    variants: tuple[Variant, ...]
    by: dict[By, tuple[float, float]]
    made: float
    basis: str = ""

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(variant.score.value for variant in self.variants)

    @property
    def spread(self) -> float:
        """FormatSpread's figure: the highest less the lowest."""
        return self.high - self.low


def plan_sensitivity(project: Project, assistant: Assistant, extent: Extent | None = None) -> SearchPlan:
    """What it would cost, at most, for showing before it starts. Raises as `task_of`."""
    task_of(project, assistant, shots=False)
    wanted = extent or Extent()
    examples = min(project.examples.counts().dev, wanted.examples)
    return plan_of(project, assistant, Halving((Round(wanted.variants, examples),)))


def start_sensitivity(
    runs: Runs, project: Project, assistant: Assistant, extent: Extent | None = None, title: str = ""
) -> Run:
    """Measure the band as a run. Raises as `task_of`, StorageProblem."""
    task_of(project, assistant, shots=False)
    config = SensitivityConfig(assistant=assistant, extent=extent or Extent())
    return runs.submit(KIND, config.model_dump(mode="json"), title or assistant.name or assistant.model.label())


def band_of(project: Project, fingerprint: str) -> Band | None:
    """The band measured last for the assistant of this fingerprint; None when none was, or the task or the dev
    examples have changed since then."""
    kept = project.get_note(NOTE + fingerprint)
    try:
        band = None if kept is None else Band.model_validate(kept)
    except ValidationError:
        return None  # a newer studio's
    return band if band is not None and band.variants and band.basis == basis_of(project) else None


def keep_band(project: Project, fingerprint: str, band: Band) -> None:
    """One that does not say what it was measured on is taken to be of the task and the examples as they are now."""
    kept = band if band.basis else band.model_copy(update={"basis": basis_of(project)})
    project.set_note(NOTE + fingerprint, kept.model_dump(mode="json"))


def band_in(run: Run) -> Band | None:
    """The band that a run came to; None while it has not. Raises StorageProblem("error.search_files")."""
    return outcome_in(run.output, Band)


def band_from(tried: Sequence[Tried], by: Mapping[str, By], basis: str = "") -> Band:
    """The band of what was tried, the base among it; `by` says of which kind each other candidate is."""
    variants = tuple(Variant(by=by.get(one.name), about=one.about, score=one.score) for one in tried)
    base = next(one.score for one in tried if one.name == BASE)
    values = [one.score.value for one in variants]
    kinds: dict[By, tuple[float, float]] = {}
    for kind in dict.fromkeys(one.by for one in variants if one.by is not None):
        of_kind = [base.value, *(one.score.value for one in variants if one.by == kind)]
        kinds[kind] = (min(of_kind), max(of_kind))
    return Band(
        low=min(values),
        high=max(values),
        median=median(values),
        value=base.value,
        n=base.n,
        variants=variants,
        by=kinds,
        made=time.time(),
        basis=basis,
    )
