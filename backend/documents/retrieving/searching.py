"""A question to an index: retrievers, fusion, rerank, MMR, in this order, each timed and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from backend.assistants import Documents
from backend.documents.embedding.model import Embedder
from backend.documents.index.index import Index, searched
from backend.documents.index.within import ALL, Within
from backend.documents.retrieving.choosing import Rerankers, mmr
from backend.documents.retrieving.fusing import rrf, weighted
from backend.documents.retrieving.values import Found, Retrieved
from backend.documents.values import Passage
from backend.errors import ModelProblem, Refused, Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_WHOLE: Final = 2_000
"""Passages that "whole" hands over at most: far more than any context holds."""
LONGEST: Final = 4_000
"""Characters of a question that are searched for."""
NO_LANGUAGE: Final = "retrieval.skipped_language"
NOT_REACHED: Final = "retrieval.skipped_unavailable"
NO_VECTORS: Final = "retrieval.skipped_no_vectors"
Hits = list[tuple[int, float]]


def search(
    index: Index,
    query: str,
    wanted: Documents,
    *,
    within: Within = ALL,
    embedder: Callable[[], Embedder],
    rerankers: Rerankers,
) -> Retrieved:
    """The passages for a question. `within` is what the filter of `wanted` lets through.

    Raises Refused("error.index_no_vectors" | "error.retrieval_whole", ...), Unavailable, ModelProblem, StorageProblem.
    """
    asked = Search(index, asked_for(query), wanted, within, embedder, rerankers)
    return asked.whole() if wanted.retriever == "whole" else asked.ranked()


def asked_for(query: str) -> str:
    """What of a question is searched for: its beginning, without halves of letters, which no index can hold."""
    return query[: 2 * LONGEST].encode("utf-8", "ignore").decode("utf-8").replace("\0", " ").strip()[:LONGEST]


class Search:
    """One question on its way through the stages."""

    def __init__(
        self,
        index: Index,
        query: str,
        wanted: Documents,
        within: Within,
        embedder: Callable[[], Embedder],
        rerankers: Rerankers,
    ) -> None:
        self.index, self.query, self.wanted, self.within = index, query, wanted, within
        self.embedder, self.rerankers = embedder, rerankers
        self.stages: dict[str, Hits] = {}
        self.passages: dict[int, Passage] = {}
        self.seconds: dict[str, float] = {}
        self.skipped: dict[str, str] = {}

    def whole(self) -> Retrieved:
        """Every passage in reading order, documents in the order in which they came."""
        with self._timed("whole"):
            documents = None if self.within.documents is None else sorted(self.within.documents)
            rows = [row for row, _ in self.index.rows.rows_of(documents)]
            if len(rows) > MOST_WHOLE:
                raise Refused("error.retrieval_whole", passages=len(rows), most=MOST_WHOLE)
            found = self.index.rows.by_row(rows)
            languages = self.within.languages
            passages = [found[row] for row in rows if row in found]
            passages = [one for one in passages if not languages or one.language in languages]
        all_found = tuple(Found(one, 0.0, rank) for rank, one in enumerate(passages, 1))
        return Retrieved(found=all_found, traces={"whole": all_found}, seconds=self.seconds)

    def ranked(self) -> Retrieved:
        wanted = self.wanted
        if not self.query or self.within.nothing:
            return Retrieved(found=())
        hits = self._retrieved()
        pool = hits[: max(wanted.candidates, wanted.top_k)]
        if wanted.rerank and pool:
            with self._timed("rerank"):
                hits = pool = self._reranked(pool)
        if wanted.mmr is not None and pool:
            with self._timed("mmr"):
                points = {} if self.skipped.get("dense") == NOT_REACHED else self._points(pool)
                self.stages["mmr"] = mmr(pool, points, wanted.mmr, wanted.top_k)
        return self._told(pool)

    # --- the stages

    def _retrieved(self) -> Hits:
        """What the retriever finds; of hybrid, what both find, fused."""
        way = self.wanted.retriever
        count = max(self.wanted.candidates, self.wanted.top_k)
        if way == "hybrid":
            self._why_not_dense()
        if way == "keyword":
            with self._timed("keyword"):
                self.stages["keyword"] = self.index.keyword(self.query, count, self.within)
        if way in ("bm25", "hybrid"):
            with self._timed("bm25"):
                self.stages["bm25"] = self.index.bm25(self.query, count, self.within)
        if way == "dense":
            self._dense(count)
        if way == "hybrid" and "dense" not in self.skipped:
            try:
                self._dense(count)
            except (Unavailable, ModelProblem):
                self.skipped["dense"] = NOT_REACHED
        with self._timed("passages"):
            self._load()
        if way == "hybrid" and "dense" in self.stages:
            with self._timed("fusion"):
                self.stages["fusion"] = self._fused()
            return self.stages["fusion"]
        return self.stages["bm25" if way == "hybrid" else way]

    def _why_not_dense(self) -> None:
        """Points of a model that does not know the question's language would only push good passages down."""
        model = self.index.settings.embedding
        if model.kind == "none":
            self.skipped["dense"] = NO_VECTORS
        elif not model.understands(self.query):
            self.skipped["dense"] = NO_LANGUAGE

    def _dense(self, count: int) -> None:
        if self.index.vectors is None:
            raise Refused("error.index_no_vectors")
        with self._timed("embedding"):
            point = self.embedder().query(self.query)
        with self._timed("dense"):
            self.stages["dense"] = self.index.nearest(point, count, self.within)

    def _fused(self) -> Hits:
        words, points = self.stages["bm25"], self.stages["dense"]
        if self.wanted.fusion == "rrf":
            return rrf([words, points], self.wanted.rrf_k)
        share = self.wanted.dense_weight
        return weighted([(words, 1 - share), (points, share)])

    def _reranked(self, pool: Hits) -> Hits:
        texts = [searched(self.passages[row]) for row, _ in pool]
        scores = self.rerankers.scores(self.wanted.rerank, self.query, texts)
        again = [(row, score) for (row, _), score in zip(pool, scores, strict=True)]
        self.stages["rerank"] = sorted(again, key=lambda hit: -hit[1])
        return self.stages["rerank"]

    def _points(self, pool: Hits) -> dict[int, NDArray[np.float32]]:
        return self.index.points([row for row, _ in pool])

    # --- telling

    def _load(self) -> None:
        """The passages of everything found; what was replaced or dropped meanwhile is not there any more."""
        rows = list(dict.fromkeys(row for hits in self.stages.values() for row, _ in hits))
        self.passages = self.index.rows.by_row(rows)
        self.stages = {
            name: [(row, score) for row, score in hits if row in self.passages] for name, hits in self.stages.items()
        }

    def _told(self, pool: Hits) -> Retrieved:
        last = self.stages.get("mmr", pool)
        chosen = {row for row, _ in last[: self.wanted.top_k]}
        by: dict[int, dict[str, tuple[int, float]]] = {}
        for name, hits in self.stages.items():
            for rank, (row, score) in enumerate(hits, 1):
                by.setdefault(row, {})[name] = (rank, score)
        return Retrieved(
            found=self._found(last[: self.wanted.top_k], by),
            traces={name: self._found(hits, by) for name, hits in self.stages.items()},
            left_out=self._found([hit for hit in pool if hit[0] not in chosen], by),
            skipped=self.skipped,
            seconds=self.seconds,
        )

    def _found(
        self, hits: Sequence[tuple[int, float]], by: dict[int, dict[str, tuple[int, float]]]
    ) -> tuple[Found, ...]:
        return tuple(Found(self.passages[row], score, rank, by[row]) for rank, (row, score) in enumerate(hits, 1))

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        since = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - since
