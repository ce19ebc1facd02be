"""Which examples a page asks for, as conditions of a query. Removed ones are never among them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, func, select

from backend.examples.example import Split
from backend.projects.tables import ExampleRow

ESCAPE = "\\"


@dataclass(frozen=True)
class Filter:
    """All of it must hold; what is left out does not matter.

    text   stands somewhere in the input or the output, capital or small
    split  "none" for examples in no split
    label  the whole output
    ids    only these
    """

    text: str = ""
    split: Split | Literal["none"] | None = None
    label: str | None = None
    tag: str | None = None
    origin: str | None = None
    ids: tuple[int, ...] | None = None


def live() -> ColumnElement[bool]:
    return ExampleRow.removed_at.is_(None)


def matching(asked: Filter) -> ColumnElement[bool]:
    """The filter as one condition on ExampleRow."""
    wanted = [live()]
    if asked.split is not None:
        wanted.append(ExampleRow.split.is_(None) if asked.split == "none" else ExampleRow.split == asked.split)
    if asked.label is not None:
        wanted.append(ExampleRow.output == asked.label)
    if asked.tag is not None:
        # A tag within its quotes: no other tag's JSON text holds it.
        wanted.append(func.instr(ExampleRow.tags, json.dumps(asked.tag, ensure_ascii=False)) > 0)
    if asked.origin is not None:
        wanted.append(ExampleRow.origin == asked.origin)
    if asked.ids is not None:
        wanted.append(ExampleRow.id.in_(among(asked.ids)))
    if asked.text.strip():
        wanted.append(_holds(asked.text.strip()))
    return and_(*wanted)


def among(ids: Iterable[int]) -> ScalarSelect[int]:
    """Any number of ids as one parameter: SQLite allows some thousands of them, an import brings a million."""
    value = func.json_each(json.dumps(list(ids))).table_valued("value").c.value
    return select(value).scalar_subquery()


def _holds(text: str) -> ColumnElement[bool]:
    """A quick look over the JSON text comes first; what passes is taken apart, since names stand there too."""
    quoted = json.dumps(text, ensure_ascii=False)[1:-1]
    value = func.json_each(ExampleRow.variables).table_valued("value").c.value
    within = exists(select(1).select_from(value.table).where(value.like(_like(text), escape=ESCAPE)))
    inputs = and_(ExampleRow.variables.like(_like(quoted), escape=ESCAPE), within)
    return inputs | ExampleRow.output.like(_like(text), escape=ESCAPE)


def _like(text: str) -> str:
    for sign in (ESCAPE, "%", "_"):
        text = text.replace(sign, ESCAPE + sign)
    return f"%{text}%"
