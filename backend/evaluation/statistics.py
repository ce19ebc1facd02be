"""How sure a figure is, and whether two differ: intervals, paired tests, correction, and how many examples it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from backend.evaluation.counts import SHARES, Counts, counts_of, require
from backend.evaluation.intervals import LEVEL, Z, apart, mean_limits, score_limits, tango, wilson
from backend.evaluation.swapping import dealt_anew, swapped
from backend.evaluation.values import Difference, ExampleScore, Interval
from backend.examples.task import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["examples_needed", "gap", "holm", "paired", "score_of", "wilson"]

MOST_NEEDED: Final = 100_000
MOST_TIMES: Final = 50
"""More than so many times the examples there are is no estimate any more: the seen difference is too near to 0."""


def score_of(metric: Metric, scores: Sequence[ExampleScore]) -> tuple[float, Interval]:
    """A metric over examples with its 95 % interval: Wilson's for shares, for others Wilson's at the number of
    examples that the jackknife's standard error is worth. Raises BadInput("error.metric_not_measured")."""
    n = len(scores)
    if n == 0:
        return 0.0, Interval(0.0, 1.0, "none")
    if metric in SHARES:
        right = _right(metric, scores)
        return right / n, wilson(right, n)
    counts = counts_of(metric, scores)
    value = min(max(counts.value(), 0.0), 1.0)
    return value, score_limits(value, _error(parts(counts)), n)


def _right(metric: Metric, scores: Sequence[ExampleScore]) -> int:
    require(metric, scores)
    return sum(score.values[metric] >= 1.0 for score in scores)


def parts(counts: Counts) -> Floats:
    """Each example's part in the value, around 0: its pseudo-value in the jackknife (Tukey 1958; Efron and Stein 1981).

    Of a mean just the example's own value less the mean.
    """
    if counts.n < 2:
        return np.zeros(counts.n)
    without = counts.without_each()
    own: Floats = (counts.n - 1) * (without.mean() - without)
    return own


def _error(own: Floats) -> float:
    """The standard error of what these parts make up."""
    n = len(own)
    return math.sqrt(float((own**2).sum()) / (n * (n - 1))) if n > 1 else 0.0


def paired(metric: Metric, a: Sequence[ExampleScore], b: Sequence[ExampleScore], seed: int = 0) -> Difference:
    """B minus A on the same examples in the same order.

    Shares: McNemar's exact test, and Tango's interval. Other metrics: a permutation test that swaps the two
    assistants' answers to an example, and an interval from each example's part in the difference.
    """
    if len(a) != len(b):
        raise ValueError(f"paired scores are of the same examples, not of {len(a)} and {len(b)}")
    if metric in SHARES:
        return _paired_shares(metric, a, b)
    if not len(a):
        return Difference(0.0, -1.0, 1.0, 1.0, "permutation", 0)
    one, two = counts_of(metric, a), counts_of(metric, b)
    value = two.value() - one.value()
    low, high = mean_limits(value, value + parts(two) - parts(one))
    return Difference(value, low, high, swapped(one, two, seed), "permutation", len(a))


def _paired_shares(metric: Metric, a: Sequence[ExampleScore], b: Sequence[ExampleScore]) -> Difference:
    from statsmodels.stats.contingency_tables import mcnemar

    require(metric, [*a, *b])
    right = [(one.values[metric] >= 1.0, two.values[metric] >= 1.0) for one, two in zip(a, b, strict=True)]
    a_only, b_only, n = right.count((True, False)), right.count((False, True)), len(right)
    p = float(mcnemar([[0, a_only], [b_only, 0]], exact=True).pvalue) if a_only + b_only else 1.0
    low, high = tango(a_only, b_only, n)
    value = (b_only - a_only) / n if n else 0.0
    return Difference(value, low, high, min(p, 1.0), "mcnemar", n, None, a_only, b_only)


def gap(metric: Metric, a: Sequence[ExampleScore], b: Sequence[ExampleScore], seed: int = 0) -> Difference:
    """B minus A for two groups of different examples (slices): `n` is both together, nothing is paired.

    Shares: Fisher's exact test and Newcombe's interval. Others: a permutation test that deals the examples anew to
    the groups, and an interval from the groups' own.
    """
    n = len(a) + len(b)
    own_a, own_b = score_of(metric, a), score_of(metric, b)
    kind: Final = "fisher" if metric in SHARES else "permutation"
    if not len(a) or not len(b):
        return Difference(0.0, -1.0, 1.0, 1.0, kind, n)
    low, high = apart(own_a, own_b)
    value = own_b[0] - own_a[0]
    p = _fisher(metric, a, b) if kind == "fisher" else dealt_anew(counts_of(metric, [*a, *b]), len(a), seed)
    return Difference(value, low, high, p, kind, n)


def _fisher(metric: Metric, a: Sequence[ExampleScore], b: Sequence[ExampleScore]) -> float:
    from scipy.stats import fisher_exact

    right = [_right(metric, group) for group in (a, b)]
    table = [[right[0], len(a) - right[0]], [right[1], len(b) - right[1]]]
    return min(1.0, float(fisher_exact(table).pvalue))


def holm(differences: Sequence[Difference], comparisons: int | None = None) -> list[Difference]:
    """The same differences with `p_corrected` after Holm (1979).

    comparisons  how many there were in all, when only some of them are shown: the best against each other one is
                 chosen after looking, so all pairs count. Those not shown are taken to be the least clear ones

    Written out, and tested against statsmodels' multipletests: that collects garbage at each call, which takes 50 ms
    and more in a process as large as the studio.
    """
    p = np.array([difference.p for difference in differences])
    order = np.argsort(p, kind="stable")
    left = max(comparisons or 0, len(p)) - np.arange(len(p))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * left), 1.0)
    return [replace(one, p_corrected=float(value)) for one, value in zip(differences, corrected, strict=True)]


def examples_needed(difference: Difference, power: float = 0.8) -> int | None:
    """About how many examples would show a true difference as large as the seen one, in 80 of 100 tries.

    Shares: McNemar's test at the seen discordance (Connor 1987); others: a t test at the seen spread. None when no
    number would: the difference is (nearly) none, so that it would take more than 50 times what there is.
    """
    from scipy.special import ndtri

    n = difference.n
    if n < 2 or difference.value == 0:
        return None
    strictness = max(1.0, (difference.p_corrected or difference.p) / difference.p) if difference.p > 0 else 1.0
    surely, mostly = -float(ndtri((1 - LEVEL) / 2 / strictness)), float(ndtri(power))
    if difference.a_only is not None and difference.b_only is not None:
        discordant = (difference.a_only + difference.b_only) / n
        far = surely * math.sqrt(discordant) + mostly * math.sqrt(max(discordant - difference.value**2, 0.0))
    else:
        far = (surely + mostly) * (difference.high - difference.low) / (2 * Z) * math.sqrt(n)
    needed = (far / difference.value) ** 2
    return math.ceil(needed) if needed <= min(MOST_NEEDED, MOST_TIMES * n) else None
