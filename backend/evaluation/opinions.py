"""What models (judgements) and people (ratings) said of answers. Nothing is overwritten: the last one counts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from sqlalchemy import insert, select

from backend.errors import BadInput, NotFound
from backend.projects.database import row_id
from backend.projects.folder import Project
from backend.projects.tables import AnswerRow, JudgementRow, RatingRow
from backend.text_limits import clean_name, writable

Rated = Literal["first", "second", "tie", "both_bad"]
RATER_LIMIT: Final = 80
PAIRWISE: Final = "pairwise"
GRADES: Final = frozenset("12345")


@dataclass(frozen=True)
class Judgement:
    """`verdict` is "first", "second" or "tie" of two answers, "1".."5" of one, "unreadable", or "equal" for two
    answers of the same words, which no judge was asked about. `detail` holds what the judge wrote."""

    first_id: int
    second_id: int | None
    verdict: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Rating:
    """One person's judgement of two answers in the order in which they were shown."""

    rater: str
    first_id: int
    second_id: int
    verdict: Rated


Asked = tuple[int, int | None]


def judgements(project: Project, judge: str, rule: str) -> dict[Asked, Judgement]:
    """By (first, second) answer, the latest of each."""
    columns = (JudgementRow.first_id, JudgementRow.second_id, JudgementRow.verdict, JudgementRow.detail)
    found = select(*columns).where(JudgementRow.judge == judge, JudgementRow.rule == rule).order_by(JudgementRow.id)
    with project.database.read() as session:
        rows = session.execute(found).all()
    return {
        (first, second): Judgement(first, second, verdict, json.loads(told)) for first, second, verdict, told in rows
    }


def add_judgements(project: Project, judge: str, rule: str, new: Sequence[Judgement]) -> None:
    """Keep them, committed when this returns."""
    now = time.time()
    rows = [
        {
            "judge": judge,
            "rule": rule,
            "first_id": one.first_id,
            "second_id": one.second_id,
            "verdict": one.verdict,
            "detail": writable(json.dumps(dict(one.detail), ensure_ascii=False)),
            "created": now,
        }
        for one in new
    ]
    if rows:
        with project.database.write() as session:
            session.execute(insert(JudgementRow), rows)


def latest_judge(project: Project, rule: str) -> str | None:
    """The judge of the last judgement under this rule; None when there is none."""
    found = select(JudgementRow.judge).where(JudgementRow.rule == rule).order_by(JudgementRow.id.desc())
    with project.database.read() as session:
        return session.scalars(found.limit(1)).first()


def points(project: Project, judge: str, rule: str) -> dict[int, float]:
    """Answer id -> (points - 1) / 4, of a judge who grades from 1 to 5; what was unreadable is left out."""
    found = judgements(project, judge, rule)
    return {first: (int(one.verdict) - 1) / 4 for (first, _), one in found.items() if one.verdict in GRADES}


def latest_points(project: Project, rule: str) -> dict[int, float]:
    """What the judge that graded last by this rule gave; empty when none did."""
    judge = latest_judge(project, rule)
    return points(project, judge, rule) if judge is not None else {}


def rate(project: Project, rater: str, first_id: int, second_id: int, verdict: Rated, note: str = "") -> None:
    """Keep what a person said of two answers, in the order in which they saw them.

    Raises BadInput("error.rating" | "error.rater"), NotFound("error.answer_missing").
    """
    if verdict not in get_args(Rated) or first_id == second_id:
        raise BadInput("error.rating")
    row = RatingRow(
        rater=clean_name(rater, RATER_LIMIT, "error.rater"),
        rule=PAIRWISE,
        first_id=row_id(first_id),
        second_id=row_id(second_id),
        verdict=verdict,
        detail=json.dumps({"note": writable(note)} if note else {}, ensure_ascii=False),
        created=time.time(),
    )
    with project.database.write() as session:
        known = session.scalars(select(AnswerRow.id).where(AnswerRow.id.in_((row.first_id, row.second_id)))).all()
        if len(known) != 2:
            raise NotFound("error.answer_missing")
        session.add(row)


def ratings(project: Project, rater: str | None = None) -> list[Rating]:
    """The latest of each person and pair of answers, whichever way round it was shown."""
    columns = (RatingRow.rater, RatingRow.first_id, RatingRow.second_id, RatingRow.verdict)
    found = select(*columns).where(RatingRow.rule == PAIRWISE).order_by(RatingRow.id)
    if rater is not None:
        found = found.where(RatingRow.rater == rater)
    with project.database.read() as session:
        rows = session.execute(found).all()
    latest: dict[tuple[str, frozenset[int]], Rating] = {}
    for who, first, second, verdict in rows:
        if second is None or verdict not in get_args(Rated):
            continue  # of a newer studio
        latest[who, frozenset((first, second))] = Rating(who, first, second, cast(Rated, verdict))
    return list(latest.values())


def people_say(found: Iterable[Rating]) -> dict[frozenset[int], int | None]:
    """Per pair of answers the id that most people prefer, None for a tie (also among the people)."""
    votes: dict[frozenset[int], list[int | None]] = {}
    for rating in found:
        preferred = {"first": rating.first_id, "second": rating.second_id}.get(rating.verdict)
        votes.setdefault(frozenset((rating.first_id, rating.second_id)), []).append(preferred)
    return {pair: _majority(told) for pair, told in votes.items()}


def _majority(told: Sequence[int | None]) -> int | None:
    counts = sorted(((told.count(one), one) for one in set(told)), key=lambda pair: -pair[0])
    return counts[0][1] if len(counts) == 1 or counts[0][0] > counts[1][0] else None
