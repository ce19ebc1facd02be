"""Examples that an assistant learnt from and that stand in the test split too, or nearly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from backend.assistants import Shot
from backend.examples.example import Example, NewExample
from backend.examples.near_duplicates import THRESHOLD, Match, jaccard, near_to, plain, shingles

if TYPE_CHECKING:
    from backend.projects.folder import Project

FEW: Final = 16
"""Up to so many texts are compared with each of the others; an index pays from there on."""

MOST: Final = 3
"""Test examples told for each example that leaks."""


@dataclass(frozen=True)
class Leak:
    """`left` was learnt from, `right` is a test example; `similarity` is that of their inputs, 0..1 (Jaccard)."""

    left: NewExample
    right: Example
    similarity: float
    exact: bool


def leaks(learnt: Iterable[NewExample], test: Iterable[Example]) -> list[Leak]:
    """In the order of what was learnt, the most similar first. All of both is held in memory."""
    left, right = list(learnt), list(test)
    if not left or not right:
        return []
    found = []
    for match in near([one.text() for one in right], [one.text() for one in left], MOST):
        one, other = left[match.query], right[match.text]
        found.append(Leak(one, other, match.similarity, one.input_key == other.input_key))
    return found


def check_leakage(project: Project, shots: Iterable[NewExample | Shot]) -> list[Leak]:
    """The leaks of shots or training examples into the project's test split; [] when there are none."""
    learnt = [NewExample(variables=one.variables, output=one.output) if isinstance(one, Shot) else one for one in shots]
    return leaks(learnt, project.examples.each("test", "look")) if learnt else []


def near(texts: Sequence[str], queries: Sequence[str], most: int) -> list[Match]:
    """`near_to`, without building an index for a handful of queries: 20,000 texts take 0.2 s then instead of 2 s."""
    if len(queries) > FEW:
        return near_to(texts, queries, most=most)
    asked = [shingles(plain(query)) for query in queries]
    found: list[list[Match]] = [[] for _ in queries]
    for place, text in enumerate(texts):
        theirs = shingles(plain(text))
        for number, mine in enumerate(asked):
            if min(len(mine), len(theirs)) < THRESHOLD * max(len(mine), len(theirs)):
                continue
            similarity = jaccard(mine, theirs)
            if similarity >= THRESHOLD:
                found[number].append(Match(number, place, similarity))
    best = [sorted(mine, key=lambda match: (-match.similarity, match.text))[:most] for mine in found]
    return [match for mine in best for match in mine]
