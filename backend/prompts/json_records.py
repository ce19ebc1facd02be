"""Records out of JSON: lines of objects, an array, or one object that holds the records somewhere inside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from backend.errors import BadInput

NESTS: Final = (
    "data", "rows", "paragraphs", "qas", "document", "documents", "sentence", "sentences", "examples", "records",
    "items", "instances",
)  # fmt: skip
"""Keys under which a document keeps its records, e.g. SQuAD's data > paragraphs > qas."""
SPLITS: Final = frozenset({"train", "dev", "valid", "validation", "val", "test"})

Numbered = tuple[int, dict[str, Any]]


def json_records(text: str, name: str) -> Iterator[Numbered]:
    """The records, numbered from 1 (lines of objects by their line).

    Raises BadInput("error.table_json", name=, row=, why=).
    """
    whole = _whole(text, name)
    numbered = _lines(text, name) if whole is None else enumerate(_records(whole), 1)
    for number, found in numbered:
        if not isinstance(found, dict):
            raise BadInput("error.table_json", name=name, row=number, why=type(found).__name__)
        yield number, found


def _whole(text: str, name: str) -> Any:
    """The one value of a text, or None when it is lines of objects."""
    start = len(text) - len(text.lstrip())
    if text[start : start + 1] == "[":
        return _json(text, name, 1)
    if text[start : start + 1] != "{":
        return None
    end = text.find("\n", start)
    try:
        first = json.loads(text[start:end] if end >= 0 else text)
    except (ValueError, RecursionError):
        # An object over several lines; or a first line that is broken, which reading by lines tells.
        return _or_none(text)
    return first if end < 0 or not text[end:].strip() else None


def _or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _lines(text: str, name: str) -> Iterator[tuple[int, Any]]:
    start, number = 0, 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        number += 1
        if line := text[start:end].strip():
            yield number, _json(line, name, number)
        start = end + 1


def _json(text: str, name: str, row: int) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise BadInput("error.table_json", name=name, row=row, why=str(fault)[:200]) from fault


def _records(whole: Any) -> Iterator[Any]:
    if isinstance(whole, list):
        for item in whole:
            yield from _exploded(item, {}) if isinstance(item, dict) else [item]
        return
    splits = {key: value for key, value in whole.items() if key.lower() in SPLITS and _objects(value)}
    if splits and len(splits) == len(whole):
        for split, items in splits.items():
            for item in items:
                yield from _exploded(item, {"split": split})
    elif columns := _by_columns(whole):
        yield from columns
    else:
        yield from _exploded(whole, {}, top=True)


def _objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _exploded(item: Mapping[str, Any], carried: Mapping[str, Any], top: bool = False) -> Iterator[dict[str, Any]]:
    """The records below an object, each with the plain values of the objects above it."""
    nests = [key for key in NESTS if _objects(item.get(key))]
    lists = [key for key, value in item.items() if _objects(value)]
    if not nests and top and len(lists) == 1:
        nests = lists
    if not nests:
        yield {**carried, **item}
        return
    above = {**carried, **{key: value for key, value in item.items() if not isinstance(value, (list, dict))}}
    for below in item[nests[0]]:
        row = below.get("row")
        yield from _exploded(row if isinstance(row, dict) and "row_idx" in below else below, above)


def _by_columns(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records of a table that was written column by column, as lists or as objects of index and value; or []."""
    columns = {key: list(value.values()) if isinstance(value, dict) else value for key, value in whole.items()}
    if len(columns) < 2 or not all(isinstance(values, list) for values in columns.values()):
        return []
    heights = {len(values) for values in columns.values()}
    plain = all(not isinstance(value, (dict, list)) for values in columns.values() for value in values)
    if len(heights) != 1 or not plain:
        return []
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
