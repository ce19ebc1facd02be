"""Ways of searching over all known questions: what each finds of the places that answer them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, get_args

from pydantic import Field

from backend.assistants import Documents, Part
from backend.documents.index.index import Index
from backend.documents.measuring.measures import ndcg, recall, reciprocal_rank
from backend.documents.measuring.places import Place, holders
from backend.documents.measuring.questions import KnownQuestion
from backend.documents.values import Passage
from backend.errors import Refused, StudioError
from backend.jobs.run import Details

Way = Literal["keyword", "bm25", "dense", "hybrid"]
Measure = Literal["recall", "ndcg", "mrr"]
WAYS: Final[tuple[Way, ...]] = get_args(Way)
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
CUT: Final = 10
"""nDCG and MRR look at the first ten."""

Ask = Callable[[Documents, str], Sequence[Passage]]
"""(how, question) -> the passages that are found, the best first."""


class Sought(Part):
    """Of a known question what is needed to measure by it."""

    id: int
    question: str
    places: tuple[Place, ...]


class Asked(Part):
    """A question that can be measured: of each of its places, the passages of this index that hold it."""

    id: int
    question: str
    places: tuple[frozenset[str], ...]

    @property
    def relevant(self) -> frozenset[str]:
        return frozenset[str]().union(*self.places)


class Row(Part):
    """One way of searching: its figures, one per question in the order they were asked; or why it could not be asked.

    recall  by k
    """

    way: Way
    recall: dict[int, tuple[float, ...]] = Field(default_factory=dict)
    ndcg: tuple[float, ...] = ()
    mrr: tuple[float, ...] = ()
    error_key: str | None = None
    error_details: Details = Field(default_factory=dict)

    def values(self, measure: Measure, k: int) -> tuple[float, ...]:
        return self.recall.get(k, ()) if measure == "recall" else getattr(self, measure)


class Measured(Part):
    """What measuring came to; kept with the project so that the page shows it again.

    index     key of the index's settings        generation  of what was in it
    left_out  questions none of whose places is in a passage: removed, failed, lost or not indexed yet
    model_written  how many of `questions` a model wrote, out of the passages themselves
    """

    index: str
    generation: int
    questions: tuple[int, ...]
    left_out: tuple[int, ...] = ()
    model_written: int = 0
    k: int
    when: float
    rows: tuple[Row, ...]


def askable(index: Index, questions: Iterable[KnownQuestion | Sought]) -> tuple[list[Asked], list[int]]:
    """The questions that this index can be measured by, and the ids of those none of whose places is in it."""
    every = asked_in(index, questions)
    return [one for one in every if one.relevant], [one.id for one in every if not one.relevant]


def asked_in(index: Index, questions: Iterable[KnownQuestion | Sought]) -> list[Asked]:
    """Each question with the passages of this index that hold its places; a place in none counts as not found.

    A place that is lost counts for nothing: nobody knows what should be found.
    """
    passages: dict[int, list[Passage]] = {}
    found = []
    for one in questions:
        places = [place for place in one.places if not place.lost]
        for place in places:
            if place.document_id not in passages:
                passages[place.document_id] = index.passages(place.document_id)
        held = tuple(holders(passages[place.document_id], place) for place in places)
        found.append(Asked(id=one.id, question=one.question, places=held))
    return found


def measure_way(
    ask: Ask, wanted: Documents, asked: Sequence[Asked], ks: Sequence[int], heard: Callable[[], None] = lambda: None
) -> Row:
    """One way of searching over all questions. `heard` is called after each; what it raises ends it.

    A way that this index cannot be asked in (no points, no model) comes back with its fault.
    """
    deep = max(CUT, *ks)
    documents = wanted.model_copy(update={"top_k": deep, "candidates": max(wanted.candidates, deep)})
    found: dict[int, list[float]] = {k: [] for k in ks}
    gains: list[float] = []
    firsts: list[float] = []
    way = way_of(wanted)
    for one in asked:
        try:
            ranked = [passage.id for passage in ask(documents, one.question)]
        except StudioError as fault:
            return Row(way=way, error_key=fault.key, error_details=_plain(fault.details))
        for k in ks:
            found[k].append(recall(ranked, one.places, k))
        gains.append(ndcg(ranked, one.relevant, CUT))
        firsts.append(reciprocal_rank(ranked, one.relevant, CUT))
        heard()
    return Row(way=way, recall={k: tuple(values) for k, values in found.items()}, ndcg=tuple(gains), mrr=tuple(firsts))


def way_of(wanted: Documents) -> Way:
    """Raises Refused("error.measure_whole"): what is given whole is not searched."""
    if wanted.retriever == "whole":
        raise Refused("error.measure_whole")
    return wanted.retriever


def _plain(details: Mapping[str, object]) -> Details:
    keep = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, keep) else str(value) for name, value in details.items()}
