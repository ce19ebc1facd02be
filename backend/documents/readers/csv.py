"""Tables as text (CSV, TSV and their kin): rows under their header, in blocks that can be shown and cut."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from backend.documents.readers.grid import table
from backend.documents.readers.text import paragraphs, text_of
from backend.documents.reading.limits import Limits
from backend.documents.values import Block, Parsed
from backend.errors import BadInput

DELIMITERS: Final = ",\t;|"
SAMPLE: Final = 64 * 1024
LONGEST_FIELD: Final = 50_000
"""A field longer than this that runs over lines is a quote that nobody closed."""
ROWS: Final = 100
LETTERS: Final = 8_000
"""A block of rows ends at the one or the other."""
NUMBER: Final = re.compile(r"[-+]?[\d.,:/%\s-]*\d[\d.,:/%\s-]*")


def read(path: Path, limits: Limits) -> Parsed:
    """Raises BadInput("error.document_too_many_cells", most=)."""
    text, notes = text_of(path)
    delimiter = delimiter_of(text)
    if delimiter is None:  # one column, or a text that somebody called a table
        return Parsed(blocks=tuple(paragraphs(text)), notes=notes)
    return Parsed(blocks=tuple(blocks(rows_of(text, delimiter, limits.cells))), notes=notes)


def delimiter_of(text: str) -> str | None:
    """The one under which most rows of a sample are of one width, the wider the better; None where none divides."""
    sample = text[:SAMPLE] if len(text) <= SAMPLE else text[:SAMPLE].rpartition("\n")[0] or text[:SAMPLE]
    votes = []
    for delimiter in DELIMITERS:
        widths = Counter(len(row) for row in rows_of(sample, delimiter, 2 * SAMPLE) if row)
        width, times = max(widths.items(), key=lambda of: (of[1], of[0]), default=(0, 0))
        if width > 1:
            votes.append((times / widths.total(), width, delimiter))
    return max(votes)[2] if votes else None


def rows_of(text: str, delimiter: str, most: int) -> list[list[str]]:
    """By the quoting rules; without them where a quote that nobody closed swallows the rest.

    Raises BadInput("error.document_too_many_cells") for more than `most`.
    """
    csv.field_size_limit(max(len(text), 1))
    rows = _counted(csv.reader(StringIO(text), delimiter=delimiter), most)
    swallowed = any(len(cell) > LONGEST_FIELD and delimiter in cell and "\n" in cell for row in rows for cell in row)
    if swallowed or (rows and any("\n" in cell for cell in rows[-1]) and _never_closed(text, delimiter)):
        rows = _counted(csv.reader(StringIO(text), delimiter=delimiter, quoting=csv.QUOTE_NONE), most)
    return rows


def _counted(reader: Iterable[list[str]], most: int) -> list[list[str]]:
    rows, cells = [], 0
    for row in reader:
        cells += len(row)
        if cells > most:
            raise BadInput("error.document_too_many_cells", most=f"{most:,}")
        rows.append(row)
    return rows


def _never_closed(text: str, delimiter: str) -> bool:
    try:
        for _ in csv.reader(StringIO(text), delimiter=delimiter, strict=True):
            pass
    except csv.Error as fault:
        return "unexpected end of data" in str(fault)
    return False


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """A first row of distinct words, none of them a number, over at least one more row."""
    first = [cell.strip() for cell in rows[0]]
    return len(rows) > 1 and all(first) and len(set(first)) == len(first) and not any(map(NUMBER.fullmatch, first))


def blocks(rows: Sequence[Sequence[str]], page: int | None = None) -> Iterator[Block]:
    """The rows as tables of a size to be shown, each with the header above it."""
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        return
    header = [rows[0]] if has_header(rows) else []
    part: list[Sequence[str]] = []
    letters = 0
    for row in rows[len(header) :]:
        size = sum(map(len, row))
        if part and (len(part) >= ROWS or letters + size > LETTERS):
            yield from _table([*header, *part], page)
            part, letters = [], 0
        part.append(row)
        letters += size
    yield from _table([*header, *part], page)


def _table(rows: Sequence[Sequence[str]], page: int | None) -> Iterator[Block]:
    if whole := table(rows, page):
        yield whole
