"""How fast shots are chosen among very many: near-duplicates, and the nearest eight to one input.

    python -m tests.benchmarks.selection [--full]

100,000 inputs are made of the words of the Korean and English reviews that come with the studio, every twentieth a
near-copy of another. An assistant's own pool is far smaller (2,000); its figures stand in `detail`. The aims of
`near_duplicates_s` and `peak_mb` are this program's own.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable
from functools import partial
from random import Random
from statistics import median

from backend.assistants import Examples, Method, Selection, Shot
from backend.examples.near_duplicates import near_duplicates
from backend.fewshot.choosing import POOL_SHOTS
from backend.fewshot.embedding import Space
from backend.fewshot.nearest import ShotChooser, nearest_first
from backend.settings import ASSETS
from tests.benchmarks.report import Figure, median_of, report

EXAMPLES = 100_000
NEAREST = 8
ASKED = 50


def words() -> list[str]:
    with (ASSETS / "samples" / "reviews.csv").open(encoding="utf-8-sig") as file:
        return [word for row in csv.DictReader(file) for word in row["input"].split()]


def inputs(count: int, seed: int = 0) -> list[str]:
    """Texts of 6 to 16 words; every twentieth one repeats an earlier one with one word changed."""
    draw, known = Random(seed), words()
    made: list[str] = []
    while len(made) < count:
        if made and len(made) % 20 == 0:
            copy = made[draw.randrange(len(made))].split()
            copy[draw.randrange(len(copy))] = draw.choice(known)
            made.append(" ".join(copy))
        else:
            made.append(" ".join(draw.choices(known, k=draw.randint(6, 16))))
    return made


def seconds(do: Callable[[], object]) -> float:
    since = time.perf_counter()
    do()
    return time.perf_counter() - since


def duplicates(texts: list[str]) -> Figure:
    groups: list[list[int]] = []
    taken = seconds(lambda: groups.extend(near_duplicates(texts)))
    return Figure("near_duplicates_s", round(taken, 2), "s", "<= 60", {"examples": len(texts), "groups": len(groups)})


def nearest(texts: list[str], asked: int) -> Figure:
    spaces: list[Space] = []
    fitted = seconds(lambda: spaces.append(Space(texts)))
    questions = inputs(asked + 1, seed=1)
    ask = [1000 * seconds(partial(nearest_in, spaces[0], text)) for text in questions]
    detail = {"examples": len(texts), "fit_s": round(fitted, 2), **pools(texts[:POOL_SHOTS], questions)}
    return median_of("nearest_ms", ask[1:], "ms", "<= 20", **detail)


def nearest_in(space: Space, text: str) -> list[int]:
    return nearest_first(space.similarities(text), NEAREST)


def pools(texts: list[str], questions: list[str]) -> dict[str, object]:
    """Milliseconds per question of each method, with the pool of an assistant, the first question (index) apart."""
    shots = tuple(Shot(variables={"input": text}, output=str(number % 3)) for number, text in enumerate(texts))
    methods: tuple[Method, ...] = ("nearest_embedding", "nearest_bm25", "mixed")
    found: dict[str, object] = {"pool": len(shots)}
    for method in methods:
        examples = Examples(shots=shots, selection=Selection(method=method, count=NEAREST, order="nearest_last"))
        choose = partial(ShotChooser().shots_for, examples)
        taken = [1000 * seconds(partial(choose, {"input": text})) for text in questions]
        found[f"{method}_first_ms"] = round(taken[0], 1)
        found[f"{method}_ms"] = round(median(taken[1:]), 2)
    return found


def peak(texts: int) -> Figure:
    """Of this whole process, Python and libraries included."""
    if sys.platform == "win32":
        return Figure("peak_mb", None, "MB", "<= 1500", {"why": "this system does not tell the peak of a process"})
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return Figure("peak_mb", round(used, 1), "MB", "<= 1500", {"examples": texts})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--full", action="store_true", help="more questions")
    asked = 4 * ASKED if options.parse_args().full else ASKED
    texts = inputs(EXAMPLES)
    figures: list[Callable[[], Figure]] = [
        partial(duplicates, texts),
        partial(nearest, texts, asked),
        partial(peak, len(texts)),
    ]
    report(figure() for figure in figures)


if __name__ == "__main__":
    main()
