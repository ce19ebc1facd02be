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
PROOF: Final = 20
"""Fewer questions prove nothing, whatever a test says of them: they are too easily all of one kind."""
TOO_FEW: Final = "measure.verdict.not_distinguishable.few"
NOTHING: Final = Parsed(None, "")


def mean_of(values: Sequence[float]) -> tuple[float, Interval]:
    """The mean of values in 0..1 with its 95 % interval."""
    return score_of(VALUE, _scores(values))


def verdicts_of(candidates: Sequence[tuple[str, Sequence[float]]]) -> Mapping[tuple[int, int], Verdict]:
    """Every pair (best first in `candidates`), corrected together: (i, j) with i < j says j against i.

    values  of the same questions in the same order. The sentences are the part's own: of questions, not of examples.
    Of fewer than PROOF questions none says more than that they are too few.
    """
    found = family(VALUE, [(name, _scores(values)) for name, values in candidates])
    return {pair: _carried(verdict) for pair, verdict in found.items()}


def _carried(verdict: Verdict) -> Verdict:
    if 0 < verdict.difference.n < PROOF:
        details = {**verdict.details, "few": PROOF}
        return replace(verdict, outcome="not_distinguishable", key=TOO_FEW, details=details, needed=None)
    return replace(verdict, key=f"measure.{verdict.key}")


def _scores(values: Sequence[float]) -> list[ExampleScore]:
    return [ExampleScore(NOTHING, {VALUE: value}) for value in values]
