"""What a search came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.documents.values import Passage


@dataclass(frozen=True)
class Found:
    """A passage that was found.

    rank   from 1       score  of the stage that decided its place
    by     what each retriever or stage said of it: (rank, score) by name
    """

    passage: Passage
    score: float
    rank: int
    by: dict[str, tuple[int, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Retrieved:
    """The passages to be read, the best first, and how they came about.

    traces    what each retriever and stage found, the best first, by name: keyword, bm25, dense, fusion, rerank, mmr
    left_out  what a retriever found and the last stage did not choose, in the order of the stage before
    skipped   retrievers that were not asked, each with the key of the sentence that says why
    seconds   of each stage, by name; "embedding" is the question's
    """

    found: tuple[Found, ...]
    traces: dict[str, tuple[Found, ...]] = field(default_factory=dict)
    left_out: tuple[Found, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
