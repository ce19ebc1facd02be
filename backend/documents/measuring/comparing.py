"""Means of measures with their intervals, and what can be said of two ways of searching.

The same statistics as for answers (backend.evaluation.statistics): one question is one example, its value one figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

from backend.evaluation.statistics import score_of
from backend.evaluation.values import ExampleScore, Interval, Parsed, Verdict
from backend.evaluation.verdicts import family
from backend.examples.task import Metric

# A mean over questions is counted by whatever name its values stand under.
VALUE: Final = cast(Metric, "value")
NOTHING: Final = Parsed(None, "")


def mean_of(values: Sequence[float]) -> tuple[float, Interval]:
    """The mean of values in 0..1 with its 95 % interval."""
    return score_of(VALUE, _scores(values))


def verdicts_of(candidates: Sequence[tuple[str, Sequence[float]]]) -> Mapping[tuple[int, int], Verdict]:
    """Every pair (best first in `candidates`), corrected together: (i, j) with i < j says j against i.

    values  of the same questions in the same order. The sentences are the part's own: of questions, not of examples.
    """
    found = family(VALUE, [(name, _scores(values)) for name, values in candidates])
    return {pair: replace(verdict, key=f"measure.{verdict.key}") for pair, verdict in found.items()}


def _scores(values: Sequence[float]) -> list[ExampleScore]:
    return [ExampleScore(NOTHING, {VALUE: value}) for value in values]
