"""95 % intervals: of a share, of any score between 0 and 1, of a difference of shares of the same examples."""

from __future__ import annotations

import math
from typing import Final

from backend.evaluation.values import Interval, IntervalMethod

LEVEL: Final = 0.95
Z: Final = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def wilson(k: float, n: int) -> Interval:
    """Wilson's score interval of k right of n (Wilson 1927), by statsmodels; (0, 1) of nothing."""
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return Interval(0.0, 1.0, "none")
    low, high = proportion_confint(k, n, alpha=1 - LEVEL, method="wilson")
    return Interval(max(0.0, float(low)), min(1.0, float(high)), "wilson")


def score_limits(value: float, error: float, n: int, method: IntervalMethod = "bootstrap") -> Interval:
    """Limits of a score in 0..1 with standard error `error`: Wilson's at the effective number of examples.

    The share of n* independent examples would have this error, n* = value (1 - value) / error². After Korn and
    Graubard 1998 (proportions of surveys), with Student's t in place of the normal. Stays within 0..1 and, unlike
    value +- t error, does not fall short near the ends.
    """
    from scipy.stats import t

    if n == 0:
        return Interval(0.0, 1.0, "none")
    quantile = float(t.ppf(0.5 + LEVEL / 2, max(n - 1, 1)))
    spread = value * (1 - value)
    # No variance at all (everything right, or everything alike) still is no more than n examples.
    effective = min(max(spread / error**2, 1.0), 30.0 * n) if error > 0 and spread > 0 else float(n)
    share = quantile**2 / effective
    centre = (value + share / 2) / (1 + share)
    half = math.sqrt(share * spread + share**2 / 4) / (1 + share)
    return Interval(max(0.0, centre - half), min(1.0, centre + half), method)


def tango(a_only: int, b_only: int, n: int) -> tuple[float, float]:
    """Score interval of the difference (b_only - a_only) / n of two shares of the same examples (Tango 1998)."""
    from scipy.optimize import brentq

    if n == 0:
        return -1.0, 1.0
    seen = (b_only - a_only) / n

    def excess(delta: float) -> float:
        return _tango_score(a_only, b_only, n, delta)

    low = (
        -1.0 if seen <= -1 else float(brentq(lambda d: excess(d) - Z, -1 + 1e-12, seen - 1e-12)) if seen > -1 else -1.0
    )
    high = 1.0 if seen >= 1 else float(brentq(lambda d: excess(d) + Z, seen + 1e-12, 1 - 1e-12))
    return low, high


def _tango_score(a_only: int, b_only: int, n: int, delta: float) -> float:
    """Standardised distance of the seen difference from `delta`, its variance restricted to that difference."""
    first = 2 * n
    second = -b_only - a_only + (2 * n - b_only + a_only) * delta
    third = -a_only * delta * (1 - delta)
    least = (math.sqrt(max(second * second - 4 * first * third, 0.0)) - second) / (2 * first)
    variance = n * (2 * least + delta * (1 - delta))
    return (b_only - a_only - n * delta) / math.sqrt(max(variance, 1e-300))
