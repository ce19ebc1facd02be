"""Workbooks (XLSX, XLSB, XLS) by calamine: visible sheets in their order, each a page under its name.

One cell in XFD1048576 makes calamine ask for 17 thousand million cells, and its process is ended: the addresses in the
file are looked at first, and such a workbook is read by openpyxl, which reads row by row.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend.documents.readers.packages import named, package, properties
from backend.documents.readers.sheets import Row, blocks, written
from backend.documents.values import Block, Note, Parsed
from backend.errors import BadInput, first_line

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

    from backend.documents.reading.limits import Limits

ADDRESS: Final = re.compile(rb"\br\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})[\"']")
BLOCK: Final = 1 << 20
LONGEST_ADDRESS: Final = 24
REPEATED: Final = 80
OLE: Final = b"\xd0\xcf\x11\xe0"


def read(path: Path, limits: Limits) -> Parsed:
    """Raises BadInput: damaged, locked, more cells or sheets than the limits allow."""
    with named(path):
        with path.open("rb") as file:
            if file.read(4) == OLE:
                return by_calamine(path, limits, "", saved(path))
        with package(path, limits) as opened:
            title, dated = properties(opened)
            if far_apart(opened, limits):
                return by_openpyxl(path, limits, title, dated)
            return by_calamine(path, limits, title, dated)


def far_apart(opened: zipfile.ZipFile, limits: Limits) -> bool:
    """Whether a sheet's rows times columns are more than the limit although its cells are not.

    Raises BadInput("error.document_too_many_cells") where they are. What the file says of its own size (`dimension`)
    is a claim and is not asked.
    """
    sparse = False
    for part in opened.namelist():
        if part.startswith("xl/worksheets/") and part.endswith(".xml"):
            rows = columns = count = 0
            for column, row in addresses(opened, part):
                rows, columns, count = max(rows, row), max(columns, column), count + 1
            if count > limits.cells:
                raise BadInput("error.document_too_many_cells", most=f"{limits.cells:,}")
            sparse = sparse or rows * columns > limits.cells
    return sparse


def addresses(opened: zipfile.ZipFile, part: str) -> Iterator[tuple[int, int]]:
    """(column, row) of each cell, counted from 1."""
    with opened.open(part) as stream:
        tail = b""
        while block := stream.read(BLOCK):
            data = tail + block
            end = 0
            for found in ADDRESS.finditer(data):
                end = found.end()
                yield column_number(found[1]), int(found[2])
            tail = data[max(end, len(data) - LONGEST_ADDRESS) :]


def column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def by_calamine(path: Path, limits: Limits, title: str, dated: str | None) -> Parsed:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
            shown = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
            hidden = [sheet.name for sheet in sheets if sheet.visible != SheetVisibleEnum.Visible]
            few(shown, limits)
            found: list[Block] = []
            for page, name in enumerate(shown, 1):
                found += blocks(name, grid(book.get_sheet_by_name(name), limits), page)
    except PasswordError as fault:
        raise BadInput("error.document_password") from fault
    except CalamineError as fault:
        raise BadInput("error.document_damaged", detail=first_line(fault)) from fault
    except BaseException as fault:
        if type(fault).__name__ != "PanicException":  # Rust's way of failing; pyo3 makes it no Exception
            raise
        raise BadInput("error.document_damaged", detail=first_line(fault)) from fault
    return made(found, shown, hidden, title, dated)


def grid(sheet: CalamineSheet, limits: Limits) -> list[Row]:
    """The sheet's cells as text; a label over several rows is said in each of them."""
    if sheet.height * sheet.width > limits.cells:
        raise BadInput("error.document_too_many_cells", most=f"{limits.cells:,}")
    rows = [[written(value) for value in row] for row in sheet.to_python()]
    top, left = sheet.start or (0, 0)
    for (first, column), (last, _) in sheet.merged_cell_ranges or ():
        at, across = first - top, column - left
        if 0 <= at < len(rows) and 0 <= across < len(rows[at]) and len(rows[at][across]) <= REPEATED:
            for row in rows[at + 1 : last - top + 1]:
                row[across] = row[across] or rows[at][across]
    return list(rows)


def by_openpyxl(path: Path, limits: Limits, title: str, dated: str | None) -> Parsed:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with path.open("rb") as file:
            book = load_workbook(file, read_only=True, data_only=True)
            shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
            few(shown, limits)
            found: list[Block] = []
            for page, sheet in enumerate(shown, 1):
                found += blocks(sheet.title, sparse_rows(sheet), page)
    except (InvalidFileException, ValueError, TypeError, AttributeError) as fault:
        raise BadInput("error.document_damaged", detail=first_line(fault)) from fault
    return made(found, [sheet.title for sheet in shown], hidden, title, dated, Note(name="sparse_sheets"))


def sparse_rows(sheet: Any) -> list[Row]:
    """Rows in which something is written, without the cells after the last one; one blank row for a gap."""
    sheet.reset_dimensions()  # the sheet's claim of its size would pad every row
    rows: list[Row] = []
    for values in sheet.iter_rows(values_only=True):
        row = [written(value) for value in values]
        while row and not row[-1]:
            row.pop()
        if row or (rows and rows[-1]):
            rows.append(row)
    return rows


def few(sheets: Sequence[object], limits: Limits) -> None:
    if len(sheets) > limits.pages:
        raise BadInput("error.document_too_many_pages", pages=f"{len(sheets):,}", most=f"{limits.pages:,}")


def made(
    found: Sequence[Block], shown: Sequence[str], hidden: Sequence[str], title: str, dated: str | None, *notes: Note
) -> Parsed:
    if hidden:
        details = {"count": str(len(hidden)), "names": ", ".join(hidden)}
        notes = (*notes, Note(name="hidden_sheets", details=details))
    return Parsed(
        title=title,
        blocks=tuple(found),
        page_kind="sheet",
        pages=len(shown),
        names=tuple(shown),
        dated=dated,
        notes=notes,
    )


def saved(path: Path) -> str | None:
    """The date of the last change that an XLS tells of itself."""
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as container:
            when = container.get_metadata().last_saved_time
    except (OSError, ValueError, IndexError, UnicodeDecodeError):  # its own faults are OSErrors
        return None
    return when.date().isoformat() if isinstance(when, dt.datetime) else None
