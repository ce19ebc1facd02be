"""Two or more rankings into one.

SciFact, nDCG@10 with 50 candidates of each, questions of the train half / of the test half: BM25 0.700 / 0.685, dense
(all-MiniLM-L6-v2) 0.660 / 0.645; reciprocal ranks with k = 60 0.720 / 0.714, with k = 10 0.727 / 0.719; weighted with
0.5 0.731 / 0.726. Ranks stay the usual choice: they need no weight that another collection would want otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Hits = Sequence[tuple[int, float]]
"""(row id, score), the best first."""


def rrf(rankings: Sequence[Hits], k: int) -> list[tuple[int, float]]:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): the sum of 1 / (k + rank), the best first."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, (row, _) in enumerate(ranking, 1):
            scores[row] = scores.get(row, 0.0) + 1.0 / (k + rank)
    return _sorted(scores)


def weighted(rankings: Sequence[tuple[Hits, float]]) -> list[tuple[int, float]]:
    """The weighted sum of scores that were each brought to 0..1 over what its retriever found, the best first.

    What a retriever did not find has its lowest score, 0.
    """
    scores: dict[int, float] = {}
    for ranking, weight in rankings:
        for row, score in _even(ranking).items():
            scores[row] = scores.get(row, 0.0) + weight * score
    return _sorted(scores)


def _even(ranking: Hits) -> dict[int, float]:
    if not ranking:
        return {}
    low, high = min(score for _, score in ranking), max(score for _, score in ranking)
    return {row: (score - low) / (high - low) if high > low else 1.0 for row, score in ranking}


def _sorted(scores: Mapping[int, float]) -> list[tuple[int, float]]:
    """Equals in the order in which they were met."""
    return sorted(scores.items(), key=lambda hit: -hit[1])
