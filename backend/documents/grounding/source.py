"""Where passages come from. `Answering` knows no index, only this Protocol."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from backend.assistants import Documents
from backend.documents.values import Passage


class Found(Protocol):
    """A passage that was found: its place from 1, its score, and (rank, score) by retriever."""

    @property
    def passage(self) -> Passage: ...
    @property
    def score(self) -> float: ...
    @property
    def rank(self) -> int: ...
    @property
    def by(self) -> Mapping[str, tuple[int, float]]: ...


class Retrieved(Protocol):
    """What a search came to: the chosen passages, what each retriever found, and how long each stage took."""

    @property
    def found(self) -> Sequence[Found]: ...
    @property
    def traces(self) -> Mapping[str, Sequence[Found]]: ...
    @property
    def left_out(self) -> Sequence[Found]: ...
    @property
    def skipped(self) -> Mapping[str, str]: ...
    @property
    def seconds(self) -> Mapping[str, float]: ...


class Passages(Protocol):
    """The documents of one project, as a question may be asked of them. Every method from any thread."""

    def find(self, wanted: Documents, query: str) -> Retrieved | None:
        """What the index holds for a question; None when nothing is indexed.

        Raises BadInput, NotFound, Unavailable, ModelProblem as the retrievers do.
        """

    def names(self, documents: Collection[int]) -> Mapping[int, str]:
        """The names of documents by their ids, those that there are."""
