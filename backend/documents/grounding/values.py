"""What a trace says of the documents an answer rests on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backend.assistants import Part
from backend.documents.values import Passage

Suspicion = Literal["instruction", "markup"]
"""Why a passage is flagged: it speaks to the model, or holds marks that chat templates are made of."""


class Hit(Part):
    """What one retriever says of a passage: its place from 1, and its score as that retriever counts."""

    rank: int
    score: float


class Quoted(Part):
    """A passage in the prompt under its number, from 1. `document` is the name of its file when it was asked.

    score      of the last stage (fusion, rerank or MMR); by  what each retriever said of it
    shortened  characters left out at its end for length; passage.text is whole all the same
    """

    number: int
    document: str
    passage: Passage
    score: float = 0.0
    by: dict[str, Hit] = Field(default_factory=dict)
    suspicions: tuple[Suspicion, ...] = ()
    shortened: int = 0

    @property
    def removed(self) -> bool:
        """Whether its document was removed since, and its words with it; no passage is found without any."""
        return not self.passage.text

    @property
    def shown(self) -> str:
        """What of the passage the model read."""
        return self.passage.text[: len(self.passage.text) - self.shortened]


class Seen(Part):
    """A passage that a retriever found, whether or not it came into the prompt."""

    passage_id: str
    document: str
    page: int | None = None
    rank: int
    score: float
    beginning: str = ""


class Cut(Part):
    """A passage that was found and left out, because the model cannot hold it."""

    passage_id: str
    document: str
    page: int | None = None
    tokens: int | None = None


class Retrieval(Part):
    """How the passages were found.

    query      what was looked for; rewritten  whether the model wrote it out of a follow-up question
    retrievers what each of them found, best first, by the retriever's name
    left_out   passages that a retriever found and the last stage did not choose
    skipped    retrievers that were not asked, each with the key of the sentence that says why
    seconds    by stage
    """

    query: str = ""
    rewritten: bool = False
    retrievers: dict[str, tuple[Seen, ...]] = Field(default_factory=dict)
    left_out: int = 0
    skipped: dict[str, str] = Field(default_factory=dict)
    seconds: dict[str, float] = Field(default_factory=dict)


class Citation(Part):
    """A number that an answer names at answer[start:end]. `passage_id` is None when no passage has that number."""

    number: int
    start: int
    end: int
    passage_id: str | None = None


Support = Literal["supported", "unsupported", "no_claim", "unknown", "removed"]
"""unknown: the sentence says that the documents do not tell.

removed: a passage that the answer rested on is gone with its document, and what is left does not support the sentence:
nothing can be said of it.
"""


class Checked(Part):
    """A sentence of an answer at answer[start:end].

    share     of its content words that the passages hold, 0..1
    numbers   passages that hold most of it, best first: what it could have cited
    cited     the numbers it cites
    missing   numbers and words that no passage holds, as they stand in the sentence
    """

    start: int
    end: int
    support: Support
    share: float = 0.0
    numbers: tuple[int, ...] = ()
    cited: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
