"""One module per format, each with `read(path, limits) -> Parsed`: blocks in reading order, with pages and headings.

A reader runs in the child of `backend.documents.reading` only. What it meets and can name it raises as
BadInput("error.document_*") without the file's name, which is added outside; what it cannot foresee it lets through.
It need not tidy its text: control characters, NFD, empty blocks and overlong paragraphs are dealt with after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

from backend.documents.limits import Limits
from backend.documents.values import Block, Parsed

CELLS_APART: Final = " | "


class ReadFile(Protocol):
    def __call__(self, path: Path, limits: Limits) -> Parsed: ...


def table_block(rows: Iterable[Sequence[str]], page: int | None = None) -> Block:
    """A table; every row on a line of its own, so a line break or a run of blanks in a cell becomes one blank."""
    cells = tuple(tuple(" ".join(cell.split()) for cell in row) for row in rows)
    return Block(kind="table", text="\n".join(map(CELLS_APART.join, cells)), page=page, rows=cells, level=0)
