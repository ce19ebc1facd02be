"""Answers beside each other, e.g. only those where A is right and B is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from backend.evaluation.answer_store import StoredAnswer
from backend.evaluation.comparison import Comparison
from backend.evaluation.values import ExampleScore
from backend.examples.example import Example

Which = Literal["all", "a_right_b_wrong", "b_right_a_wrong", "both_wrong", "both_right", "differ", "unreadable"]
WHICHES: Final[tuple[Which, ...]] = (
    "a_right_b_wrong",
    "b_right_a_wrong",
    "both_wrong",
    "both_right",
    "differ",
    "unreadable",
    "all",
)
CLOSE: Final = 1e-9


@dataclass(frozen=True)
class Side:
    """One assistant's answer to the example, what it was taken to say, and the metric's value of this one."""

    name: str
    answer: StoredAnswer
    score: ExampleScore
    value: float


@dataclass(frozen=True)
class SideBySide:
    """One compared example with the answers of the two assistants, A first."""

    example: Example
    sides: tuple[Side, Side]


@dataclass(frozen=True)
class Page:
    """Some of the `total` examples that match."""

    total: int
    items: tuple[SideBySide, ...]


def answers_where(
    comparison: Comparison, a: int, b: int, which: Which = "a_right_b_wrong", offset: int = 0, limit: int = 20
) -> Page:
    """Examples where the answers of the rows `a` and `b` (places in `comparison.rows`) stand as asked.

    Where an answer is not simply right or wrong (chrF, F1), "a_right_b_wrong" is "A's value is higher", furthest
    apart first, and "both_right" and "both_wrong" are by halves of the scale.
    """
    found = [place for place in range(comparison.n) if _matches(comparison, a, b, place, which)]
    if which in ("a_right_b_wrong", "b_right_a_wrong", "differ"):
        found.sort(key=lambda place: -abs(_value(comparison, a, place) - _value(comparison, b, place)))
    shown = found[max(offset, 0) :][: max(limit, 0)]
    return Page(len(found), tuple(_pair(comparison, a, b, place) for place in shown))


def counts_where(comparison: Comparison, a: int, b: int) -> dict[Which, int]:
    """How many examples each choice has."""
    every = range(comparison.n)
    return {which: sum(_matches(comparison, a, b, place, which) for place in every) for which in WHICHES}


def _matches(comparison: Comparison, a: int, b: int, place: int, which: Which) -> bool:
    one, two = _value(comparison, a, place), _value(comparison, b, place)
    scores: Sequence[ExampleScore] = (comparison.scores[a][place], comparison.scores[b][place])
    match which:
        case "a_right_b_wrong":
            return one > two + CLOSE
        case "b_right_a_wrong":
            return two > one + CLOSE
        case "both_right":
            return min(one, two) >= 0.5
        case "both_wrong":
            return max(one, two) < 0.5
        case "differ":
            return scores[0].parsed.value != scores[1].parsed.value
        case "unreadable":
            return not all(score.parsed.readable for score in scores)
        case _:
            return True


def _value(comparison: Comparison, row: int, place: int) -> float:
    return comparison.scores[row][place].values.get(comparison.metric, 0.0)


def _pair(comparison: Comparison, a: int, b: int, place: int) -> SideBySide:
    one, two = (
        Side(
            comparison.rows[row].name,
            comparison.answers[row][place],
            comparison.scores[row][place],
            _value(comparison, row, place),
        )
        for row in (a, b)
    )
    return SideBySide(comparison.examples[place], (one, two))
