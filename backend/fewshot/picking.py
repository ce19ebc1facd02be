"""Picking a few out of many, once for all questions. Pure functions: the same seed picks the same.

Each takes shots (or their space) and returns indices into them, in the order of picking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from backend.assistants import Shot

if TYPE_CHECKING:
    from backend.fewshot.embedding import Space

ODD_SHARE = 0.1
"""Of a pool, the least typical, which `spread` leaves out: farthest-first picking runs after outliers."""


def at_random(shots: Sequence[Shot], count: int, seed: int) -> list[int]:
    return Random(seed).sample(range(len(shots)), min(count, len(shots)))


def balanced(shots: Sequence[Shot], count: int, seed: int) -> list[int]:
    """As many of each answer as of every other, in turns, so that no answer stands last in a block.

    Of more answers than shots the most frequent ones come first: they cover the most questions.
    """
    draw = Random(seed)
    by_answer: dict[str, list[int]] = {}
    for index in draw.sample(range(len(shots)), len(shots)):
        by_answer.setdefault(shots[index].output.strip(), []).append(index)
    answers = list(by_answer)  # in the order of the draw
    if len(answers) > count:
        answers.sort(key=lambda answer: -len(by_answer[answer]))
    picked: list[int] = []
    while len(picked) < min(count, len(shots)):
        for answer in answers:
            if by_answer[answer] and len(picked) < count:
                picked.append(by_answer[answer].pop())
    return picked


def spread(space: Space, count: int, seed: int) -> list[int]:
    """Points that cover the pool: greedy k-centre (Gonzalez 1985), each the farthest from those before.

    Begins at a drawn point; the least typical tenth is left out.
    """
    import numpy as np

    points: Any = space.points
    size = points.shape[0]
    typical = points @ np.asarray(points.mean(axis=0)).ravel()
    nearest = np.zeros(size, dtype=np.float32)
    if count <= size * (1 - ODD_SHARE):
        nearest[np.argsort(typical, kind="stable")[: int(size * ODD_SHARE)]] = np.inf
    free = np.flatnonzero(nearest == 0)
    picked = [int(free[Random(seed).randrange(len(free))])] if count and size else []
    while len(picked) < min(count, size):
        nearest = np.maximum(nearest, points @ points[picked[-1]].toarray()[0])
        nearest[picked] = np.inf
        picked.append(int(np.argmin(nearest)))
    return picked


def marginal(space: Space, ranked: Sequence[int], relevance: Any, count: int, share: float = 0.5) -> list[int]:
    """Maximal marginal relevance (Carbonell & Goldstein 1998) among the ranked: near the question, unlike the rest.

    relevance  similarity of each point of the space to the question; `share` is its weight, 0..1
    """
    import numpy as np

    among = list(ranked)
    points: Any = space.points[among]
    told = np.zeros(len(among), dtype=np.float32)
    open_ = np.ones(len(among), dtype=bool)
    picked: list[int] = []
    while len(picked) < min(count, len(among)):
        worth = share * np.asarray(relevance)[among] - (1 - share) * told
        best = int(np.argmax(np.where(open_, worth, -np.inf)))
        open_[best] = False
        picked.append(among[best])
        told = np.maximum(told, points @ points[best].toarray()[0])
    return picked


def in_turns(outputs: Sequence[str]) -> list[int]:
    """Indices with the answers taking turns; each is spread evenly over the whole."""
    by_answer: dict[str, list[int]] = {}
    for index, output in enumerate(outputs):
        by_answer.setdefault(output, []).append(index)
    # Spaced evenly: the k-th of n shots of an answer belongs at (k + 1/2) / n of the way.
    at = {
        index: ((place + 0.5) / len(indices), -len(indices))
        for indices in by_answer.values()
        for place, index in enumerate(indices)
    }
    return sorted(range(len(outputs)), key=lambda index: (at[index], index))


def answers_repeat(outputs: Sequence[str]) -> bool:
    """Whether the answers look like labels: at most half as many different ones as shots."""
    return len(outputs) >= 2 and len({output.strip() for output in outputs}) * 2 <= len(outputs)


def least_shown(outputs: Sequence[str], ranked: Sequence[int], shown: Sequence[int], count: int) -> list[int]:
    """`count` more of the ranked: each time the best-ranked of the answers that were shown least."""
    seen = Counter(outputs[index].strip() for index in shown)
    left = list(ranked)
    picked: list[int] = []
    while left and len(picked) < count:
        place = min(range(len(left)), key=lambda at: (seen[outputs[left[at]].strip()], at))
        index = left.pop(place)
        seen[outputs[index].strip()] += 1
        picked.append(index)
    return picked
