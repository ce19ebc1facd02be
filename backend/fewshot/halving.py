"""Sequential halving: many candidates on few examples, the better half on more, the last ones on the most.

Karnin, Koren, Somekh (2013) "Almost optimal exploration in multi-armed bandits"; Jamieson, Talwalkar (2016)
"Non-stochastic best arm identification and hyperparameter optimization". As there, each round costs about the same.
All candidates see the same examples in the same order, so that a round only adds to the one before, and the base
(what there was before the search) is tried beside them from the first round to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import TypeVar

LEAST = 6
"""Examples of the first round: on fewer, the better half is drawn by chance."""

T = TypeVar("T")


@dataclass(frozen=True)
class Round:
    """`candidates` (the base not counted) that have each answered the first `examples` dev examples at its end."""

    candidates: int
    examples: int


@dataclass(frozen=True)
class Halving:
    """The plan of one search; known before it starts."""

    rounds: tuple[Round, ...]

    @property
    def candidates(self) -> int:
        return self.rounds[0].candidates if self.rounds else 0

    @property
    def examples(self) -> int:
        """How many examples the finalists and the base have answered at the end."""
        return self.rounds[-1].examples if self.rounds else 0

    @property
    def answers(self) -> int:
        """Answers of the whole plan, the base's among them."""
        steps = zip((Round(0, 0), *self.rounds), self.rounds, strict=False)
        return sum((after.candidates + 1) * (after.examples - before.examples) for before, after in steps)


def plan_halving(candidates: int, available: int, budget: int) -> Halving:
    """The plan that spends at most `budget` answers over `available` examples.

    Fewer candidates are planned when the budget would leave the first round under LEAST examples each, but never
    fewer than one; a budget too small even for that is overspent on one candidate and LEAST examples.
    """
    for count in range(max(1, candidates), 0, -1):
        halving = _largest(count, available, budget)
        if halving.rounds and halving.rounds[0].examples >= min(LEAST, available):
            return halving
    return Halving((Round(1, min(LEAST, available)),))


def _largest(candidates: int, available: int, budget: int) -> Halving:
    """The plan with the largest share per round that stays within the budget."""
    low, high = 0, (candidates + 1) * available
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _plan(candidates, available, middle).answers <= budget else (low, middle - 1)
    return _plan(candidates, available, low)


def _plan(candidates: int, available: int, per_round: int) -> Halving:
    rounds: list[Round] = []
    examples, left = 0, candidates
    for _ in range(max(1, ceil(log2(candidates)))):
        examples = min(available, examples + per_round // (left + 1))
        rounds.append(Round(left, examples))
        if examples == available:
            break
        left = ceil(left / 2)
    return Halving(tuple(step for step in rounds if step.examples))


def better_half(field: Sequence[T], keep: int, value: Callable[[T], float]) -> list[T]:
    """The `keep` best, in their old order; of equals the earlier (candidates are listed with the cheaper first)."""
    best = sorted(range(len(field)), key=lambda at: (-value(field[at]), at))[:keep]
    return [field[at] for at in sorted(best)]


def spread_over(groups: Iterable[tuple[str, T]]) -> list[T]:
    """The items with their groups taken in turn, so that any first few of them hold all groups that they can hold."""
    piles: dict[str, list[T]] = {}
    for name, item in groups:
        piles.setdefault(name, []).append(item)
    # The k-th of n of a group comes at (k + 1/2) / n: large groups come more often, as they do in the whole.
    placed = [
        ((at + 0.5) / len(pile), order, item)
        for order, pile in enumerate(piles.values())
        for at, item in enumerate(pile)
    ]
    return [item for _, _, item in sorted(placed, key=lambda one: one[:2])]
