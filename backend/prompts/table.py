"""Tables of real inputs: CSV, TSV, XLSX, JSON, JSONL, Parquet, TXT and pasted text, read into rows of named cells.

Nothing is dropped in silence: what had to be mended stands in `problems`, with the row it was in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal, overload

from backend.errors import BadInput, StorageProblem
from backend.prompts.decoding_text import Decoded, decode

MAX_BYTES = 200_000_000
MAX_ROWS = 1_000_000
MAX_CELL = 200_000
MAX_COLUMNS = 1_000
MAX_CELLS = 50_000_000
MAX_CHARACTERS = MAX_BYTES
"""Of all cells together: no more than the largest plain file holds, however often a packed one repeats itself."""
TOLD = 20
"""Problems of one kind that are kept one by one; the rest is only counted."""
COLUMN = "input"
"""The name of the only column of a text without columns."""

Format = Literal["csv", "tsv", "jsonl", "txt"]

Record = tuple[int, Sequence[str]]
"""A row's number as the person sees it in their program (the first line is 1), and its cells."""


@dataclass(frozen=True)
class Problem:
    """Something that was mended. `key` is one of the words files ("table.problem.*"), with its details."""

    key: str
    details: dict[str, object] = field(default_factory=dict)


class Rows(Sequence[dict[str, str]]):
    """The rows as dicts column -> cell, made when asked for: a table of a million cells stays lists of text."""

    def __init__(self, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        self._columns = columns
        self._cells = cells

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, index: int) -> dict[str, str]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, str]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, str] | list[dict[str, str]]:
        if isinstance(index, slice):
            return [self._named(cells) for cells in self._cells[index]]
        return self._named(self._cells[index])

    def _named(self, cells: Sequence[str]) -> dict[str, str]:
        return dict(zip(self._columns, cells, strict=True))


@dataclass(frozen=True)
class Table:
    """Rows of named cells. Every row has as many cells as there are columns; missing ones are "".

    numbers    each row's number in the file
    encoding   "utf-8", "cp949", ...; None for XLSX
    delimiter  None where there is none
    """

    columns: tuple[str, ...]
    cells: Sequence[Sequence[str]]
    numbers: Sequence[int]
    encoding: str | None = None
    delimiter: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def rows(self) -> Rows:
        return Rows(self.columns, self.cells)

    def column(self, name: str) -> list[str]:
        """One column's cells. Raises BadInput("error.table_column", column=, columns=)."""
        if name not in self.columns:
            raise BadInput("error.table_column", column=name, columns=", ".join(self.columns))
        at = self.columns.index(name)
        return [cells[at] for cells in self.cells]


def read_table(source: Path | bytes, filename: str | None = None, header: bool = True) -> Table:
    """Read a file, or the bytes of one. `filename` decides the format and stands in messages.

    `header` False takes the first row for data (columns "column_1", ...); TXT and JSONL have none either way.
    Raises BadInput with an "error.table_*" key, StorageProblem when the file cannot be read at all.
    """
    name = filename or (source.name if isinstance(source, Path) else "table.csv")
    raw = read_bytes(source, name)
    table = packed_table(raw, name, header)
    if table is not None:
        return table
    decoded = decode(raw, name)
    return text_table(decoded.text, name, header, decoded.encoding, letters_lost(decoded))


def packed_table(raw: bytes, name: str, header: bool = True, max_cell: int = MAX_CELL) -> Table | None:
    """The table of a workbook or a Parquet file; None when the bytes are neither. Raises BadInput."""
    # What a file is called and what it is may differ: a workbook saved as .csv is still a workbook.
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) or name.lower().endswith((".xlsx", ".xlsm")):
        from backend.prompts.table_formats import xlsx

        records, problems = xlsx(raw, name)
        return assemble(name, records, header, problems=problems, max_cell=max_cell)
    if raw.startswith(b"PAR1") or name.lower().endswith(".parquet"):
        from backend.prompts.parquet_records import parquet

        columns, rows = parquet(raw, name)
        return assemble(name, chain([(0, columns)], rows), True, max_cell=max_cell)
    return None


def letters_lost(decoded: Decoded) -> tuple[Problem, ...]:
    return (Problem("table.problem.letters", {"count": decoded.lost}),) if decoded.lost else ()


