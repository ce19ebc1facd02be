"""Verdicts in plain words: what the data carries, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

from backend.evaluation.statistics import examples_needed, holm, paired
from backend.evaluation.values import Difference, ExampleScore, Outcome, Verdict
from backend.examples.task import Metric

ALPHA: Final = 0.05
MARGIN: Final = 0.02
"""Differences within 2 of 100 are called equal, when the whole interval lies within them."""


def verdict(difference: Difference, names: tuple[str, str]) -> Verdict:
    """What can be said of B against A; `names` are theirs. "Better" only when test and interval both say so."""
    outcome = outcome_of(difference)
    a, b = names
    better, other, low, high = b, a, difference.low, difference.high
    if outcome == "worse":
        better, other, low, high = a, b, -difference.high, -difference.low
    shares = difference.test != "permutation"
    details: dict[str, object] = {"a": a, "b": b, "better": better, "other": other, "n": difference.n}
    details |= {"low": _points(low), "high": _points(high), "margin": _points(MARGIN)}
    needed = None
    key = f"verdict.{'better' if outcome in ('better', 'worse') else outcome}.{'shares' if shares else 'points'}"
    if outcome == "not_distinguishable":
        needed = _rounded(examples_needed(difference), difference.n)
        details["needed"] = needed
        key = "verdict.not_distinguishable.needed" if needed else "verdict.not_distinguishable.open"
    return Verdict(outcome, difference, key, details, needed)


def outcome_of(difference: Difference) -> Outcome:
    p = difference.p if difference.p_corrected is None else difference.p_corrected
    if p <= ALPHA and difference.low > 0:
        return "better"
    if p <= ALPHA and difference.high < 0:
        return "worse"
    if difference.n and difference.low >= -MARGIN and difference.high <= MARGIN:
        return "equivalent"
    return "not_distinguishable"


def _points(value: float) -> str:
    """0.034 is "3", of 100; small ones keep a digit, so that nothing real reads as 0."""
    hundred = value * 100
    return f"{hundred:.0f}" if abs(hundred) >= 0.95 else f"{hundred:.1f}"


def _rounded(needed: int | None, n: int) -> int | None:
    """About: two digits that tell, never fewer than there are already."""
    if needed is None:
        return None
    scale: int = 10 ** max(0, len(str(max(needed, n + 1))) - 2)
    return -(-max(needed, n + 1) // scale) * scale


def family(
    metric: Metric, candidates: Sequence[tuple[str, Sequence[ExampleScore]]], seed: int = 0
) -> Mapping[tuple[int, int], Verdict]:
    """Every pair of assistants (best first in `candidates`), corrected together: (i, j) with i < j, j against i.

    The best is called the best after looking, so the pairs with it are corrected for all pairs.
    """
    pairs = list(combinations(range(len(candidates)), 2))
    differences = holm([paired(metric, candidates[i][1], candidates[j][1], seed) for i, j in pairs])
    return {
        (i, j): verdict(difference, (candidates[i][0], candidates[j][0]))
        for (i, j), difference in zip(pairs, differences, strict=True)
    }
