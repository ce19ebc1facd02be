"""The known questions of a project: each with the places in the documents that answer it, and an answer if there is."""

from __future__ import annotations

import builtins
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast

from sqlalchemy import Exists, Select, delete, func, select, update

from backend.documents.measuring.places import Place
from backend.errors import BadInput, NotFound
from backend.projects.database import Database, row_id
from backend.projects.moments import moment
from backend.projects.tables import KnownQuestionRow
from backend.text_limits import clean_name, clean_text

QuestionState = Literal["proposed", "accepted"]
Origin = Literal["person", "import", "model"]
QUESTION_LIMIT: Final = 1_000
ANSWER_LIMIT: Final = 10_000
PLACES_LIMIT: Final = 50
AT_ONCE: Final = 500


@dataclass(frozen=True)
class KnownQuestion:
    """A question that is known to be answered at `places`. A proposed one does not count until a person accepts it.

    answer  "" where nobody wrote one        places  () after its documents were taken away
    origin  who wrote it: a person, a table that was brought in, a model
    """

    id: int
    question: str
    answer: str
    places: tuple[Place, ...]
    origin: Origin
    state: QuestionState
    created: datetime
    changed: datetime


class QuestionStore:
    """Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def list(
        self,
        state: QuestionState | None = None,
        offset: int = 0,
        limit: int | None = None,
        *,
        lost_first: bool = False,
        answered: bool = False,
    ) -> list[KnownQuestion]:
        """In the order in which they came, those with a lost place before all others if that is wanted.

        answered  only those that have an answer
        """
        order = ([_lost().desc()] if lost_first else []) + [KnownQuestionRow.id.asc()]
        found = select(KnownQuestionRow).order_by(*order).offset(max(offset, 0))
        if state is not None:
            found = found.where(KnownQuestionRow.state == state)
        if answered:
            found = found.where(KnownQuestionRow.answer != "")
        with self.database.read() as session:
            rows = session.scalars(found if limit is None else found.limit(max(limit, 0)))
            return [read_row(row) for row in rows]

    def count(self, state: QuestionState | None = None) -> int:
        found = select(func.count()).select_from(KnownQuestionRow)
        if state is not None:
            found = found.where(KnownQuestionRow.state == state)
        with self.database.read() as session:
            return session.scalar(found) or 0

    def accepted(self, limit: int) -> dict[int, float]:
        """Ids of the accepted ones in the order in which they came, with when each was changed last."""
        found = select(KnownQuestionRow.id, KnownQuestionRow.changed).where(KnownQuestionRow.state == "accepted")
        with self.database.read() as session:
            rows = session.execute(found.order_by(KnownQuestionRow.id).limit(limit))
            return {row.id: row.changed for row in rows}

    def lost(self) -> int:
        """How many have a place that was not found again in the new version of its document."""
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(KnownQuestionRow).where(_lost())) or 0

    def get(self, question_id: int) -> KnownQuestion:
        """Raises NotFound("error.measure_question_missing")."""
        with self.database.read() as session:
            row = session.get(KnownQuestionRow, row_id(question_id))
            if row is None:
                raise NotFound("error.measure_question_missing")
            return read_row(row)

    def add(
        self,
        question: str,
        places: Sequence[Place],
        answer: str = "",
        origin: Origin = "person",
        state: QuestionState = "accepted",
    ) -> KnownQuestion | None:
        """None when the same question with the same places is there already.

        Raises BadInput("error.measure_question" | "error.measure_place" | "error.text_too_long", ...).
        """
        fields = _checked(question=question, answer=answer, places=places)
        now = time.time()
        same = (KnownQuestionRow.question == fields["question"], KnownQuestionRow.places == fields["places"])
        with self.database.write() as session:
            if session.scalar(select(KnownQuestionRow.id).where(*same).limit(1)) is not None:
                return None
            row = KnownQuestionRow(**fields, origin=origin, state=state, created=now, changed=now)
            session.add(row)
            session.flush()
            return read_row(row)

    def edit(self, question_id: int, **changed: Any) -> KnownQuestion:
        """Change question=, answer=, places=; what a person edits is accepted with it. Raises as `add`, NotFound."""
        fields = _checked(**changed)
        with self.database.write() as session:
            row = session.get(KnownQuestionRow, row_id(question_id))
            if row is None:
                raise NotFound("error.measure_question_missing")
            for name, value in fields.items():
                setattr(row, name, value)
            row.state, row.changed = "accepted", time.time()
            session.flush()
            return read_row(row)

    def accept(self, ids: Iterable[int]) -> int:
        """How many were only proposed before."""
        changed = update(KnownQuestionRow).where(KnownQuestionRow.state == "proposed")
        return self._each(ids, lambda some: changed.where(KnownQuestionRow.id.in_(some)).values(state="accepted"))

    def remove(self, ids: Iterable[int]) -> int:
        """How many went."""
        return self._each(ids, lambda some: delete(KnownQuestionRow).where(KnownQuestionRow.id.in_(some)))

    def about(self, document_id: int) -> builtins.list[KnownQuestion]:
        """Those with a place in a document, lost or not."""
        with self.database.read() as session:
            rows = session.scalars(_about(document_id))
            return [read_row(row) for row in rows]

    def move(
        self, document_id: int, where: Callable[[Place], Place]
    ) -> tuple[builtins.list[Place], builtins.list[Place]]:
        """Put every place in a document elsewhere; the places before and after."""
        before: builtins.list[Place] = []
        after: builtins.list[Place] = []
        with self.database.write() as session:
            for row in session.scalars(_about(document_id)):
                places = read_row(row).places
                mine = [place for place in places if place.document_id == document_id]
                put = {place: where(place) for place in mine}
                before += mine
                after += put.values()
                moved = _written(sorted({put.get(place, place) for place in places}))
                if moved != row.places:
                    row.places, row.changed = moved, time.time()
        return before, after

    def _each(self, ids: Iterable[int], doing: Any) -> int:
        wanted, count = [row_id(one) for one in ids], 0
        with self.database.write() as session:
            for start in range(0, len(wanted), AT_ONCE):
                done = doing(wanted[start : start + AT_ONCE]).returning(KnownQuestionRow.id)
                count += len(session.scalars(done).all())
        return count


def _lost() -> Exists:
    within = func.json_each(KnownQuestionRow.places).table_valued("value")
    nowhere = func.json_extract(within.c.value, "$[2]") == 0
    return select(1).select_from(within).where(nowhere).correlate(KnownQuestionRow).exists()


def _about(document_id: int) -> Select[KnownQuestionRow]:
    within = func.json_each(KnownQuestionRow.places).table_valued("value")
    named = func.json_extract(within.c.value, "$[0]") == row_id(document_id)
    here = select(1).select_from(within).where(named).correlate(KnownQuestionRow).exists()
    return select(KnownQuestionRow).where(here).order_by(KnownQuestionRow.id)


def read_row(row: KnownQuestionRow) -> KnownQuestion:
    """Raises ValueError for a row that was tampered with."""
    return KnownQuestion(
        id=row.id,
        question=row.question,
        answer=row.answer,
        places=tuple(map(_place, json.loads(row.places))),
        origin=cast(Origin, row.origin),
        state=cast(QuestionState, row.state),
        created=moment(row.created),
        changed=moment(row.changed),
    )


def _place(kept: builtins.list[Any]) -> Place:
    document_id, start, end = (int(number) for number in kept[:3])
    return Place(document_id, start, end, str(kept[3]) if len(kept) > 3 else "")


def _written(places: Iterable[Place]) -> str:
    return json.dumps([list(place) for place in places], ensure_ascii=False)


def _checked(**fields: Any) -> dict[str, str]:
    kept: dict[str, str] = {}
    if "question" in fields:
        kept["question"] = clean_name(fields["question"], QUESTION_LIMIT, "error.measure_question")
    if "answer" in fields:
        kept["answer"] = clean_text(fields["answer"], ANSWER_LIMIT).strip()
    if "places" in fields:
        places: builtins.list[Place] = sorted(set(fields["places"]))
        good = all(0 <= place.start < place.end or (place.lost and place.quote) for place in places)
        if not 1 <= len(places) <= PLACES_LIMIT or not good:
            raise BadInput("error.measure_place", limit=PLACES_LIMIT)
        kept["places"] = _written(places)
    return kept
