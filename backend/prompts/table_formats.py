"""One function per format, each from text or bytes to numbered rows of cells. The parsing is the libraries'."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import PurePath
from typing import Any, Literal

from backend.errors import BadInput
from backend.prompts.json_records import json_records
from backend.prompts.parquet_records import cell
from backend.prompts.table import MAX_CELL, MAX_ROWS, Format, Problem, Record, check_size

ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".txt": "txt",
    ".md": "txt",
}
DELIMITERS = ",\t;|"
NO_DELIMITER = "\x1f"
"""For a file of one column, whose commas belong to the text."""
SAMPLE = 65_536
MAX_UNPACKED = 2_000_000_000


def format_of(name: str, text: str) -> Format:
    """By the ending, or for an unknown one by what stands in it."""
    return ENDINGS.get(PurePath(name.lower()).suffix) or guess_format(text)


def guess_format(text: str) -> Format:
    """Of a text without a name: columns only where every line of the beginning has as many of them."""
    head = text[:SAMPLE].strip()
    if head.startswith(("{", "[{")):
        return "jsonl"
    first = [line for line in head.splitlines()[:50] if line.strip()]
    if first and all("\t" in line for line in first):
        return "tsv"
    widths = {len(row) for row in csv.reader(first)} if len(first) > 1 else {1}
    return "csv" if len(widths) == 1 and widths != {1} else "txt"


def delimiter_of(text: str, kind: Format) -> str:
    """What separates the cells. A first line without it means that there is but one column."""
    head = text[:SAMPLE]
    if len(text) > SAMPLE:
        head = head[: head.rfind("\n") + 1] or head
    first = next((line for line in head.splitlines() if line.strip()), "")
    if kind == "tsv" and "\t" in first:
        return "\t"
    try:
        found = csv.Sniffer().sniff(head, DELIMITERS).delimiter
    except csv.Error:
        found = ""
    if found not in DELIMITERS or not found or len(next(csv.reader([first], delimiter=found), [])) < 2:
        # The sniffer gives up on short files and falls for commas of the prose: the first line decides.
        counts = {sign: len(next(csv.reader([first], delimiter=sign), [])) for sign in DELIMITERS}
        found = max(counts, key=lambda sign: counts[sign])
        if counts[found] < 2:
            return NO_DELIMITER
    return found


def separated(text: str, name: str, delimiter: str, max_cell: int = MAX_CELL) -> tuple[list[Record], list[Problem]]:
    """CSV and TSV. Quotation marks that do not close are told, and read as the program that wrote them may have meant.

    Raises BadInput("error.table_cell" | "error.table_rows").
    """
    # The library's limit is one for the whole process; ours is never the smaller one.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * max_cell))
    try:
        return list(_records(text, name, delimiter, max_cell, strict=True)), []
    except csv.Error as fault:
        row = _row_of(fault)
    if delimiter == "\t" and (plain := _unquoted(text, name, max_cell)):
        return plain, []
    records = list(_records(text, name, delimiter, max_cell, strict=False))
    return records, [Problem("table.problem.quotes", {"row": row})]


def _unquoted(text: str, name: str, max_cell: int) -> list[Record] | None:
    """A tabbed file whose quotation marks belong to the text, as most programs write it: every row is equally wide."""
    rows = list(_records(text, name, "\t", max_cell, strict=True, quoting=csv.QUOTE_NONE))
    return rows if len({len(cells) for _, cells in rows if cells}) == 1 else None


def _records(
    text: str, name: str, delimiter: str, max_cell: int, strict: bool, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict, quoting=quoting)
    number = count = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            if "field larger" in str(fault):
                raise BadInput("error.table_cell", name=name, row=number, limit=f"{max_cell:,}") from fault
            if not strict:
                raise BadInput("error.table_broken", name=name, why=str(fault)) from fault
            raise csv.Error(number) from fault
        if number > MAX_ROWS + 1:
            raise BadInput("error.table_rows", name=name, limit=f"{MAX_ROWS:,}")
        count += len(cells)
        check_size(name, cells=count)
        yield number, cells


def _row_of(fault: csv.Error) -> int:
    return int(fault.args[0])


def lines(text: str) -> Iterator[Record]:
    """TXT: a row per line."""
    return ((number, [line]) for number, line in enumerate(text.splitlines(), 1))


def json_objects(text: str, name: str) -> tuple[list[str], Iterator[Record]]:
    """JSON lines, an array of objects, or an object with records inside: columns in order of appearance, and rows.

    Raises BadInput("error.table_json", name=, row=, why=), and "error.table_*" for what is too much.
    """
    columns: dict[str, int] = {}
    rows: list[tuple[int, list[str]]] = []
    for number, found in json_records(text, name):
        for key in found:
            columns.setdefault(str(key), len(columns))
        # Every row is as wide as all keys together: a few kilobytes of new keys would be gigabytes of empty cells.
        check_size(name, rows=len(rows), columns=len(columns), cells=len(rows) * len(columns))
        cells = [""] * len(columns)
        for key, value in found.items():
            cells[columns[str(key)]] = value if isinstance(value, str) else cell(value)
        rows.append((number, cells))
    return list(columns), ((number, [*cells, *[""] * (len(columns) - len(cells))]) for number, cells in rows)


def xlsx(raw: bytes, name: str) -> tuple[list[Record], list[Problem]]:
    """The first sheet of a workbook, formulas as their last values. Raises BadInput("error.table_*")."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
        if unpacked > MAX_UNPACKED:
            raise BadInput("error.table_large", name=name, size=unpacked // 10**6, limit=MAX_UNPACKED // 10**6)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and validations, of no interest here
            book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            try:
                return _sheet(book.worksheets, name)
            finally:
                book.close()
    except BadInput:
        raise
    except (InvalidFileException, zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError, IndexError) as fault:
        raise BadInput("error.table_xlsx", name=name) from fault
    except (AttributeError, SyntaxError) as fault:  # ElementTree's ParseError is a SyntaxError
        raise BadInput("error.table_xlsx", name=name) from fault


def _sheet(sheets: Sequence[Any], name: str) -> tuple[list[Record], list[Problem]]:
    sheets[0].reset_dimensions()  # some programs write a wrong size, which would cut the sheet off
    records: list[Record] = []
    for number, values in enumerate(sheets[0].iter_rows(values_only=True), 1):
        cells = [_xlsx_cell(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            records.append((number, cells))
            check_size(name, rows=len(records) - 1, columns=len(cells), cells=len(records) * len(records[0][1]))
    width = len(records[0][1]) if records else 0
    # A sheet has no ragged rows: a short one ends in empty cells.
    padded: list[Record] = [(number, [*cells, *[""] * (width - len(cells))]) for number, cells in records]
    more = [Problem("table.problem.sheets", {"name": sheets[0].title, "count": len(sheets) - 1})]
    return padded, more if len(sheets) > 1 else []


def _xlsx_cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() if value.time() == time(0):
            return value.date().isoformat()
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
    return str(value)
