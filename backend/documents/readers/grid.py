"""Tables as blocks: rows of plain cells, whatever merged cells and claims a file makes.

`table` is every reader's last step for a table: a cell is one line, row i of `rows` is line i of `text`, and
joining the row's cells by " | " gives that line exactly (a splitter may take tables apart by rows).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from backend.documents.values import Block
from backend.errors import BadInput

SEPARATOR = " | "
REPEATED = 80
"""A label that spans rows is said again in each of them, so that a row speaks for itself; longer text is said once."""


ARRANGED = 300
"""Letters from which a cell that holds a table of its own is a part of the page and not an entry of a table."""


class Cell(NamedTuple):
    """A cell where the file says it stands, counted from 0, over how many rows."""

    row: int
    column: int
    text: str
    rows: int = 1


def table(rows: Iterable[Sequence[str]], page: int | None = None) -> Block | None:
    """The block of a table, empty rows and empty columns left out; None where nothing is written in it."""
    plain = [[" ".join(cell.split()) for cell in row] for row in rows]
    kept = [row for row in plain if any(row)]
    if not kept:
        return None
    width = max(len(row) for row in kept)
    full = [row + [""] * (width - len(row)) for row in kept]
    columns = [at for at in range(width) if any(row[at] for row in full)]
    cells = tuple(tuple(row[at] for at in columns) for row in full)
    return Block(kind="table", text="\n".join(SEPARATOR.join(row) for row in cells), level=0, page=page, rows=cells)


def placed(cells: Sequence[Cell], most: int) -> list[list[str]]:
    """Rows of text from cells with addresses.

    Only rows and columns in which a cell begins count: an address of a damaged file may be any number.
    Raises BadInput("error.document_too_many_cells") for more than `most` places.
    """
    order = sorted({cell.row for cell in cells})
    rows = {row: at for at, row in enumerate(order)}
    columns = {column: at for at, column in enumerate(sorted({cell.column for cell in cells}))}
    if len(rows) * len(columns) > most:
        raise BadInput("error.document_too_many_cells", most=f"{most:,}")
    laid = [[""] * len(columns) for _ in rows]
    for cell in cells:
        at, column = rows[cell.row], columns[cell.column]
        laid[at][column] = cell.text
        if cell.rows > 1 and len(cell.text) <= REPEATED:
            for below in range(at + 1, bisect_left(order, cell.row + cell.rows)):
                laid[below][column] = laid[below][column] or cell.text
    return laid


def is_frame(cells: Sequence[tuple[int, Sequence[Block]]]) -> bool:
    """Whether a table, as (column, blocks) of its cells, only arranges the page: its blocks are then read one by one.

    So does a table of one column (a box drawn around paragraphs) and one that holds a whole page with tables in it,
    as Korean official forms do; on one line each, nothing in them could be found again.
    """
    if len({column for column, _ in cells}) == 1:
        return True
    return any(
        any(block.kind == "table" for block in blocks) and sum(len(block.text) for block in blocks) > ARRANGED
        for _, blocks in cells
    )
