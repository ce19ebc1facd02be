"""The answers of a project's assistants: each input asked once per assistant, kept with its trace, and found again."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.sqlite import insert

from backend.answering import Answer
from backend.documents.grounding.figures import Grounding, counts_of, grounding_of
from backend.errors import NotFound, StudioError
from backend.projects.database import Database, row_id
from backend.projects.tables import AnswerRow
from backend.text_limits import writable

ASKED_AT_ONCE: Final = 500
"""Keys named in one statement; with more of them the assistant's rows are read through."""

Source = tuple[int, str, int | None, tuple[str, ...]]
"""A passage that an answer was given: its number, its document's name, its page, the headings above it."""
_SOURCES: Final = TypeAdapter(list[Source])


@dataclass(frozen=True)
class NewAnswer:
    """What is to be kept. Either `text` is the answer, or `error_key` says why this input got none.

    assistant  the fingerprint; input_key  of the example; trace  what of the Trace has no column, as plain values
    Seconds; counts in tokens, None where unknown.
    """

    assistant: str
    input_key: str
    text: str = ""
    finish: str | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    seconds: float | None = None
    first_token_s: float | None = None
    error_key: str | None = None
    error_details: Mapping[str, Any] = field(default_factory=dict)
    trace: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(assistant: str, input_key: str, answer: Answer) -> NewAnswer:
        trace = answer.trace
        return NewAnswer(
            assistant,
            input_key,
            answer.text,
            trace.finish,
            trace.prompt_tokens,
            trace.answer_tokens,
            round(trace.total_s, 4),
            None if trace.first_token_s is None else round(trace.first_token_s, 4),
            trace={"prompt": trace.prompt, "tokens_per_s": trace.tokens_per_s, **_rests_on(answer)},
        )

    @staticmethod
    def failed(assistant: str, input_key: str, fault: StudioError) -> NewAnswer:
        keep = (str, int, float, bool, type(None))
        plain = {name: value if isinstance(value, keep) else str(value) for name, value in fault.details.items()}
        return NewAnswer(assistant, input_key, error_key=fault.key, error_details=plain)


@dataclass(frozen=True)
class StoredAnswer:
    """One that is kept; fields as of NewAnswer. The prompt is read on its own (`AnswerStore.trace`)."""

    id: int
    assistant: str
    input_key: str
    text: str
    finish: str | None
    prompt_tokens: int | None
    answer_tokens: int | None
    seconds: float | None
    first_token_s: float | None
    error_key: str | None
    error_details: Mapping[str, Any]
    created: float

    @property
    def answer(self) -> str | None:
        """The text, None when this input could not be answered."""
        return None if self.error_key is not None else self.text


COLUMNS: Final = (
    AnswerRow.id,
    AnswerRow.assistant,
    AnswerRow.input_key,
    AnswerRow.text,
    AnswerRow.finish,
    AnswerRow.prompt_tokens,
    AnswerRow.answer_tokens,
    AnswerRow.seconds,
    AnswerRow.first_token_s,
    AnswerRow.error_key,
    AnswerRow.error_details,
    AnswerRow.created,
)