def read_pasted(text: str, header: bool = True) -> Table:
    """Read text from the clipboard: cells of a spreadsheet, CSV with columns, JSON lines, or a row per line.

    Raises BadInput as `read_table` does.
    """
    from backend.prompts.table_formats import guess_format

    name = f"pasted.{guess_format(text)}"
    if "\0" in text:
        raise BadInput("error.table_binary", name=name)
    if len(text) > MAX_BYTES:
        raise BadInput("error.table_large", name=name, size=len(text) // 10**6, limit=MAX_BYTES // 10**6)
    return text_table(text.removeprefix("\ufeff"), name, header, None)


def text_table(
    text: str,
    name: str,
    header: bool = True,
    encoding: str | None = None,
    problems: Sequence[Problem] = (),
    kind: Format | None = None,
    max_cell: int = MAX_CELL,
) -> Table:
    """The table in a text; `kind` None goes by the name's ending, or by what stands in it. Raises BadInput."""
    from backend.prompts import table_formats as formats

    kind = kind or formats.format_of(name, text)
    if kind == "jsonl":
        columns, records = formats.json_objects(text, name)
        return assemble(name, chain([(0, columns)], records), True, encoding, None, problems, max_cell)
    if kind == "txt":
        return assemble(name, chain([(0, [COLUMN])], formats.lines(text)), True, encoding, None, problems, max_cell)
    delimiter = formats.delimiter_of(text, kind)
    rows, found = formats.separated(text, name, delimiter, max_cell)
    return assemble(name, rows, header, encoding, delimiter, (*problems, *found), max_cell)


def assemble(
    name: str,
    records: Iterable[Record],
    header: bool,
    encoding: str | None = None,
    delimiter: str | None = None,
    problems: Sequence[Problem] = (),
    max_cell: int = MAX_CELL,
) -> Table:
    """Rows of any lengths into a table. Blank rows are skipped. Raises BadInput for what is too much or nothing."""
    filled = _within_limits(records, name, max_cell)
    first = next(filled, None)
    rows = list(filled) if header or first is None else [first, *filled]
    if first is None or not rows:
        raise BadInput("error.table_empty", name=name)
    headings = list(first[1]) if header else []
    rows = [(number, _trimmed(cells, len(headings))) for number, cells in rows]
    width = max(len(headings), *(len(cells) for _, cells in rows))
    check_size(name, columns=width, cells=width * len(rows))
    columns, named = _columns(headings, width, told=header)
    ragged = [(number, len(cells)) for number, cells in rows if len(cells) != len(headings)] if header else []
    return Table(
        columns=columns,
        cells=[tuple(cells) + ("",) * (width - len(cells)) for _, cells in rows],
        numbers=[number for number, _ in rows],
        encoding=encoding,
        delimiter=delimiter,
        problems=(*problems, *named, *_told(ragged, len(headings))),
    )


def _trimmed(cells: Sequence[str], width: int) -> Sequence[str]:
    """Without empty cells beyond the last heading, which a delimiter at the end of every line makes."""
    end = len(cells)
    while end > width and not cells[end - 1]:
        end -= 1
    return cells[:end]


def check_size(name: str, rows: int = 0, columns: int = 0, cells: int = 0, characters: int = 0) -> None:
    """What a table has so far; asked while it is being read, before the memory is gone.

    Raises BadInput("error.table_rows" | "error.table_columns" | "error.table_cells" | "error.table_unpacked").
    """
    if rows > MAX_ROWS:
        raise BadInput("error.table_rows", name=name, limit=f"{MAX_ROWS:,}")
    if columns > MAX_COLUMNS:
        raise BadInput("error.table_columns", name=name, limit=f"{MAX_COLUMNS:,}")
    if cells > MAX_CELLS:
        raise BadInput("error.table_cells", name=name, limit=f"{MAX_CELLS:,}")
    if characters > MAX_CHARACTERS:
        raise BadInput("error.table_unpacked", name=name, limit=f"{MAX_CHARACTERS:,}")


def _within_limits(records: Iterable[Record], name: str, max_cell: int) -> Iterator[Record]:
    count = characters = 0
    for number, cells in records:
        if not any(cells) or not any(cell.strip() for cell in cells):
            continue
        count += 1
        lengths = [len(cell) for cell in cells]
        characters += sum(lengths)
        check_size(name, rows=count - 1, characters=characters)
        if max(lengths) > max_cell:
            raise BadInput("error.table_cell", name=name, row=number, limit=f"{max_cell:,}")
        yield number, cells


def _columns(headings: list[str], width: int, told: bool) -> tuple[tuple[str, ...], list[Problem]]:
    """One name per column: headings without one get "column_3", a name that comes again gets "name_2"."""
    names: list[str] = []
    problems = []
    for at in range(width):
        heading = " ".join(headings[at].split()) if at < len(headings) else ""
        given = heading or f"column_{at + 1}"
        name, count = given, 1
        while name in names:
            count += 1
            name = f"{given}_{count}"
        if told and at < len(headings) and name != heading:
            key = "table.problem.header_twice" if heading else "table.problem.header_empty"
            problems.append(Problem(key, {"number": at + 1, "name": name}))
        names.append(name)
    return tuple(names), problems


def _told(ragged: list[tuple[int, int]], expected: int) -> Iterator[Problem]:
    for row, found in ragged[:TOLD]:
        yield Problem("table.problem.ragged", {"row": row, "found": found, "expected": expected})
    if len(ragged) > TOLD:
        yield Problem("table.problem.ragged_more", {"count": len(ragged) - TOLD})


def read_bytes(source: Path | bytes, name: str) -> bytes:
    """All of a file. Raises BadInput("error.table_large" | "error.table_empty"), StorageProblem."""
    try:
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if size > MAX_BYTES:
            raise BadInput("error.table_large", name=name, size=size // 1_000_000, limit=MAX_BYTES // 1_000_000)
        raw = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as fault:
        raise StorageProblem("error.table_broken", name=name, why=fault.strerror or str(fault)) from fault
    if not raw.strip():
        raise BadInput("error.table_empty", name=name)
    return raw
