"""Rows of a sheet as blocks: what stands above a table as paragraphs, tables in pieces with their header above each.

A sheet is a page to write on: titles, several tables under each other, blank rows for looks. A blank row ends a table
only where the next row looks like the beginning of something else.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Final

from backend.documents.readers.grid import table
from backend.documents.values import Block

Row = Sequence[str]
ROWS: Final = 100
LETTERS: Final = 8_000
"""A piece of a table ends at the one or the other."""
NUMBER: Final = re.compile(r"[-+]?[\d.,:/%\s-]*\d[\d.,:/%\s-]*")
YEAR: Final = re.compile(r"(?:19|20)\d\d")


def blocks(name: str, rows: Sequence[Row], page: int) -> Iterator[Block]:
    """A sheet under its name; nothing of a sheet without a written cell."""
    found = [block for part in parts(rows) for block in pieces(part, page)]
    if found:
        yield Block(kind="heading", text=name, level=1, page=page)
        yield from found


def parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows that belong together, blank ones left out."""
    part: list[Row] = []
    blank = False
    for at, row in enumerate(rows):
        if not any(row):
            blank = True
            continue
        if part and blank and (alone(row) or is_header(row, rows[at + 1 : at + 2])):
            yield part
            part = []
        part.append(row)
        blank = False
    if part:
        yield part


def pieces(part: Sequence[Row], page: int) -> Iterator[Block]:
    """Titles above the table, then the table, cut, under its header each time."""
    start = next((at for at, row in enumerate(part) if not alone(row)), len(part))
    for row in part[:start]:
        yield Block(kind="paragraph", text=next(cell for cell in row if cell), level=0, page=page)
    body = part[start:]
    header = [body[0]] if body and is_header(body[0], body[1:2]) else []
    piece: list[Row] = []
    letters = 0
    for row in body[len(header) :]:
        size = sum(map(len, row))
        if piece and (len(piece) >= ROWS or letters + size > LETTERS):
            yield from whole([*header, *piece], page)
            piece, letters = [], 0
        piece.append(row)
        letters += size
    yield from whole([*header, *piece], page)


def whole(rows: Sequence[Row], page: int) -> Iterator[Block]:
    made = table(rows, page) if rows else None
    if made is not None:
        yield made


def alone(row: Row) -> bool:
    return sum(1 for cell in row if cell) == 1


def is_header(row: Row, below: Sequence[Row]) -> bool:
    """Distinct words over at least one more row; the corner may be empty, years count as words."""
    said = [cell for cell in row if cell]
    if not below or len(said) < 2 or len(set(said)) != len(said):
        return False
    return all(YEAR.fullmatch(cell) or not NUMBER.fullmatch(cell) for cell in said)


def written(value: object) -> str:
    """A cell as a person would type it: 89.0 is 89, a date is ISO 8601."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds").removesuffix(":00")
    return "" if value is None else " ".join(str(value).split())