class AnswerStore:
    """The table `answers` of one project. From any thread, and from several processes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def have(self, assistant: str, keys: Collection[str] | None = None) -> set[str]:
        """Which inputs (of `keys`) this assistant has answered, or failed at for their own fault."""
        with self._database.read() as session:
            found = select(AnswerRow.input_key).where(AnswerRow.assistant == assistant)
            if keys is None or len(keys) > ASKED_AT_ONCE:
                had = set(session.scalars(found))
                return had if keys is None else had.intersection(keys)
            return set(session.scalars(found.where(AnswerRow.input_key.in_(keys))))

    def get(self, assistant: str, keys: Collection[str] | None = None) -> dict[str, StoredAnswer]:
        """The answers by input key, those of `keys` that there are."""
        query = select(*COLUMNS).where(AnswerRow.assistant == assistant)
        few = keys is not None and len(keys) <= ASKED_AT_ONCE
        if few:
            query = query.where(AnswerRow.input_key.in_(keys or ()))
        wanted = None if few or keys is None else set(keys)
        with self._database.read() as session:
            rows = session.execute(query)
            return {row[2]: _stored(row) for row in rows if wanted is None or row[2] in wanted}

    def by_id(self, ids: Collection[int]) -> dict[int, StoredAnswer]:
        """Answers by their ids, those that there are."""
        found: dict[int, StoredAnswer] = {}
        with self._database.read() as session:
            for some in _lots(ids):
                rows = session.execute(select(*COLUMNS).where(AnswerRow.id.in_(some)))
                found |= {row[0]: _stored(row) for row in rows}
        return found

    def trace(self, answer_id: int) -> dict[str, Any]:
        """What else is known of how it came about: {"prompt": the exact text, "tokens_per_s": ...}. Raises NotFound."""
        with self._database.read() as session:
            row = session.get(AnswerRow, row_id(answer_id))
            if row is None:
                raise NotFound("error.answer_missing")
            told: dict[str, Any] = json.loads(row.trace)
            return told

    def groundings(self, ids: Collection[int]) -> dict[int, Grounding]:
        """How these answers rest on their passages, by their ids; those without passages are left out."""
        return counts_of((number, json.loads(told)) for number, told in self._of_traces(ids, "$.grounding"))

    def sources(self, ids: Collection[int]) -> dict[int, list[Source]]:
        """Where the passages stand that these answers were given, by the answers' ids."""
        return {number: _sources(told) for number, told in self._of_traces(ids, "$.sources")}

    def _of_traces(self, ids: Collection[int], part: str) -> Iterator[tuple[int, str]]:
        """(id, JSON) of this part of the answers' traces, of those that have it."""
        told = func.json_extract(AnswerRow.trace, part)
        with self._database.read() as session:
            for some in _lots(ids):
                rows = session.execute(select(AnswerRow.id, told).where(AnswerRow.id.in_(some), told.is_not(None)))
                yield from ((row[0], row[1]) for row in rows)

    def add(self, new: Sequence[NewAnswer]) -> None:
        """Keep them, committed when this returns. An input that has its answer already keeps the first one."""
        if not new:
            return
        now = time.time()
        with self._database.write() as session:
            session.execute(insert(AnswerRow).on_conflict_do_nothing(), [_row(answer, now) for answer in new])

    def forget_faults(self, assistant: str, keys: Collection[str]) -> int:
        """Let inputs that failed be asked again; says how many there were."""
        gone = 0
        with self._database.write() as session:
            for some in _lots(keys):
                doomed = delete(AnswerRow).where(
                    AnswerRow.assistant == assistant, AnswerRow.error_key.is_not(None), AnswerRow.input_key.in_(some)
                )
                gone += session.execute(doomed).rowcount  # type: ignore[attr-defined]  # a delete has one
        return gone

    def count(self, assistant: str) -> int:
        with self._database.read() as session:
            found = session.scalar(select(func.count()).where(AnswerRow.assistant == assistant))
            return int(found or 0)


def _rests_on(answer: Answer) -> dict[str, Any]:
    """Of an answer with passages: which they were, and the counts of what they support."""
    if answer.trace.retrieval is None:
        return {}
    counts = grounding_of(answer.text, answer.trace.passages)
    passages = [one.passage.id for one in answer.trace.passages]
    sources = [
        [one.number, one.document, one.passage.page, list(one.passage.headings)] for one in answer.trace.passages
    ]
    return {"grounding": counts.model_dump(), "passages": passages, "sources": sources}


def _sources(told: str) -> list[Source]:
    """A project from elsewhere holds what its file held: what cannot be read is left out."""
    try:
        return _SOURCES.validate_json(told)
    except ValidationError:
        return []


def _stored(row: Sequence[Any]) -> StoredAnswer:
    details = json.loads(row[10]) if row[10] != "{}" else {}
    told: tuple[Any, ...] = (*row[:10], details, row[11])
    return StoredAnswer(*told)


def _row(answer: NewAnswer, now: float) -> dict[str, Any]:
    return {
        "assistant": answer.assistant,
        "input_key": answer.input_key,
        "text": writable(answer.text),
        "finish": answer.finish,
        "trace": writable(json.dumps(dict(answer.trace), ensure_ascii=False)),
        "prompt_tokens": answer.prompt_tokens,
        "answer_tokens": answer.answer_tokens,
        "seconds": answer.seconds,
        "first_token_s": answer.first_token_s,
        "error_key": answer.error_key,
        "error_details": writable(json.dumps(dict(answer.error_details), ensure_ascii=False)),
        "created": now,
    }


def _lots(values: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(values)
    while some := list(islice(left, ASKED_AT_ONCE)):
        yield some
