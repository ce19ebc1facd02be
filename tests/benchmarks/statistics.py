"""Are the intervals honest, and the verdicts? On simulated answers whose truth is known.

python -m tests.benchmarks.statistics [--full]

coverage      how often the 95 % intervals hold the truth, of the kind that is furthest off; a kind is an interval at
              few (10 to 30) or at more examples, over several truths. Each cell is in the detail
false_better  how often alike assistants are called different, of the kind where that happens most; of a family the
              share of families in which it happens at all
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_context
from zlib import crc32

import numpy as np

from backend.evaluation.intervals import apart
from backend.evaluation.statistics import paired, score_of
from backend.evaluation.verdicts import family
from tests.benchmarks import worlds
from tests.benchmarks.report import Figure, report
from tests.benchmarks.worlds import World

FEW = 30
"""Up to so many examples are few."""


@dataclass(frozen=True)
class Cell:
    """One thing to try: `trials` draws of n examples; `make` builds the world in the process that tries it."""

    kind: str
    make: Callable[..., World]
    given: tuple[object, ...]
    n: int
    trials: int

    def rng(self) -> np.random.Generator:
        """Draws of its own for every cell, so that their chance errors do not add up; the same in every run."""
        return np.random.default_rng(crc32(repr((self.kind, self.given, self.n)).encode()))

    @property
    def band(self) -> str:
        return f"{self.kind}, {'few' if self.n <= FEW else 'more'}"


@dataclass(frozen=True)
class Result:
    cell: Cell
    world: str
    share: float
    beside: float | None = None


def covered(cell: Cell) -> Result:
    """How often the interval of one score holds the truth; beside it the percentile bootstrap's."""
    world = cell.make(*cell.given)
    rng = cell.rng()
    hits = 0
    for _ in range(cell.trials):
        interval = score_of(world.metric, world.draw(rng, cell.n)[0])[1]
        hits += interval.low - 1e-9 <= world.truth[0] <= interval.high + 1e-9
    return Result(cell, world.name, hits / cell.trials, percentile(world, cell.n) if cell.n <= FEW else None)


def percentile(world: World, n: int, trials: int = 200, resamples: int = 500) -> float:
    """What the usual bootstrap's 2.5 and 97.5 percentiles would have held."""
    from backend.evaluation.counts import counts_of

    rng = np.random.default_rng(n)
    hits = 0
    for _ in range(trials):
        weights = rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)
        low, high = np.percentile(counts_of(world.metric, world.draw(rng, n)[0]).values(weights), [2.5, 97.5])
        hits += low - 1e-9 <= world.truth[0] <= high + 1e-9
    return hits / trials


def difference_covered(cell: Cell) -> Result:
    """How often the interval of a difference holds the true one; kinds that begin with "gap" are of two groups."""
    world = cell.make(*cell.given)
    rng = cell.rng()
    true = world.truth[1] - world.truth[0]
    hits = 0
    for _ in range(cell.trials):
        a, b = world.draw(rng, cell.n)
        if cell.kind.startswith("gap"):
            # What `gap` does for its interval, without its slow test.
            b = world.draw(rng, cell.n)[1]
            low, high = apart(score_of(world.metric, a), score_of(world.metric, b))
        else:
            told = paired(world.metric, a, b)
            low, high = told.low, told.high
        hits += low - 1e-9 <= true <= high + 1e-9
    return Result(cell, world.name, hits / cell.trials)


def falsely_better(cell: Cell) -> Result:
    """How often alike assistants are told apart, at least once in their family."""
    world = cell.make(*cell.given)
    rng = cell.rng()
    assert all(abs(a - b) < 0.003 for a, b in combinations(world.truth, 2)), "these are not alike"
    wrong = 0
    for _ in range(cell.trials):
        drawn = world.draw(rng, cell.n)
        told = family(world.metric, [(str(place), scores) for place, scores in enumerate(drawn)])
        wrong += any(verdict.outcome in ("better", "worse") for verdict in told.values())
    return Result(cell, world.name, wrong / cell.trials)


def coverage_cells(times: int) -> Iterable[Cell]:
    for n in (10, 20, 30, 50, 100, 300):
        for right in (0.03, 0.1, 0.3, 0.5, 0.8, 0.9, 0.97):
            yield Cell("wilson", worlds.shares, (f"{right} right", [right]), n, 500 * times)
        for none, full in ((0.0, 0.0), (0.4, 0.35), (0.05, 0.8), (0.85, 0.02)):
            name = f"{none} none, {full} full"
            yield Cell("mean", worlds.graded, (name, none, full), n, 500 * times)
    for n in (20, 30, 50, 100, 300):
        for count, right, rarer in ((2, 0.8, 1.0), (2, 0.95, 0.3), (3, 0.7, 0.6), (5, 0.97, 1.0), (10, 0.6, 0.8)):
            name = f"{count} labels, {right} right, x{rarer}"
            yield Cell("macro F1", worlds.labels, (name, count, [right], rarer), n, 300 * times)
        for found in (0.3, 0.6, 0.85):
            yield Cell("span F1", worlds.spans, (f"{found} found", [found]), n, 300 * times)
        for metric in ("chrf", "bleu"):
            yield Cell(metric, worlds.texts, (f"{metric}, 0.6 kept", metric, [0.6]), n, 300 * times)


