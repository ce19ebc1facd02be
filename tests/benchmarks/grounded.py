"""How long a person waits for the first cited token of an answer from documents, against the same without documents.

    python -m tests.benchmarks.grounded [--model FOLDER] [--passages N] [--pairs N]

One assistant, one engine, the same questions, asked with documents and without in turn, in pairs, after one pair that
opens models and index: the figures are medians over the pairs. What a model cites is its own affair and a small one
cites nothing, so each answer begins with a "[" that is given (prefill): the first token that the model writes is then
the first of a citation, on both sides. A model may end there and then; a pair with such an answer has nothing to
compare, is left out and counted (`without_token`), and the next question asked, up to three times as many as wanted.
The time holds everything from the question on: its embedding, the retrievers, the prompt with passages and the first
token. Nothing is known of what it should be, so there are no aims; most of it is the longer prompt, and so the model's
and the machine's. The index is filled as `query` fills its own.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from backend.answering import Answering, Question, Trace
from backend.assistants import Assistant, Decoding, Documents, ModelRef
from backend.documents.embedding.embedders import Embedders
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.grounding.source import Retrieved
from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings
from backend.documents.index.within import ALL
from backend.documents.retrieving.choosing import Rerankers
from backend.documents.retrieving.searching import search
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.settings import Settings
from tests.benchmarks.query import CORPUS, corpus, filled, questions
from tests.benchmarks.report import Figure, median_of, report

OPENED = "["
NEW_TOKENS = 8
"""Enough for a first one that can be shown; what follows it is not looked at."""


class IndexPassages:
    """One index, as a project's passages are asked for."""

    def __init__(self, index: Index, embedders: Embedders, settings: Settings) -> None:
        self._index, self._embedders, self._rerankers = index, embedders, Rerankers(settings)

    def find(self, wanted: Documents, query: str) -> Retrieved | None:
        return search(
            self._index,
            query,
            wanted,
            within=ALL,
            embedder=lambda: self._embedders.open(self._index.settings.embedding),
            rerankers=self._rerankers,
        )

    def names(self, documents: Collection[int]) -> Mapping[int, str]:
        return {number: f"{number}.txt" for number in documents}


@dataclass(frozen=True)
class Pair:
    """One question with documents and without."""

    grounded: Trace
    bare: Trace

    @property
    def waited_s(self) -> tuple[float, float]:
        return self.grounded.first_token_s or 0.0, self.bare.first_token_s or 0.0

    @property
    def retrieval_s(self) -> float:
        return sum(self.grounded.retrieval.seconds.values()) if self.grounded.retrieval else 0.0


def pairs(answering: Answering, assistant: Assistant, asked: list[str], wanted: int) -> tuple[list[Pair], int]:
    """So many pairs, and how many were left out. The first question opens models and index, and is not counted."""
    bare, found, without = assistant.model_copy(update={"documents": None}), list[Pair](), 0
    for place, text in enumerate([asked[0], *asked]):
        question = Question({"input": text}, prefill=OPENED)
        order = (assistant, bare) if place % 2 else (bare, assistant)
        told = {one.documents is None: list(answering.answer(one, question))[-1].trace for one in order}
        pair = Pair(told[False], told[True])
        if not place:
            continue
        if all(pair.waited_s):
            found.append(pair)
        else:
            without += 1
        if len(found) == wanted:
            break
    return found, without


NAMES = (("first_cited_more_s", "s"), ("first_cited_ratio", "x"), ("retrieval_share", "of time"))


def figures(found: list[Pair], without: int, passages: int) -> Iterator[Figure]:
    if not found:
        told = {"why": "no answer had a token", "without_token": without, "passages": passages}
        yield from (Figure(name, None, unit, "", {**told}) for name, unit in NAMES)
        return
    waited = [pair.waited_s for pair in found]
    detail: dict[str, object] = {
        "passages": passages,
        "points": "made",
        "grounded_s": round(median(one for one, _ in waited), 3),
        "bare_s": round(median(other for _, other in waited), 3),
        "retrieval_ms": round(1000 * median(pair.retrieval_s for pair in found), 1),
        "prompt_tokens": round(median(pair.grounded.prompt_tokens or 0 for pair in found)),
        "bare_prompt_tokens": round(median(pair.bare.prompt_tokens or 0 for pair in found)),
        "pairs": len(found),
        "without_token": without,
        "quoted": round(median(len(pair.grounded.passages) for pair in found)),
        "cut": round(median(len(pair.grounded.cut) for pair in found)),
    }
    values = (
        [one - other for one, other in waited],
        [one / other for one, other in waited],
        [pair.retrieval_s / pair.waited_s[0] for pair in found],
    )
    for (name, unit), value in zip(NAMES, values, strict=True):
        yield median_of(name, value, unit, "", **detail)
        detail = {}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", type=Path, help="a folder of weights; without it the practice model")
    options.add_argument("--passages", type=int, default=10_000)
    options.add_argument("--pairs", type=int, default=15)
    options.add_argument("--corpus", type=Path, default=CORPUS)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home) / "home", offline=True)
        endpoints = Endpoints(settings.home, offline=True)
        host, embedders = ModelHost(settings, endpoints), Embedders(settings, endpoints)
        model = add_folder(settings, str(chosen.model)) if chosen.model else ModelRef()
        assistant = Assistant(model=model, decoding=Decoding(max_new_tokens=NEW_TOKENS), documents=Documents())
        texts = corpus(chosen.corpus, chosen.passages)
        # The points mean nothing here, so the model is asked in both languages: the time is what is looked at.
        index = filled(Path(home), IndexSettings(embedding=EmbeddingModel(languages="multi")), texts, chosen.passages)
        answering = Answering(host, IndexPassages(index, embedders, settings))
        try:
            found, without = pairs(answering, assistant, questions(texts, 3 * chosen.pairs), chosen.pairs)
        finally:
            index.close()
            host.close()
        report(figures(found, without, chosen.passages))


if __name__ == "__main__":
    main()
