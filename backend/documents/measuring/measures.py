"""The measures of one ranking, as TREC's evaluation defines them; pinned against it in tests/documents.

A ranking is a sequence of passage ids, the best first; none stands in it twice.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

Places = Sequence[Collection[str]]
"""For each place that answers the question, the passages that hold it."""


def recall(ranked: Sequence[str], places: Places, k: int) -> float:
    """The share of the places of which a passage is among the first k.

    Of places and not of passages: the same whatever their size, and two that overlap are not asked for twice.
    """
    first = set(ranked[:k])
    return sum(not first.isdisjoint(holding) for holding in places) / len(places) if places else 0.0


def ndcg(ranked: Sequence[str], relevant: Collection[str], k: int = 10) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002) with gains 0 and 1."""
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))
    gained = sum(1 / math.log2(rank + 1) for rank, one in enumerate(ranked[:k], 1) if one in relevant)
    return gained / best if best else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str], k: int = 10) -> float:
    """1 / the rank of the first relevant one among the first k, else 0; its mean over questions is MRR@k."""
    return next((1 / rank for rank, one in enumerate(ranked[:k], 1) if one in relevant), 0.0)
