"""Scores of stored answers: measured once under the task's rule and kept; a changed rule measures anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from backend.evaluation.answer_store import ASKED_AT_ONCE, StoredAnswer
from backend.evaluation.identity import turned
from backend.evaluation.metrics import rule_key, score_example
from backend.evaluation.values import ExampleScore, Parsed
from backend.examples.example import Example
from backend.examples.task import Task
from backend.projects.database import Database
from backend.projects.tables import AnswerRow, ScoreRow


def rules_of(task: Task, examples: Sequence[Example]) -> list[str]:
    """What each example's score follows from, for `scores_of`: the same for every assistant."""
    return [rule_key(task, example) for example in examples]


def scores_of(
    database: Database,
    task: Task,
    known: str,
    examples: Sequence[Example],
    answers: Sequence[StoredAnswer],
    rules: Sequence[str] | None = None,
) -> list[ExampleScore]:
    """One score per example, in order; `answers` are those of the assistant `known`, aligned with the examples."""
    kept = _kept(database, known)
    scores: list[ExampleScore] = []
    new: dict[tuple[int, str], ExampleScore] = {}
    for example, answer, rule in zip(examples, answers, rules or rules_of(task, examples), strict=True):
        score = kept.get((answer.id, rule)) or new.get((answer.id, rule))
        if score is None:
            score = new[answer.id, rule] = score_example(task, example, answer.answer)
        scores.append(score)
    _keep(database, new)
    return scores


def _kept(database: Database, known: str) -> dict[tuple[int, str], ExampleScore]:
    found = select(ScoreRow.answer_id, ScoreRow.rule, ScoreRow.scores)
    with database.read() as session:
        rows = session.execute(found.join(AnswerRow).where(AnswerRow.assistant.in_((known, turned(known))))).all()
    return {(answer, rule): _read(json.loads(told)) for answer, rule, told in rows}


def _keep(database: Database, new: Mapping[tuple[int, str], ExampleScore]) -> None:
    if not new:
        return
    rows: list[dict[str, Any]] = [
        {"answer_id": answer, "rule": rule, "scores": json.dumps(_written(score), ensure_ascii=False)}
        for (answer, rule), score in new.items()
    ]
    with database.write() as session:
        # Another run may have made faults be forgotten since the answers were read: their scores have no place then.
        there: set[int] = set()
        for some in _lots(sorted({answer for answer, _ in new})):
            there |= set(session.scalars(select(AnswerRow.id).where(AnswerRow.id.in_(some))))
        if left := [row for row in rows if row["answer_id"] in there]:
            session.execute(insert(ScoreRow).on_conflict_do_nothing(), left)


def _lots(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + ASKED_AT_ONCE] for start in range(0, len(ids), ASKED_AT_ONCE)]


def _written(score: ExampleScore) -> list[Any]:
    return [score.parsed.value, score.parsed.rule, dict(score.values), dict(score.counts), score.expected]


def _read(told: list[Any]) -> ExampleScore:
    value, rule, values, counts, expected = told
    spans = tuple((start, end, label) for start, end, label in value) if isinstance(value, list) else value
    return ExampleScore(Parsed(spans, rule), values, {name: tuple(one) for name, one in counts.items()}, expected)
