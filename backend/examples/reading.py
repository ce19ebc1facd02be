"""Reading a file of examples: any table, JSON of any nesting, Parquet, columns of tokens and tags; also inside gzip."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from backend.errors import BadInput
from backend.examples.iob import iob_records, is_iob
from backend.examples.notes import Note
from backend.examples.readable import CONTROL
from backend.examples.shapes import Source
from backend.examples.shaping import shaped
from backend.prompts.decoding_text import decode
from backend.prompts.table import (
    MAX_BYTES,
    Format,
    Problem,
    Table,
    assemble,
    letters_lost,
    packed_table,
    read_bytes,
    text_table,
)

MAX_CELL: Final = 4_000_000
"""Characters. A cell too long for an example is refused with its row by the store, not the whole file with it."""
GZIP: Final = b"\x1f\x8b"
JUDGED: Final = 200
"""Rows from which it is told whether the first one holds names."""
HEADING: Final = 60
"""Characters of the longest name of a column."""


def read_source(source: Path | bytes, name: str | None = None, header: bool | None = None) -> Source:
    """Read a file, or the bytes of one, and recognize its shape.

    `name` decides the format where the content leaves it open, and stands in messages. `header` says whether the first
    row of a table holds the columns' names; None finds out. Raises BadInput("error.table_*" | "error.import_gzip"),
    StorageProblem.
    """
    name = name or (source.name if isinstance(source, Path) else "examples.csv")
    raw = read_bytes(source, name)
    if raw.startswith(GZIP):
        raw, name = _unpacked(raw, name), name.removesuffix(".gz")
    table = packed_table(raw, name, True, MAX_CELL)
    if table is not None:
        return shaped(name, table)
    decoded = decode(raw, name)
    del raw
    text, problems = decoded.text, (*letters_lost(decoded), *_controls(decoded.text))
    if is_iob(text):
        columns, rows = iob_records(text)
        table = assemble(name, [(0, columns), *rows], True, decoded.encoding, None, problems)
        return Source(name, table, "iob", (Note("importing.reason.iob"),))
    kind = _kind(name, text)
    table = text_table(text, name, header is not False, decoded.encoding, problems, kind, MAX_CELL)
    if header is None and kind in ("csv", "tsv") and not _has_names(table):
        table = text_table(text, name, False, decoded.encoding, problems, kind, MAX_CELL)
        return shaped(name, table, (Note("importing.reason.no_header"),))
    return shaped(name, table)


def _controls(text: str) -> tuple[Problem, ...]:
    count = sum(1 for _ in CONTROL.finditer(text))
    return (Problem("table.problem.controls", {"count": count}),) if count else ()


def _kind(name: str, text: str) -> Format:
    """A text file by what stands in it: what is called .txt or .json may be a table, or lines of objects."""
    from backend.prompts.table_formats import ENDINGS, guess_format

    told = ENDINGS.get(Path(name.lower()).suffix)
    if told in ("csv", "tsv"):
        return told
    guessed = guess_format(text)
    return guessed if told is None or guessed == "tsv" or told == "txt" else told


def _unpacked(raw: bytes, name: str) -> bytes:
    """What a gzip file holds. Raises BadInput("error.import_gzip" | "error.table_large" | "error.table_empty")."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            found = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise BadInput("error.import_gzip", name=name) from fault
    return read_bytes(found, name)


def _has_names(table: Table) -> bool:
    """Whether the first row looks like names rather than like the rows below it."""
    names = table.columns
    return not any(_is_data(name, [row[at] for row in table.cells[:JUDGED]]) for at, name in enumerate(names))


def _is_data(name: str, cells: Sequence[str]) -> bool:
    """A number, a long text, or a value that comes again below it; numbers may be the names of nothing else."""
    if name.startswith("column_") or not cells:
        return False
    if _number(name):
        return all(_number(cell) for cell in cells if cell)
    return len(name) > HEADING or name in cells


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
