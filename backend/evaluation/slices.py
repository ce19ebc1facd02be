"""Results by slice: one leaderboard, cut by language, length, tag, expected label or a column of the data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from backend.evaluation.comparison import Comparison
from backend.evaluation.metrics import aggregate
from backend.evaluation.values import Score
from backend.examples.example import Example

By = Literal["language", "length", "tag", "label"]
BYS: Final[tuple[By, ...]] = ("language", "length", "tag", "label")
GROUP: Final = "group:"
"""Before the name of a column, should a column be called as one of the others."""
MOST: Final = 30
"""Slices that are shown, the largest ones."""

HANGUL: Final = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ]")
LATIN: Final = re.compile("[A-Za-zÀ-ɏ]")
CLEAR: Final = 0.8
"""From this share of its letters on, a text is in one language; Korean names English things, so less is mixed."""


@dataclass(frozen=True)
class Slice:
    """One group of the compared examples.

    name    of `language` "ko", "en", "mixed" or "other"; of `length` "low-high" in characters; else the tag, label or
            the column's text ("" where the example has none)
    places  of its examples in the comparison; scores  one per compared row
    """

    name: str
    places: tuple[int, ...]
    scores: tuple[Score, ...]

    @property
    def n(self) -> int:
        return len(self.places)


def slices(comparison: Comparison, by: str) -> list[Slice]:
    """The compared examples cut `by` one of BYS, or by a column ("region", or "group:region").

    Largest first; lengths from short to long. An example with two tags is in both slices.
    """
    groups = grouped(comparison.examples, by)
    kept = sorted(groups, key=lambda name: -len(groups[name]))[:MOST]
    if by == "length":
        kept.sort(key=lambda name: int(name.split("-")[0]))
    return [Slice(name, tuple(groups[name]), _scores(comparison, groups[name])) for name in kept]


def grouped(examples: Sequence[Example], by: str) -> dict[str, list[int]]:
    """Slice name -> places of its examples."""
    names = _names(examples, by)
    groups: dict[str, list[int]] = {}
    for place, example in enumerate(examples):
        for name in names(example):
            groups.setdefault(name, []).append(place)
    return groups


def ways(comparison: Comparison) -> list[str]:
    """By what these examples can be cut, so that there are at least two slices."""
    columns = sorted({column for example in comparison.examples for column in example.groups})
    asked = [*(by for by in BYS if by != "label" or comparison.task.labelled), *(GROUP + column for column in columns)]
    return [by for by in asked if len(grouped(comparison.examples, by)) > 1]


def language(text: str) -> str:
    """ "ko", "en" (any Latin script), "mixed", or "other" for a text without such letters."""
    korean, latin = len(HANGUL.findall(text)), len(LATIN.findall(text))
    letters = korean + latin
    if not letters:
        return "other"
    if korean / letters >= CLEAR:
        return "ko"
    return "en" if latin / letters >= CLEAR else "mixed"


def _scores(comparison: Comparison, places: Sequence[int]) -> tuple[Score, ...]:
    return tuple(
        aggregate(comparison.task, comparison.metric, [scores[place] for place in places], comparison.seed)
        for scores in comparison.scores
    )


def _names(examples: Sequence[Example], by: str) -> Callable[[Example], Iterable[str]]:
    if by == "language":
        return lambda example: (language(example.text()),)
    if by == "length":
        return _length(examples)
    if by == "tag":
        return lambda example: example.tags or ("",)
    if by == "label":
        return lambda example: (example.output,)
    column = by.removeprefix(GROUP)
    return lambda example: (example.groups.get(column, ""),)


def _length(examples: Sequence[Example]) -> Callable[[Example], Iterable[str]]:
    """Thirds by length of the input; fewer parts where most are equally long."""
    lengths = sorted(len(example.text()) for example in examples)
    if not lengths:
        return lambda example: ("0-0",)
    uppers = sorted({lengths[len(lengths) * part // 3 - 1] for part in (1, 2, 3) if len(lengths) * part // 3})
    uppers[-1] = lengths[-1]
    lowers = [lengths[0], *(upper + 1 for upper in uppers[:-1])]

    def name(example: Example) -> Iterable[str]:
        length = len(example.text())
        place = next(place for place, upper in enumerate(uppers) if length <= upper)
        return (f"{lowers[place]}-{uppers[place]}",)

    return name


def sizes(examples: Sequence[Example], by: str) -> Counter[str]:
    """How many examples each slice has."""
    return Counter({name: len(places) for name, places in grouped(examples, by).items()})
