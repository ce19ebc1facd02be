"""One function per format, each from text or bytes to numbered rows of cells. The parsing is the libraries'."""

from __future__ import annotations

import csv
import io
import json
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import PurePath
from typing import Any, Literal

from backend.errors import BadInput
from backend.prompts.table import MAX_CELL, MAX_ROWS, Problem, Record

Format = Literal["csv", "tsv", "jsonl", "txt"]

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


def separated(text: str, name: str, delimiter: str) -> tuple[list[Record], list[Problem]]:
    """CSV and TSV. Quotation marks that do not close are told, and read as the program that wrote them may have meant.

    Raises BadInput("error.table_cell" | "error.table_rows").
    """
    # The library's limit is one for the whole process; ours is never the smaller one.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_CELL))
    try:
        return list(_records(text, name, delimiter, strict=True)), []
    except csv.Error as fault:
        row = _row_of(fault)
    records = list(_records(text, name, delimiter, strict=False))
    return records, [Problem("table.problem.quotes", {"row": row})]


def _records(text: str, name: str, delimiter: str, strict: bool) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict, skipinitialspace=False)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            if "field larger" in str(fault):
                raise BadInput("error.table_cell", name=name, row=number, limit=f"{MAX_CELL:,}") from fault
            if not strict:
                raise BadInput("error.table_broken", name=name, why=str(fault)) from fault
            raise csv.Error(number) from fault
        if number > MAX_ROWS + 1:
            raise BadInput("error.table_rows", name=name, limit=f"{MAX_ROWS:,}")
        yield number, cells


def _row_of(fault: csv.Error) -> int:
    return int(fault.args[0])


def lines(text: str) -> Iterator[Record]:
    """TXT: a row per line."""
    return ((number, [line]) for number, line in enumerate(text.splitlines(), 1))


def json_objects(text: str, name: str) -> tuple[list[str], list[Record]]:
    """JSON lines, or one array of objects. Returns the columns in order of appearance, and the rows.

    Raises BadInput("error.table_json", name=, row=, why=).
    """
    objects = list(_objects(text, name))
    columns = list(Counter(key for _, found in objects for key in found))
    return columns, [(number, [_json_cell(found.get(key)) for key in columns]) for number, found in objects]


def _objects(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    if text.lstrip().startswith("["):
        whole = _json(text, name, 1)
        numbered = enumerate(whole, 1) if isinstance(whole, list) else iter(())
    else:
        numbered = (
            (number, _json(line, name, number)) for number, line in enumerate(text.split("\n"), 1) if line.strip()
        )
    for number, found in numbered:
        if not isinstance(found, dict):
            raise BadInput("error.table_json", name=name, row=number, why=type(found).__name__)
        yield number, found


def _json(text: str, name: str, row: int) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise BadInput("error.table_json", name=name, row=row, why=str(fault)[:200]) from fault


def _json_cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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
        if len(records) > MAX_ROWS + 1:
            raise BadInput("error.table_rows", name=name, limit=f"{MAX_ROWS:,}")
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
