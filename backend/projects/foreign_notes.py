"""Notes of a project file from elsewhere: plain values, and those that a page computes with in a form that it can."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy import delete
from sqlalchemy.orm import Session

from backend.examples.task import METRICS, Task
from backend.projects.tables import NoteRow

Whole = Annotated[int, Field(ge=0, lt=2**53)]
Time = Annotated[float, Field(ge=0, lt=1e9, allow_inf_nan=False)]
Speed = Annotated[float, Field(gt=1e-9, lt=1e9, allow_inf_nan=False)]
Figure = Annotated[float, Field(ge=0, lt=2**53, allow_inf_nan=False)]
Perplex = Annotated[float, Field(ge=1, le=1e300, allow_inf_nan=False)]
Short = Annotated[str, Field(max_length=200)]


class Chosen(BaseModel):
    """What is compared; fields that are not named here fall back to their defaults where they are read."""

    model_config = ConfigDict(extra="ignore")

    assistants: tuple[Whole, ...] = ()


class Points(BaseModel):
    """A learning curve has at least one."""

    model_config = ConfigDict(extra="ignore")

    points: tuple[dict[str, object], ...] = Field(min_length=1)


class Surprise(BaseModel):
    """The perplexity of expected outputs."""

    model_config = ConfigDict(extra="ignore")

    value: Perplex
    low: Perplex | None
    high: Perplex | None
    n: Whole
    tokens: Whole
    left_out: Whole
    split: Literal["train", "dev", "test"]
    basis: Short
    end: bool


FORMS: Final[Mapping[str, TypeAdapter[Any]]] = MappingProxyType(
    {
        "compare.swaps": TypeAdapter(list[tuple[Short, Short]]),
        "compare.choice": TypeAdapter(Chosen),
        "documents.next_id": TypeAdapter(Whole),
        "evaluation.pace.": TypeAdapter(Time),
        "evaluation.made.": TypeAdapter(Time),
        "evaluation.cost.": TypeAdapter(dict[str, Figure | None]),
        "evaluation.perplexity.": TypeAdapter(Surprise),
        "evaluation.fingerprint.": TypeAdapter(Short),
        "fewshot.speed.": TypeAdapter(Speed),
        "fewshot.curve.": TypeAdapter(Points),
    }
)
"""By the key, or by its beginning where it ends in a dot."""
MEASURED: Final = "training.probe."
"""How keys begin under which stands what this very machine took; another one's memory and times are not its own."""


def check_note(key: str, text: str) -> None:
    """Raises ValueError for a note that would stop a page; what is only unknown is left to whoever reads it."""
    value = plain(text)
    start = next((start for start in FORMS if key == start or (start.endswith(".") and key.startswith(start))), None)
    if start is not None and value is not None:
        FORMS[start].validate_python(value)
    if key == "task" and value is not None:
        _check_task(value)


def forget_measured(session: Session) -> None:
    """What another machine measured of itself goes: it is measured again here."""
    session.execute(delete(NoteRow).where(NoteRow.key.startswith(MEASURED, autoescape=True)))


def _check_task(value: object) -> None:
    try:
        task = Task.model_validate(value)
    except ValueError:
        return  # a newer studio's: it reads as none
    if task.metric not in METRICS[task.kind]:
        raise ValueError("metric")


def plain(text: str) -> Any:
    """JSON that can be shown and written again: no NaN, no infinity, no halves of letters. Raises ValueError."""
    value = json.loads(text)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    return value


def texts(text: str) -> dict[str, Any]:
    """The object in a JSON text. Raises ValueError."""
    found = plain(text)
    if not isinstance(found, dict):
        raise ValueError("object")
    return found
