"""Task data, answers and opinions of a project file from elsewhere: every value that a page, a metric or an undo reads.

Scores are not looked at: they can be made again, so an import comes without them (see archive).
"""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.assistants import Part
from backend.evaluation.opinions import Rated
from backend.examples.edits import PART, STAGING, Before, EditKind, check_before
from backend.examples.rows import KEPT, check_content
from backend.examples.splits import read_made
from backend.projects.foreign_notes import Time, Whole, texts
from backend.projects.moments import moment
from backend.projects.tables import AnswerRow, ExampleEditRow, ExampleRow, JudgementRow, NoteRow, RatingRow

BATCH: Final = 200
ERROR_KEY: Final = re.compile(r"error\.[a-z0-9_.-]{1,100}")
EDIT_KINDS: Final = frozenset({*get_args(EditKind), PART, STAGING})
OPINION_LIMIT: Final = 200

JUDGED: Final = frozenset({"first", "second", "tie", "equal", "unreadable", "1", "2", "3", "4", "5"})
"""What a judge can have said of two answers or of one."""


class Answered(Part):
    """The columns of an answer that are not plain texts."""

    finish: Literal["stop", "length", "stopped"] | None
    prompt_tokens: Whole | None
    answer_tokens: Whole | None
    seconds: Time | None
    first_token_s: Time | None


def check_data(session: Session) -> None:
    """Raises ValueError, TypeError, LookupError, ArithmeticError, or a StudioError that says more."""
    for row in session.execute(select(*KEPT, ExampleRow.removed_at)).yield_per(BATCH):
        check_content(row)
        for seconds in (row.created, row.changed, row.removed_at or 0.0):
            moment(seconds)
    for edit in session.scalars(select(ExampleEditRow)).yield_per(1):
        if edit.kind not in EDIT_KINDS or edit.count < 0:
            raise ValueError("edit")
        moment(edit.created)
        moment(edit.undone_at or 0.0)
        check_before(Before.model_validate_json(edit.before))
    splits = session.get(NoteRow, "splits")
    if splits is not None:
        read_made(splits.value)
    _check_answers(session)
    _check_opinions(session)


def _check_answers(session: Session) -> None:
    for row in session.execute(select(*AnswerRow.__table__.c)).yield_per(BATCH):
        Answered.model_validate({name: getattr(row, name) for name in Answered.model_fields})
        trace = texts(row.trace)
        if not isinstance(trace.get("prompt", ""), str):
            raise ValueError("prompt")
        TypeAdapter(Time | None).validate_python(trace.get("tokens_per_s"))
        texts(row.error_details)
        if row.error_key is not None and not ERROR_KEY.fullmatch(row.error_key):
            raise ValueError("error_key")
        moment(row.created)


def _check_opinions(session: Session) -> None:
    for table in (JudgementRow, RatingRow):
        for row in session.execute(select(*table.__table__.c)).yield_per(BATCH):
            who = row.judge if table is JudgementRow else row.rater
            said = JUDGED if table is JudgementRow else get_args(Rated)
            if row.verdict not in said or max(len(who), len(row.rule)) > OPINION_LIMIT:
                raise ValueError("opinion")
            texts(row.detail)
            moment(row.created)
