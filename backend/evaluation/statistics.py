"""How sure a figure is, and whether two differ: intervals, paired tests, correction, and how many examples it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from backend.evaluation.intervals import LEVEL, Z, score_limits, tango, wilson
from backend.evaluation.metrics.corpus import SHARES, Counts, counts_of
from backend.evaluation.values import Difference, ExampleScore, Interval
from backend.examples.task import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["bootstrap", "examples_needed", "gap", "holm", "paired", "score_of", "wilson"]

RESAMPLES: Final = 2_000
SWAPS: Final = 10_000
EXACT_UP_TO: Final = 13
"""Examples that differ up to which every one of the 2^k ways to swap the assistants is tried."""
MOST_NEEDED: Final = 100_000


def score_of(metric: Metric, scores: Sequence[ExampleScore], seed: int = 0) -> tuple[float, Interval]:
    """A metric over examples with its 95 % interval: Wilson for shares, else from the bootstrap's standard error."""
    n = len(scores)
    if n == 0:
        return 0.0, Interval(0.0, 1.0, "none")
    if metric in SHARES:
        right = sum(score.values[metric] >= 1.0 for score in scores)
        return right / n, wilson(right, n)
    counts = counts_of(metric, scores)
    value = min(max(counts.value(), 0.0), 1.0)
    return value, score_limits(value, _error(bootstrap(counts, n, seed), n), n)


def bootstrap(counts: Counts, n: int, seed: int = 0, resamples: int = RESAMPLES) -> Floats:
    """The metric of `resamples` samples of n examples drawn with replacement (Efron 1979)."""
    return counts.values(_weights(n, seed, resamples))


def _weights(n: int, seed: int, resamples: int) -> Floats:
    """How often each example is drawn: resamples x n. Equal arguments, equal draws: assistants are paired by it."""
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    return drawn.astype(float)


def _error(resampled: Floats, n: int) -> float:
    """The bootstrap's standard error; n / (n - 1) undoes that resampling spreads as if by n, not n - 1."""
    return float(resampled.std(ddof=1)) * math.sqrt(n / (n - 1)) if n > 1 else 0.0


def paired(metric: Metric, a: Sequence[ExampleScore], b: Sequence[ExampleScore], seed: int = 0) -> Difference:
    """B minus A on the same examples in the same order.

    Shares: McNemar's exact test and Tango's interval. Other metrics: a permutation test that swaps the two
    assistants' answers to an example, and an interval from the paired bootstrap's standard error.
    """
    if len(a) != len(b):
        raise ValueError("paired scores are of the same examples")
    if metric in SHARES:
        return _paired_shares(metric, a, b)
    if not len(a):
        return Difference(0.0, -1.0, 1.0, 1.0, "permutation", 0)
    return _paired_counts(counts_of(metric, a), counts_of(metric, b), len(a), seed)


def _paired_shares(metric: Metric, a: Sequence[ExampleScore], b: Sequence[ExampleScore]) -> Difference:
    from statsmodels.stats.contingency_tables import mcnemar

    right = [(one.values[metric] >= 1.0, two.values[metric] >= 1.0) for one, two in zip(a, b, strict=True)]
    a_only, b_only, n = right.count((True, False)), right.count((False, True)), len(right)
    p = float(mcnemar([[0, a_only], [b_only, 0]], exact=True).pvalue) if a_only + b_only else 1.0
    low, high = tango(a_only, b_only, n)
    value = (b_only - a_only) / n if n else 0.0
    return Difference(value, low, high, min(p, 1.0), "mcnemar", n, None, a_only, b_only)


def _paired_counts(a: Counts, b: Counts, n: int, seed: int) -> Difference:
    from scipy.stats import t

    value = b.value() - a.value()
    weights = _weights(n, seed, RESAMPLES)
    error = _error(b.values(weights) - a.values(weights), n)
    half = float(t.ppf(0.5 + LEVEL / 2, max(n - 1, 1))) * error if error > 0 else 1.0
    low, high = max(-1.0, value - half), min(1.0, value + half)
    return Difference(value, low, high, permutation(a, b, seed), "permutation", n)


def permutation(a: Counts, b: Counts, seed: int = 0) -> float:
    """Two-sided p of the paired permutation test (approximate randomisation, Noreen 1989), exact for few examples.

    If the assistants were alike, each example's two answers could as well be swapped. Drawn swaps count the seen
    arrangement among themselves (Phipson and Smyth 2010), so that p is never 0.
    """
    one, two = _dense(a), _dense(b)
    differs = np.flatnonzero((one != two).any(axis=1))
    if not len(differs):
        return 1.0
    step = (two - one)[differs]
    base_a, base_b = one.sum(axis=0), two.sum(axis=0)
    exact = len(differs) <= EXACT_UP_TO
    swaps = _every_swap(len(differs)) if exact else _drawn_swaps(len(differs), seed)
    moved = swaps @ step
    told = b.value_of(base_b - moved) - a.value_of(base_a + moved)
    seen = abs(float(b.value_of(base_b[None])[0] - a.value_of(base_a[None])[0]))
    beyond = int((np.abs(told) >= seen - 1e-12).sum())
    return beyond / len(swaps) if exact else (beyond + 1) / (len(swaps) + 1)


