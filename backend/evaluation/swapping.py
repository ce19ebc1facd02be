"""Permutation tests: how often would chance alone set two assistants, or two groups, as far apart as was seen?

Drawn arrangements count the seen one among themselves (Phipson and Smyth 2010), so that p is never 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from backend.evaluation.counts import Counts, summed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DRAWN: Final = 10_000
AT_ONCE: Final = 1_000
EXACT_UP_TO: Final = 15
"""Examples that differ, up to which every one of the 2^k ways to swap the assistants is tried."""
ROUNDING: Final = 1e-12


def swapped(a: Counts, b: Counts, seed: int = 0) -> float:
    """Two-sided p of the paired test (approximate randomisation, Noreen 1989), exact for few examples.

    If the assistants were alike, their two answers to each example could as well be swapped. A draw that swaps all
    examples is its own mirror image, so half of the exact ways are enough.
    """
    step = b.rows - a.rows
    differs = np.flatnonzero(abs(step).sum(axis=1))
    if not len(differs):
        return 1.0
    step, base_a, base_b = step[differs], _total(a.rows), _total(b.rows)
    seen = abs(b.value() - a.value())
    exact = len(differs) <= EXACT_UP_TO
    beyond, tried = 0, 0
    for swaps in _every(len(differs)) if exact else _some(len(differs), seed):
        moved = summed(swaps, step)
        told = np.abs(b.value_of(base_b - moved) - a.value_of(base_a + moved))
        beyond, tried = beyond + int((told >= seen - ROUNDING).sum()), tried + len(swaps)
    return beyond / tried if exact else (beyond + 1) / (tried + 1)


def _total(rows: Any) -> Floats:
    return np.asarray(rows.sum(axis=0), dtype=float)


def _every(k: int) -> Iterator[Floats]:
    yield ((np.arange(2 ** (k - 1))[:, None] >> np.arange(k)) & 1).astype(float)


def _some(k: int, seed: int) -> Iterator[Floats]:
    drawn = np.random.default_rng(seed)
    for _ in range(DRAWN // AT_ONCE):
        octets = drawn.integers(0, 256, size=(AT_ONCE, -(-k // 8)), dtype=np.uint8)
        yield np.unpackbits(octets, axis=1, count=k).astype(float)


def dealt_anew(both: Counts, first: int, seed: int = 0) -> float:
    """Two-sided p for two groups, the `first` examples and the others: which group an example is in is dealt anew."""
    group = np.zeros(both.n)
    group[first:] = 1.0
    drawn = np.random.default_rng(seed)

    def apart(members: Floats) -> Floats:
        return np.abs(both.values(members) - both.values(1 - members))

    seen = float(apart(group[None])[0])
    beyond = 0
    for _ in range(DRAWN // AT_ONCE):
        beyond += int((apart(drawn.permuted(np.tile(group, (AT_ONCE, 1)), axis=1)) >= seen - ROUNDING).sum())
    return (beyond + 1) / (DRAWN + 1)