def difference_cells(times: int) -> Iterable[Cell]:
    for n in (10, 20, 30, 50, 100, 300):
        for first, second, alike in (
            (0.6, 0.6, 0.5),
            (0.5, 0.75, 0.5),
            (0.8, 0.9, 0.5),
            (0.9, 0.4, 0.5),
            (0.5, 0.5, 0.2),
            (0.3, 0.6, 0.2),
        ):
            two = (f"{first} and {second}, alike {alike}", [first, second], alike)
            yield Cell("paired shares", worlds.shares, two, n, 400 * times)
            yield Cell("gap of shares", worlds.shares, two, n, 200 * times)
    for n in (10, 20, 30, 50, 100):
        for none, full, shift, alike in (
            (0.4, 0.35, 0.5, 0.7),
            (0.0, 0.0, 0.3, 0.9),
            (0.1, 0.6, 0.0, 0.7),
            (0.2, 0.2, 0.0, 0.3),
        ):
            given = (f"{none} none, {full} full, +{shift}, alike {alike}", none, full, [0.0, shift], alike)
            yield Cell("paired means", worlds.graded, given, n, 250 * times)
            yield Cell("gap of means", worlds.graded, given, n, 250 * times)
    for n in (20, 30, 60, 150):
        yield Cell("paired macro F1", worlds.labels, ("3 labels, 0.6 and 0.75", 3, [0.6, 0.75], 0.7), n, 300 * times)
        yield Cell("paired span F1", worlds.spans, ("0.5 and 0.65", [0.5, 0.65]), n, 300 * times)
        yield Cell("paired chrf", worlds.texts, ("chrf, 0.5 and 0.6", "chrf", [0.5, 0.6]), n, 300 * times)


def alike_cells(times: int) -> Iterable[Cell]:
    for n in (20, 50, 200):
        yield Cell("pair, shares", worlds.shares, ("0.7 right", [0.7] * 2), n, 750 * times)
        yield Cell("family of 6, shares", worlds.shares, ("0.7 right", [0.7] * 6), n, 60 * times)
    for n in (10, 30, 100):
        yield Cell("pair, means", worlds.graded, ("0.4 none, 0.35 full", 0.4, 0.35, [0.0] * 2), n, 150 * times)
        yield Cell("pair, means of unlike spread", worlds.unlike, ("beta 20 and 0.4",), n, 300 * times)
    yield Cell("family of 4, means", worlds.graded, ("0.1 none, 0.6 full", 0.1, 0.6, [0.0] * 4), 30, 150 * times)
    for n in (30, 100):
        yield Cell("pair, macro F1", worlds.labels, ("3 labels, 0.7 right", 3, [0.7] * 2, 0.7), n, 100 * times)
        yield Cell("pair, span F1", worlds.spans, ("0.6 found", [0.6] * 2), n, 100 * times)


def by_kind(results: Sequence[Result], name: Callable[[Cell], str]) -> dict[str, float]:
    """The share of each kind, over its cells by their trials."""
    sums: dict[str, list[float]] = {}
    for result in results:
        hits, trials = sums.setdefault(name(result.cell), [0.0, 0.0])
        sums[name(result.cell)] = [hits + result.share * result.cell.trials, trials + result.cell.trials]
    return {kind: round(hits / trials, 4) for kind, (hits, trials) in sums.items()}


def told(results: Sequence[Result]) -> list[str]:
    return [
        f"{one.cell.kind}, n {one.cell.n}, {one.world}: {one.share:.3f}"
        + (f" (percentile bootstrap {one.beside:.3f})" if one.beside is not None else "")
        for one in results
    ]


def coverage(results: Sequence[Result]) -> Figure:
    kinds = by_kind(results, lambda cell: cell.band)
    furthest = max(kinds, key=lambda kind: abs(kinds[kind] - 0.95))
    aim = ">= 0.93" if kinds[furthest] < 0.95 else "<= 0.97"
    detail = {"kind": furthest, "aim": "0.93 to 0.97", "kinds": kinds, "cells": told(results)}
    trials = sum(one.cell.trials for one in results)
    return Figure("coverage", kinds[furthest], "", aim, {**detail, "trials": trials})


def false_better(results: Sequence[Result]) -> Figure:
    kinds = by_kind(results, lambda cell: cell.kind)
    most = max(kinds, key=lambda kind: kinds[kind])
    trials = sum(one.cell.trials for one in results)
    detail = {"kind": most, "kinds": kinds, "cells": told(results), "trials": trials}
    return Figure("false_better", kinds[most], "", "<= 0.05", detail)


def measure(full: bool) -> Iterable[Figure]:
    times = 20 if full else 2
    started = time.perf_counter()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        alike = [pool.submit(falsely_better, cell) for cell in alike_cells(times)]
        apart = [pool.submit(difference_covered, cell) for cell in difference_cells(times)]
        single = [pool.submit(covered, cell) for cell in coverage_cells(times)]
        yield coverage([one.result() for one in [*single, *apart]])
        yield false_better([one.result() for one in alike])
    yield Figure("seconds", round(time.perf_counter() - started, 1), "s", "<= 300")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="ten times the trials")
    report(measure(parser.parse_args().full))