def _dense(counts: Counts) -> Floats:
    return np.asarray(counts.rows.toarray() if hasattr(counts.rows, "toarray") else counts.rows, dtype=float)


def _every_swap(k: int) -> Floats:
    return ((np.arange(2**k)[:, None] >> np.arange(k)) & 1).astype(float)


def _drawn_swaps(k: int, seed: int) -> Floats:
    return np.random.default_rng(seed).integers(0, 2, size=(SWAPS, k)).astype(float)


def holm(differences: Sequence[Difference], comparisons: int | None = None) -> list[Difference]:
    """The same differences with `p_corrected` after Holm (1979), by statsmodels.

    comparisons  how many there were in all, when only some of them are shown: the best against each other one is
                 chosen after looking, so all pairs count
    """
    from statsmodels.stats.multitest import multipletests

    if not differences:
        return []
    silent = max(0, (comparisons or len(differences)) - len(differences))
    p = [difference.p for difference in differences] + [1.0] * silent
    corrected = multipletests(p, alpha=1 - LEVEL, method="holm")[1]
    return [replace(one, p_corrected=float(value)) for one, value in zip(differences, corrected, strict=False)]


def examples_needed(difference: Difference, power: float = 0.8) -> int | None:
    """About how many examples would show a true difference as large as the seen one, in 80 of 100 tries.

    Shares: McNemar's test at the seen discordance (Connor 1987); others: a t test at the seen spread. None when no
    number would: the difference is (nearly) none, or it would take more than 100,000.
    """
    from scipy.stats import norm

    if difference.n < 2 or difference.value == 0:
        return None
    strict = max(1.0, (difference.p_corrected or difference.p) / difference.p) if difference.p > 0 else 1.0
    alpha, beta = float(norm.ppf(1 - (1 - LEVEL) / 2 / strict)), float(norm.ppf(power))
    if difference.a_only is not None and difference.b_only is not None:
        apart = (difference.a_only + difference.b_only) / difference.n
        root = alpha * math.sqrt(apart) + beta * math.sqrt(max(apart - difference.value**2, 0.0))
        needed = (root / difference.value) ** 2
    else:
        spread = (difference.high - difference.low) / (2 * Z) * math.sqrt(difference.n)
        needed = ((alpha + beta) * spread / difference.value) ** 2
    return math.ceil(needed) if needed <= MOST_NEEDED else None


def gap(metric: Metric, a: Sequence[ExampleScore], b: Sequence[ExampleScore], seed: int = 0) -> Difference:
    """B minus A for two groups of different examples (slices): `n` is both together, nothing is paired.

    Shares: Fisher's exact test and Newcombe's interval (1998, method 10). Others: a permutation test that deals the
    examples anew to the groups, and an interval from both bootstraps with Welch's degrees of freedom.
    """
    n = len(a) + len(b)
    if not len(a) or not len(b):
        return Difference(0.0, -1.0, 1.0, 1.0, "fisher" if metric in SHARES else "permutation", n)
    return _gap_shares(metric, a, b) if metric in SHARES else _gap_counts(metric, a, b, seed)


def _gap_shares(metric: Metric, a: Sequence[ExampleScore], b: Sequence[ExampleScore]) -> Difference:
    from scipy.stats import fisher_exact
    from statsmodels.stats.proportion import confint_proportions_2indep

    right_a, right_b = (sum(score.values[metric] >= 1.0 for score in group) for group in (a, b))
    low, high = confint_proportions_2indep(right_b, len(b), right_a, len(a), method="newcomb", compare="diff")
    p = float(fisher_exact([[right_a, len(a) - right_a], [right_b, len(b) - right_b]]).pvalue)
    return Difference(
        right_b / len(b) - right_a / len(a), float(low), float(high), min(p, 1.0), "fisher", len(a) + len(b)
    )


def _gap_counts(metric: Metric, a: Sequence[ExampleScore], b: Sequence[ExampleScore], seed: int) -> Difference:
    from scipy.stats import t

    both = counts_of(metric, [*a, *b])
    groups = np.concatenate([np.zeros(len(a)), np.ones(len(b))])
    drawn = np.random.default_rng(seed)
    errors = []
    for member in (1 - groups, groups):
        size = int(member.sum())
        weights = drawn.multinomial(size, member / size, size=RESAMPLES).astype(float)
        errors.append(_error(both.values(weights), size))
    value = _group_gap(both, groups[None])[0]
    error = math.hypot(*errors)
    parts = [one**4 / max(size - 1, 1) for one, size in zip(errors, (len(a), len(b)), strict=True)]
    freedom = error**4 / sum(parts) if sum(parts) > 0 else 1.0
    half = float(t.ppf(0.5 + LEVEL / 2, freedom)) * error if error > 0 else 1.0
    dealt = drawn.permuted(np.tile(groups, (RESAMPLES, 1)), axis=1)
    beyond = int((np.abs(_group_gap(both, dealt)) >= abs(value) - 1e-12).sum())
    p = (beyond + 1) / (RESAMPLES + 1)
    return Difference(
        float(value), max(-1.0, float(value - half)), min(1.0, float(value + half)), p, "permutation", len(groups)
    )


def _group_gap(counts: Counts, members: Floats) -> Floats:
    return counts.values(members) - counts.values(1 - members)
