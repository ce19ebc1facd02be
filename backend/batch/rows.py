"""What a batch keeps in its run folder: the rows as they were read, and the answers, a JSON line each.

input/rows.jsonl       [number in the person's file, cell, cell, ...] of row 0, 1, 2, ...
output/answers.jsonl   {"row": 0, ...} in order of completion, only ever appended
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.assistants import Assistant
from backend.documents.grounding.values import Quoted
from backend.errors import StorageProblem
from backend.files import storing
from backend.jobs.run import Count, Details, Span
from backend.prompts.table import Table

SYNC_S = 0.5
PREFIX = b'{"row":'


class BatchConfig(BaseModel):
    """What is in a batch run's config.

    mapping  variable of the template -> column
    rows     how many rows are answered, the first ones of the table
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    assistant: Assistant
    columns: tuple[str, ...]
    mapping: dict[str, str]
    rows: int
    name: str = "table.csv"


@dataclass(frozen=True)
class Row:
    """A row of the table: its place from 0, its number in the person's file, its cells by column."""

    index: int
    number: int
    cells: dict[str, str]


class RowAnswer(BaseModel):
    """One finished row. Either `answer` or `error_key` is set. Seconds; counts in tokens, None where unknown."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    row: int
    answer: str | None = None
    finish: str | None = None
    prompt_tokens: Count | None = None
    answer_tokens: Count | None = None
    seconds: Span | None = None
    error_key: str | None = None
    error_details: Details = Field(default_factory=dict)
    passages: tuple[Quoted, ...] = ()
    """Of an assistant with documents: what the answer rests on."""


def rows_file(folder: Path) -> Path:
    return folder / "input" / "rows.jsonl"


def answers_file(folder: Path) -> Path:
    return folder / "output" / "answers.jsonl"


def write_rows(path: Path, table: Table, count: int) -> None:
    """Raises StorageProblem."""
    with storing(path), path.open("w", encoding="utf-8", newline="\n") as file:
        for number, cells in islice(zip(table.numbers, table.cells, strict=True), count):
            file.write(json.dumps([number, *cells], ensure_ascii=False) + "\n")


def read_rows(folder: Path, columns: Collection[str], start: int = 0, count: int | None = None) -> Iterator[Row]:
    """The rows from `start` on. Raises StorageProblem("error.batch_table") when the file was changed or is gone."""
    try:
        with rows_file(folder).open("rb") as file:
            end = None if count is None else start + count
            for index, line in enumerate(islice(file, start, end), start):
                number, *cells = json.loads(line)
                if not all(isinstance(cell, str) for cell in cells):
                    raise TypeError("a cell is no text")
                yield Row(index, int(number), dict(zip(columns, cells, strict=True)))
    except (OSError, ValueError, TypeError, OverflowError, RecursionError) as fault:
        raise StorageProblem("error.batch_table") from fault


def answered(folder: Path) -> Iterator[tuple[int, bytes]]:
    """(row, its line) of every finished row, without parsing more than the row's place. Tolerates a torn last line."""
    path = answers_file(folder)
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            place = line[len(PREFIX) : line.find(b",")].strip()
            if line.endswith(b"\n") and line.startswith(PREFIX) and place.isdigit():
                yield int(place), line


def read_answers(folder: Path, wanted: Collection[int]) -> dict[int, RowAnswer]:
    """The finished ones among the wanted rows."""
    found = {}
    for row, line in answered(folder):
        if row in wanted:
            try:
                found[row] = RowAnswer.model_validate_json(line)
            except ValidationError:
                continue  # a line that was tampered with counts as not there
    return found


class AnswersWriter:
    """Appends finished rows; a context manager. What `add` returned from outlives a kill of the process.

    Opening cuts off the torn line that a power cut or a full disk may have left. Raises StorageProblem.
    """

    def __init__(self, folder: Path) -> None:
        self._path = answers_file(folder)
        with storing(self._path):
            self._path.parent.mkdir(exist_ok=True)
            _cut_torn_line(self._path)
            self._file = self._path.open("ab")
        self._synced = time.monotonic()

    def add(self, answer: RowAnswer) -> None:
        with storing(self._path):
            self._file.write(answer.model_dump_json(exclude_defaults=True).encode() + b"\n")
            self._file.flush()
            if time.monotonic() - self._synced > SYNC_S:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()

    def __enter__(self) -> AnswersWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        with storing(self._path):
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
                self._file.close()


def _cut_torn_line(path: Path) -> None:
    if not path.is_file():
        return
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65_536)
            file.seek(start)
            last = file.read(end - start).rfind(b"\n")
            if last >= 0:
                file.truncate(start + last + 1)
                return
            end = start
        file.truncate(0)


def variables_of(row: Row, mapping: Mapping[str, str]) -> dict[str, str]:
    """The variables of one row."""
    return {variable: row.cells[column] for variable, column in mapping.items()}
