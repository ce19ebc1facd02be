"""The table and its answers together: a page to look at, and files to keep."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from backend.batch.rows import BatchConfig, RowAnswer, answered, read_answers, read_rows
from backend.errors import StorageProblem
from backend.files import storing
from backend.jobs.run import Run

Format = Literal["csv", "xlsx", "jsonl"]
Tell = Callable[[str, dict[str, Any]], str]
"""Makes a sentence of an error key and its details."""

FIELDS = ("answer", "error", "answer_tokens", "seconds")
NUMBER = re.compile(r"[+-]?\d[\d,.]*%?")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
XLSX_CELL = 32_767
"""What a cell of Excel holds; longer texts end in "…" there and are whole in CSV and JSONL."""


@dataclass(frozen=True)
class Result:
    """A row and its answer; `answer` is None while it has none."""

    index: int
    number: int
    cells: dict[str, str]
    answer: RowAnswer | None


@dataclass(frozen=True)
class Results:
    """The results of one batch run, read anew by every call."""

    folder: Path
    config: BatchConfig

    @staticmethod
    def of(run: Run) -> Results:
        """Raises StorageProblem("error.batch_table") when the run is no batch or its files are broken."""
        try:
            return Results(run.folder, BatchConfig.model_validate(run.config))
        except ValidationError as fault:
            raise StorageProblem("error.batch_table") from fault

    def counts(self) -> tuple[int, int]:
        """(finished rows, those of them that failed)."""
        lines = [b'"error_key"' in line for _, line in answered(self.folder)]
        return len(lines), sum(lines)

    def page(self, start: int = 0, count: int = 100) -> list[Result]:
        """The rows from `start` on, each with its answer if it has one."""
        found = read_answers(self.folder, range(start, start + count))
        return [
            Result(row.index, row.number, row.cells, found.get(row.index))
            for row in read_rows(self.folder, self.config.columns, start, min(count, self.config.rows - start))
        ]

    def export(self, form: Format, tell: Tell = lambda key, details: key) -> Path:
        """Write all rows with what is answered so far into a file of the run, and return it. Raises StorageProblem."""
        stem = re.sub(r"[^\w-]+", "-", Path(self.config.name).stem).strip("-") or "table"
        path = self.folder / "output" / f"{stem}-answers.{form}"
        beside = path.with_name(f".{path.name}")
        with storing(path):
            {"csv": _csv, "xlsx": _xlsx, "jsonl": _jsonl}[form](beside, self._columns(), self._records(tell))
            beside.replace(path)
        return path

    def _columns(self) -> list[str]:
        """The table's columns and ours, which give way when the table has one of that name."""
        names = list(self.config.columns)
        for field in FIELDS:
            while field in names:
                field += "_2"
            names.append(field)
        return names

    def _records(self, tell: Tell) -> Iterator[list[str | int | float | None]]:
        found = read_answers(self.folder, range(self.config.rows))
        for row in read_rows(self.folder, self.config.columns, 0, self.config.rows):
            one = found.get(row.index, RowAnswer(row=row.index))
            fault = tell(one.error_key, one.error_details) if one.error_key else None
            yield [*row.cells.values(), one.answer, fault, one.answer_tokens, one.seconds]


def harmless(cell: object) -> object:
    """A text that a spreadsheet would run as a formula gets an apostrophe before it; a plain number is none."""
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def _csv(path: Path, columns: list[str], records: Iterator[list[Any]]) -> None:
    # With a byte order mark, or Excel takes Korean for Latin.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(harmless, columns))
        writer.writerows([harmless(cell) for cell in record] for record in records)


def _jsonl(path: Path, columns: list[str], records: Iterator[list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(dict(zip(columns, record, strict=True)), ensure_ascii=False) + "\n")


def _xlsx(path: Path, columns: list[str], records: Iterator[list[Any]]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("answers")

    def cell(value: object) -> object:
        if not isinstance(value, str):
            return value
        text = ILLEGAL_CHARACTERS_RE.sub("", value)
        made = WriteOnlyCell(sheet, text if len(text) <= XLSX_CELL else text[: XLSX_CELL - 1] + "…")
        made.data_type = "s"  # text that begins with "=" stays text
        return made

    for record in chain([columns], records):
        sheet.append([cell(value) for value in record])
    book.save(path)
