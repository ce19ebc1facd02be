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
    low, high, better, other = difference.low, difference.high, names[1], names[0]
    if outcome == "worse":
        low, high, better, other = -high, -low, other, better
    needed = _rounded(examples_needed(difference), difference.n) if outcome == "not_distinguishable" else None
    details: dict[str, object] = {"a": names[0], "b": names[1], "better": better, "other": other}
    details |= {"low": _of_hundred(low), "high": _of_hundred(high), "margin": _of_hundred(MARGIN)}
    details |= {"n": difference.n, "needed": needed}
    return Verdict(outcome, difference, _key(outcome, difference, needed), details, needed)


def _key(outcome: Outcome, difference: Difference, needed: int | None) -> str:
    if outcome == "not_distinguishable":
        why = "empty" if not difference.n else "open" if needed is None else "needed"
        return f"verdict.not_distinguishable.{why}"
    kind = "points" if difference.test == "permutation" else "shares"
    return f"verdict.{'equivalent' if outcome == 'equivalent' else 'better'}.{kind}"


def outcome_of(difference: Difference) -> Outcome:
    p = difference.p if difference.p_corrected is None else difference.p_corrected
    if p <= ALPHA and difference.low > 0:
        return "better"
    if p <= ALPHA and difference.high < 0:
        return "worse"
    if difference.n and difference.low >= -MARGIN and difference.high <= MARGIN:
        return "equivalent"
    return "not_distinguishable"


def _of_hundred(value: float) -> str:
    """0.034 is "3"; below 1 a digit is kept, and in a verdict that nothing is 0 nothing reads as "0"."""
    hundred = value * 100
    return f"{hundred:.0f}" if abs(hundred) >= 0.95 else f"{max(hundred, 0.1) if hundred > 0 else hundred:.1f}"


def _rounded(needed: int | None, n: int) -> int | None:
    """About: two digits that tell, and more than there are already."""
    if needed is None:
        return None
    more = max(needed, n + 1)
    scale: int = 10 ** max(0, len(str(more)) - 2)
    return -(-more // scale) * scale


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
