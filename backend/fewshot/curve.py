"""The learning curve over shots: what 0, 1, 2, 4, 8, ... examples bring, several draws of each size.

One draw of examples says little (see `sensitivity`), so each size but 0 is drawn several times and gives a band.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

from pydantic import Field, ValidationError

from backend.assistants import Assistant, Examples, Method, Part
from backend.errors import BadInput
from backend.evaluation.values import Score
from backend.examples.task import Metric
from backend.fewshot.basis import basis_of
from backend.fewshot.halving import Halving, Round
from backend.fewshot.planning import MOST_EXAMPLES, SearchPlan, plan_of, task_of
from backend.fewshot.tried import Tried, outcome_in
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.folder import Project

KIND: Final = "learning_curve"
NOTE: Final = "fewshot.curve."


class CurveExtent(Part):
    """counts  numbers of examples to try; 0 is always among them. samples  draws of each
    examples  dev examples that each draw is measured on; method  how sets are drawn, None: as the assistant draws, else
    balanced over the answers where they repeat
    """

    counts: tuple[int, ...] = (0, 1, 2, 4, 8, 16)
    samples: int = Field(3, ge=1, le=16)
    examples: int = Field(50, ge=1, le=MOST_EXAMPLES)
    method: Method | None = None
    seed: int = Field(0, ge=0, lt=2**31)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Without 0."""
        return tuple(sorted({size for size in self.counts if 0 < size <= 64}))


class CurveConfig(Part):
    """What is in the config of a learning-curve run."""

    assistant: Assistant
    extent: CurveExtent


class Point(Part):
    """value  the mean of the draws of this size; low, high  the lowest and highest of them, equal for one draw
    scores  of each draw, with its own interval over the dev examples
    """

    shots: int
    value: float
    low: float
    high: float
    scores: tuple[Score, ...]


class Curve(Part):
    """Points by number of shots, all on the same `n` dev examples. `made` in seconds since 1970.

    basis  of what it was measured on (see `basis`)
    """

    metric: Metric
    method: Method
    n: int
    points: tuple[Point, ...]
    made: float
    basis: str = ""

    @property
    def best(self) -> Point:
        """The highest point; of equals the one with fewest shots."""
        return max(self.points, key=lambda point: (point.value, -point.shots))


def bare(assistant: Assistant) -> Assistant:
    """Without examples: what all points of a curve have in common."""
    return assistant.model_copy(update={"examples": Examples()})


def plan_curve(project: Project, assistant: Assistant, extent: CurveExtent | None = None) -> SearchPlan:
    """What it would cost, at most, before it starts. Raises as `task_of`, BadInput("error.search_no_shots")."""
    wanted = _checked(project, assistant, extent)
    counts = project.examples.counts()
    draws = wanted.samples * sum(size <= counts.train for size in wanted.sizes)
    return plan_of(project, assistant, Halving((Round(draws, min(counts.dev, wanted.examples)),)))


def start_curve(
    runs: Runs, project: Project, assistant: Assistant, extent: CurveExtent | None = None, title: str = ""
) -> Run:
    """Measure the curve as a run. Raises as `plan_curve`, StorageProblem."""
    config = CurveConfig(assistant=assistant, extent=_checked(project, assistant, extent))
    return runs.submit(KIND, config.model_dump(mode="json"), title or assistant.name or assistant.model.label())


def _checked(project: Project, assistant: Assistant, extent: CurveExtent | None) -> CurveExtent:
    task_of(project, assistant)
    wanted = extent or CurveExtent()
    if not wanted.sizes:
        raise BadInput("error.search_no_shots")
    return wanted


def curve_of(project: Project, fingerprint: str) -> Curve | None:
    """The curve measured last from the assistant of this fingerprint, or from it without its examples; else None.

    None too when the task or the dev examples have changed since then.
    """
    kept = project.get_note(NOTE + fingerprint)
    try:
        curve = None if kept is None else Curve.model_validate(kept)
    except ValidationError:
        return None  # a newer studio's
    return curve if curve is not None and curve.points and curve.basis == basis_of(project) else None


def keep_curve(project: Project, fingerprints: Sequence[str], curve: Curve) -> None:
    """One that does not say what it was measured on is taken to be of the task and the examples as they are now."""
    kept = curve if curve.basis else curve.model_copy(update={"basis": basis_of(project)})
    for fingerprint in dict.fromkeys(fingerprints):
        project.set_note(NOTE + fingerprint, kept.model_dump(mode="json"))


def curve_in(run: Run) -> Curve | None:
    """The curve that a run came to; None while it has not. Raises StorageProblem("error.search_files")."""
    return outcome_in(run.output, Curve)


def curve_from(tried: Sequence[Tried], sizes: Mapping[str, int], method: Method, basis: str = "") -> Curve:
    """The curve of what was tried; `sizes` is how many shots each candidate shows."""
    scores: dict[int, list[Score]] = {}
    for one in tried:
        scores.setdefault(sizes[one.name], []).append(one.score)
    points = []
    for size, of_size in sorted(scores.items()):
        values = [score.value for score in of_size]
        point = Point(shots=size, value=fmean(values), low=min(values), high=max(values), scores=tuple(of_size))
        points.append(point)
    first = tried[0].score
    return Curve(metric=first.metric, method=method, n=first.n, points=tuple(points), made=time.time(), basis=basis)
