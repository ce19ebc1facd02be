"""Examples as a file to keep or to edit in a spreadsheet; what a spreadsheet would run as a formula is neutralised."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal

from backend.batch.results import XLSX_CELL, harmless
from backend.errors import BadInput
from backend.examples.example import Example
from backend.examples.store import ExampleStore
from backend.files import storing

Format = Literal["csv", "jsonl", "xlsx"]

OWN: Final = frozenset({"output", "rejected", "spans", "split", "tags", "origin"})
"""Headings of what every example may have."""

XLSX_ROWS: Final = 1_048_575
"""Rows of a sheet below its headings."""


@dataclass(frozen=True)
class _Columns:
    """Headings: the variables, then what every example has, then the groups that any has."""

    variables: tuple[str, ...]
    groups: tuple[str, ...]
    spans: bool
    rejected: bool

    def names(self) -> list[str]:
        """The columns' names; see `_variable` and `_group` for those that would come twice."""
        own = [
            *(_variable(name, self.variables) for name in self.variables),
            "output",
            *(["rejected"] if self.rejected else []),
            *(["spans"] if self.spans else []),
        ]
        own += ["split", "tags", "origin"]
        return [*own, *(_group(name, own) for name in self.groups)]

    def cells(self, example: Example) -> list[str]:
        rejected = [example.rejected or ""] if self.rejected else []
        return [
            *(example.variables.get(name, "") for name in self.variables),
            example.output,
            *rejected,
            *([_spans(example)] if self.spans else []),
            example.split or "",
            ", ".join(example.tags),
            example.origin,
            *(example.groups.get(name, "") for name in self.groups),
        ]


def export_examples(store: ExampleStore, form: Format, path: Path) -> int:
    """Write all examples into `path`, replacing it at once when all is written; how many there were.

    Raises BadInput("error.export_rows") for more than a sheet holds, StorageProblem.
    """
    count = store.counts().total
    if form == "xlsx" and count > XLSX_ROWS:
        raise BadInput("error.export_rows", count=f"{count:,}", limit=f"{XLSX_ROWS:,}")
    beside = path.with_name(f".{path.name}.part")
    with storing(path):
        try:
            {"csv": _csv, "xlsx": _xlsx, "jsonl": _jsonl}[form](beside, store)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    return count


def _variable(name: str, others: Collection[str]) -> str:
    """A variable's heading; one that is called like a part of every example gets "input_" before it."""
    return _free(f"input_{name}", others) if name in OWN else name


def _group(name: str, others: Collection[str]) -> str:
    """A group's heading; one that is called like another column gets "group_" before it."""
    return _free(f"group_{name}", others) if name in OWN or name in others else name


def _free(name: str, others: Collection[str]) -> str:
    while name in others:
        name += "_"
    return name


def _columns(store: ExampleStore) -> _Columns:
    variables: dict[str, None] = {}
    spans = rejected = False
    for example in store.each(None, "look"):
        variables.update(dict.fromkeys(example.variables))
        spans |= example.spans is not None
        rejected |= example.rejected is not None
    return _Columns(tuple(variables), tuple(store.group_names()), spans, rejected)


def _spans(example: Example) -> str:
    places = [[span.start, span.end, span.label] for span in example.spans or ()]
    return json.dumps(places, ensure_ascii=False) if example.spans is not None else ""


def _rows(store: ExampleStore) -> Iterator[Sequence[str]]:
    columns = _columns(store)
    return chain([columns.names()], (columns.cells(example) for example in store.each(None, "look")))


def _csv(path: Path, store: ExampleStore) -> None:
    # With a byte order mark, or Excel takes Korean for Latin.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([harmless(cell) for cell in row] for row in _rows(store))


def _jsonl(path: Path, store: ExampleStore) -> None:
    """What `read_source` reads back: the variables and the parts that an example has, each under its name."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for example in store.each(None, "look"):
            file.write(json.dumps(_record(example), ensure_ascii=False) + "\n")


def _record(example: Example) -> dict[str, Any]:
    record: dict[str, Any] = {_variable(name, example.variables): text for name, text in example.variables.items()}
    record["output"] = example.output
    if example.spans is not None:
        record["spans"] = [[span.start, span.end, span.label] for span in example.spans]
    if example.rejected is not None:
        record["rejected"] = example.rejected
    record |= {"split": example.split, "tags": list(example.tags), "origin": example.origin}
    return record | {_group(name, record): value for name, value in example.groups.items()}


def _xlsx(path: Path, store: ExampleStore) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("examples")

    def cell(value: str) -> object:
        text = ILLEGAL_CHARACTERS_RE.sub("", value)
        made = WriteOnlyCell(sheet, text if len(text) <= XLSX_CELL else text[: XLSX_CELL - 1] + "…")
        made.data_type = "s"  # text that begins with "=" stays text
        return made

    for row in _rows(store):
        sheet.append([cell(value) for value in row])
    book.save(path)
