"""An example as a row of the database, and back: what is let in, and in what form it is kept."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from backend.errors import BadInput
from backend.examples.example import Example, NewExample, Span, input_key
from backend.projects.tables import ExampleRow
from backend.text_limits import TEXT_LIMIT, clean_name, clean_text

TEXTS_LIMIT: Final = 1_000_000
"""Characters of one example in all."""

NAMES_LIMIT: Final = 64
"""Variables, tags or groups of one example."""

NAME_LIMIT: Final = 120
TAG_LIMIT: Final = 60
GROUP_LIMIT: Final = 200
"""Characters of a group's value; a longer one is cut, since it only names a slice."""

ENCODE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

CONTENT: Final = ("input_key", "variables", "output", "spans", "rejected", "tags", "groups", "split")
"""The columns that say what an example is; the others say where it comes from and how it went."""

KEPT: Final = (
    ExampleRow.id,
    *(getattr(ExampleRow, name) for name in CONTENT),
    ExampleRow.origin,
    ExampleRow.revision,
    ExampleRow.created,
    ExampleRow.changed,
)
"""What `read_row` reads."""


def clean_example(new: NewExample) -> dict[str, Any]:
    """The content columns of an example. Raises BadInput: too long, not text, or spans that are not in the text."""
    variables = {_name(name): tidy(text) for name, text in new.variables.items()}
    output = tidy(new.output).strip()
    rejected = None if new.rejected is None else tidy(new.rejected).strip()
    size = sum(map(len, variables.values())) + len(output) + len(rejected or "")
    if size > TEXTS_LIMIT:
        raise BadInput("error.text_too_long", length=f"{size:,}", limit=f"{TEXTS_LIMIT:,}")
    if not 1 <= len(variables) <= NAMES_LIMIT:
        raise BadInput("error.example_variables", count=len(variables), limit=NAMES_LIMIT)
    spans = None if new.spans is None else [_span(span, new.variables, variables) for span in new.spans]
    return {
        "input_key": input_key(variables),
        "variables": ENCODE(variables),
        "output": output,
        "spans": None if spans is None else ENCODE([span.model_dump() for span in spans]),
        "rejected": rejected,
        "tags": tags_text(new.tags),
        "groups": _groups_text(tuple((name, value[: GROUP_LIMIT * 4]) for name, value in new.groups.items())),
        "split": new.split,
    }


def tidy(text: str) -> str:
    """`clean_text`, with a short way for the plain line that nearly every cell is."""
    if len(text) <= TEXT_LIMIT and text.isprintable() and "\ufffd" not in text:
        return unicodedata.normalize("NFC", text)
    return clean_text(text)


@lru_cache(maxsize=1_000)
def _name(name: str) -> str:
    """A column's name comes with every row. Raises BadInput("error.variable_name")."""
    return clean_name(name, NAME_LIMIT, "error.variable_name")


def clean_tag(tag: str) -> str:
    """Raises BadInput("error.tag")."""
    return clean_name(tag, TAG_LIMIT, "error.tag")


@lru_cache(maxsize=1_000)
def tags_text(tags: tuple[str, ...]) -> str:
    """Each tag once, in the order given. Raises BadInput("error.tag")."""
    return ENCODE(list(dict.fromkeys(clean_tag(tag) for tag in tags))[:NAMES_LIMIT])


def read_row(row: Any) -> Example:
    """The example in a row of the KEPT columns (or an ExampleRow). Raises ValueError for what is none."""
    spans = None if row.spans is None else tuple(Span(**span) for span in json.loads(row.spans))
    return Example.model_construct(
        id=row.id,
        variables=json.loads(row.variables),
        output=row.output,
        spans=spans,
        rejected=row.rejected,
        tags=tuple(json.loads(row.tags)),
        groups=json.loads(row.groups),
        origin=row.origin,
        split=row.split,
        revision=row.revision,
        created=row.created,
        changed=row.changed,
    )


def check_content(row: Any) -> None:
    """A stranger's CONTENT columns hold what could have been kept here. Raises ValueError, TypeError, LookupError."""
    spans = None if row.spans is None else tuple(Span(**span) for span in json.loads(row.spans))
    example = NewExample(
        variables=json.loads(row.variables),
        output=row.output,
        spans=spans,
        rejected=row.rejected,
        tags=json.loads(row.tags),
        groups=json.loads(row.groups),
        split=row.split,
    )
    try:
        same = clean_example(example)["input_key"] == row.input_key
    except BadInput as fault:
        raise ValueError(str(fault)) from fault
    if not same:
        raise ValueError("input_key")


def _span(span: Span, before: Mapping[str, str], after: Mapping[str, str]) -> Span:
    """The span in the tidied text: composing a syllable moves everything that comes after it."""
    name = unicodedata.normalize("NFC", span.variable)
    text = before.get(span.variable)
    if text is None or not span.start < span.end <= len(text):
        raise BadInput("error.example_spans", label=span.label, start=span.start, end=span.end)
    label = clean_name(span.label, NAME_LIMIT, "error.example_label")
    if after.get(name) == text:
        return Span(start=span.start, end=span.end, label=label, variable=name)
    start, end = (len(tidy(text[:place])) for place in (span.start, span.end))
    return Span(start=start, end=end, label=label, variable=name)


@lru_cache(maxsize=1_000)
def _groups_text(groups: tuple[tuple[str, str], ...]) -> str:
    named = {_name(name): " ".join(tidy(value).split())[:GROUP_LIMIT].rstrip() for name, value in groups}
    return ENCODE(dict([(name, value) for name, value in named.items() if value][:NAMES_LIMIT]))
