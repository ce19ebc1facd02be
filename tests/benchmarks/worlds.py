"""Worlds with a known truth, from which scores of examples are drawn: what `statistics` measures intervals against.

A world draws n examples answered by `assistants` assistants whose answers hang together, as answers to the same
examples do; `truth` is each one's score over endlessly many examples.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from backend.evaluation.counts import counts_of
from backend.evaluation.metrics.generation import bleu_counts, chrf_counts
from backend.evaluation.values import ExampleScore, Parsed
from backend.examples.task import Metric

Floats = NDArray[np.float64]
Drawing = Callable[[np.random.Generator, int], list[list[ExampleScore]]]

READ = Parsed("", "metrics.rule.text")
EVENLY = (np.arange(100_000) + 0.5) / 100_000
"""The middles of 100,000 equal slices of 0..1, over which a truth is averaged."""


@dataclass(frozen=True)
class World:
    name: str
    metric: Metric
    truth: tuple[float, ...]
    draw: Drawing


def latent(rng: np.random.Generator, n: int, shifts: Sequence[float], alike: float) -> Floats:
    """Uniform numbers, assistants x n, correlated as `alike`: how well each does on each example."""
    shared = rng.standard_normal(n)
    own = rng.standard_normal((len(shifts), n))
    return np.asarray(ndtr(np.sqrt(alike) * shared + np.sqrt(1 - alike) * own + np.asarray(shifts)[:, None]))


def valued(metric: Metric, values: Floats) -> list[list[ExampleScore]]:
    return [[ExampleScore(READ, {metric: float(value)}) for value in row] for row in values]


def shares(name: str, right: Sequence[float], alike: float = 0.5) -> World:
    """Right-or-wrong answers, right with these probabilities."""
    shifts = [float(ndtri(one)) for one in right]
    told = {True: ExampleScore(READ, {"accuracy": 1.0}), False: ExampleScore(READ, {"accuracy": 0.0})}

    def draw(rng: np.random.Generator, n: int) -> list[list[ExampleScore]]:
        return [[told[bool(one)] for one in row] for row in latent(rng, n, shifts, alike) > 0.5]

    return World(name, "accuracy", tuple(right), draw)


def graded(name: str, none: float, full: float, shifts: Sequence[float] = (0.0,), alike: float = 0.5) -> World:
    """Scores between 0 and 1 with a heap of 0 (share `none`), a heap of 1 (share `full`) and even in between."""

    def values(drawn: Floats) -> Floats:
        return np.asarray(np.clip((drawn - none) / (1 - none - full), 0, 1))

    def truth(shift: float) -> float:
        return float(values(ndtr(ndtri(EVENLY) + shift)).mean())

    def draw(rng: np.random.Generator, n: int) -> list[list[ExampleScore]]:
        return valued("rouge_l", values(latent(rng, n, shifts, alike)))

    return World(name, "rouge_l", tuple(map(truth, shifts)), draw)


def unlike(name: str) -> World:
    """Two assistants of equal mean and nothing else: one always middling, one very good or very bad."""

    def draw(rng: np.random.Generator, n: int) -> list[list[ExampleScore]]:
        return valued("rouge_l", np.stack([rng.beta(20, 20, n), rng.beta(0.4, 0.4, n)]))

    return World(name, "rouge_l", (0.5, 0.5), draw)


def labels(name: str, count: int, right: Sequence[float], rarer: float = 1.0, alike: float = 0.5) -> World:
    """Classification into `count` labels, each `rarer` times as common as the one before; macro F1."""
    often = np.array([rarer**place for place in range(count)])
    often /= often.sum()
    names = [f"l{place}" for place in range(count)]

    def draw(rng: np.random.Generator, n: int) -> list[list[ExampleScore]]:
        wanted = rng.choice(count, n, p=often)
        good = latent(rng, n, [0.0] * len(right), alike) < np.asarray(right)[:, None]
        other = (wanted + rng.integers(1, count, (len(right), n))) % count
        # Of the wrong answers one in ten cannot be read.
        unread = rng.random((len(right), n)) < 0.1
        return [
            [
                ExampleScore(Parsed(names[w] if g else None if u else names[o], ""), {}, expected=names[w])
                for w, g, o, u in zip(wanted, *row, strict=True)
            ]
            for row in zip(good, other, unread, strict=True)
        ]

    def truth(good: float) -> float:
        # Wrong answers that can be read fall evenly on the other labels.
        given = often * good + (1 - often) * (1 - good) * 0.9 / (count - 1)
        return float((2 * often * good / (often + given)).mean())

    return World(name, "macro_f1", tuple(map(truth, right)), draw)


def spans(name: str, found: Sequence[float], invented: float = 0.3, alike: float = 0.5) -> World:
    """Entities: on average 1.5 per sentence, found with these probabilities, hard sentences harder; `invented` ones."""

    def draw(rng: np.random.Generator, n: int) -> list[list[ExampleScore]]:
        wanted = rng.poisson(1.5, n)
        ease = latent(rng, n, [0.0] * len(found), alike)
        chance = np.clip(np.asarray(found)[:, None] + 0.4 * (ease - 0.5), 0, 1)
        right = rng.binomial(wanted, chance)
        given = right + rng.poisson(invented, right.shape)
        return [
            [
                ExampleScore(READ, {}, {"span_f1": (float(r), float(g), float(w))})
                for r, g, w in zip(*row, wanted, strict=True)
            ]
            for row in zip(right, given, strict=True)
        ]

    def truth(one: float) -> float:
        hit = 1.5 * float(np.clip(one + 0.4 * (EVENLY - 0.5), 0, 1).mean())
        return 2 * hit / (hit + invented + 1.5)

    return World(name, "span_f1", tuple(map(truth, found)), draw)


def texts(name: str, metric: Metric, kept: Sequence[float]) -> World:
    """Sentences of which each assistant keeps these shares of the words and garbles the others; chrF or BLEU."""
    rows = [list(_sentences(metric, one)) for one in kept]
    truth = tuple(counts_of(metric, row).value() for row in rows)

    def draw(rng: np.random.Generator, n: int) -> list[list[ExampleScore]]:
        chosen = rng.integers(0, len(rows[0]), n)
        return [[row[place] for place in chosen] for row in rows]

    return World(name, metric, truth, draw)


@cache
def _sentences(metric: Metric, kept: float, count: int = 2_000) -> tuple[ExampleScore, ...]:
    drawn = random.Random(f"{kept}")
    words = ["".join(drawn.choice("abcdeiklmnorstu") for _ in range(drawn.randint(2, 9))) for _ in range(400)]
    same = random.Random(1)
    count_them = chrf_counts if metric == "chrf" else bleu_counts
    scores = []
    for _ in range(count):
        sentence = [same.choice(words) for _ in range(same.randint(3, 25))]
        ease = same.random() * 0.4 - 0.2
        answer = [word if drawn.random() < kept + ease else drawn.choice(words) for word in sentence]
        scores.append(ExampleScore(READ, {}, {metric: count_them(" ".join(sentence), " ".join(answer))}))
    return tuple(scores)
