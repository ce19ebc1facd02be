"""95 % intervals: of a share, of any score between 0 and 1, of a difference on the same or on different examples.

Chosen by measured coverage (`python -m tests.benchmarks.statistics`), above all with 10 to 50 examples, where the
percentile bootstrap and value +- t * error fall short: of scores near 0 or 1 they hold the truth in as few as 30 to
80 of 100 cases, and are of no width at all when every answer is right.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from backend.evaluation.values import Interval, IntervalMethod

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL: Final = 0.95
Z: Final = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
ROUNDING: Final = 1e-9
MOST_EFFECTIVE: Final = 1_000
"""One example is never worth more than so many right-or-wrong ones, however alike the few seen values are."""


def wilson(k: float, n: int) -> Interval:
    """Wilson's score interval of k right of n (Wilson 1927), by statsmodels; (0, 1) of nothing."""
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return Interval(0.0, 1.0, "none")
    low, high = proportion_confint(k, n, alpha=1 - LEVEL, method="wilson")
    return Interval(max(0.0, float(low)), min(1.0, float(high)), "wilson")


def score_limits(value: float, error: float, n: int, method: IntervalMethod = "jackknife") -> Interval:
    """Limits of a score in 0..1 with standard error `error`: Wilson's at the effective number of examples.

    The share of n* right-or-wrong examples would have this error, n* = value (1 - value) / error². After Korn and
    Graubard 1998 (proportions in surveys), with Student's t in place of the normal.
    """
    if n == 0:
        return Interval(0.0, 1.0, "none")
    spread = value * (1 - value)
    # Without any variance (all right, or all alike) nothing is known but that there are n examples.
    effective = min(max(spread / error**2, 1.0), MOST_EFFECTIVE * n) if error > ROUNDING and spread > 0 else float(n)
    share = student(n - 1) ** 2 / effective
    centre = (value + share / 2) / (1 + share)
    half = math.sqrt(share * spread + share**2 / 4) / (1 + share)
    return Interval(max(0.0, centre - half), min(1.0, centre + half), method)


def student(freedom: float) -> float:
    """The 97.5 % point of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1), 0.5 + LEVEL / 2))


def tango(a_only: int, b_only: int, n: int) -> tuple[float, float]:
    """Score interval of the difference (b_only - a_only) / n of two shares of the same examples (Tango 1998)."""
    from scipy.optimize import brentq

    if n == 0:
        return -1.0, 1.0
    seen = (b_only - a_only) / n

    def beyond(delta: float) -> float:
        return abs(_tango_score(a_only, b_only, n, delta)) - Z

    low = brentq(beyond, -1 + 1e-12, seen) if seen > -1 and beyond(-1 + 1e-12) > 0 else -1.0
    high = brentq(beyond, seen, 1 - 1e-12) if seen < 1 and beyond(1 - 1e-12) > 0 else 1.0
    return float(low), float(high)


def _tango_score(a_only: int, b_only: int, n: int, delta: float) -> float:
    """Standardised distance of the seen difference from `delta`, its variance restricted to that difference."""
    first = 2 * n
    second = -b_only - a_only + (2 * n - b_only + a_only) * delta
    third = -a_only * delta * (1 - delta)
    least = (math.sqrt(max(second * second - 4 * first * third, 0.0)) - second) / (2 * first)
    variance = n * (2 * least + delta * (1 - delta))
    distance = b_only - a_only - n * delta
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance) if distance else 0.0


def mean_limits(value: float, parts: NDArray[np.float64]) -> tuple[float, float]:
    """Limits of a mean difference in -1..1 from each example's part in it, which stand around `value`.

    Student's t after one example each way has been added, as far off as those that differ are (root mean square). Of
    shares that is Bonett and Price 2012; so a handful of examples that all point one way is not taken for proof.
    """
    n = len(parts)
    if n == 0:
        return -1.0, 1.0
    differs = parts[np.abs(parts) > ROUNDING]
    square = float((differs**2).mean()) if len(differs) else 1.0
    centre = value * n / (n + 2)
    variance = max((float((parts**2).sum()) + 2 * square) / (n + 2) - centre**2, 0.0)
    half = student(n - 1) * math.sqrt(variance / (n + 2))
    return max(-1.0, centre - half), min(1.0, centre + half)


def apart(a: tuple[float, Interval], b: tuple[float, Interval]) -> tuple[float, float]:
    """Limits of b - a for two groups of different examples, from each one's own value and limits.

    Of shares with Wilson's limits this is Newcombe's method 10 (1998); of others its extension by Zou and Donner 2008.
    """
    (value_a, own_a), (value_b, own_b) = a, b
    seen = value_b - value_a
    low = seen - math.hypot(value_b - own_b.low, own_a.high - value_a)
    high = seen + math.hypot(own_b.high - value_b, value_a - own_a.low)
    return max(-1.0, low), min(1.0, high)
