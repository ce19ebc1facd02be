"""The pages of a PDF, one after the other: what each holds, and what could not be had of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pypdfium2 as pdfium

from backend.documents.readers.pdf_columns import in_reading_order
from backend.documents.readers.pdf_forms import Beside, beside
from backend.documents.readers.pdf_lines import Line, page_lines
from backend.documents.readers.pdf_scans import Scans
from backend.documents.readers.pdf_tables import Ruled, page_tables
from backend.documents.reading.limits import Limits
from backend.errors import BadInput

TABLES_SHARE = 0.3
"""Of the time for a file, so much may go into its tables; after that pages are read without."""
SCANS_SHARE = 0.6
"""Of the time for a file, so much may go into the recognition of scanned pages."""


@dataclass
class Page:
    """lines in reading order; recognised: paragraphs of a page without text of its own"""

    lines: Sequence[Line] = ()
    tables: Sequence[Ruled] = ()
    recognised: Sequence[str] = ()
    beside: Beside = field(default_factory=Beside)
    height: float = 0.0


@dataclass
class Pages:
    """All pages; `damaged` and `without_tables` name some by number, from 1."""

    scans: Scans
    all: list[Page] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    without_tables: list[int] = field(default_factory=list)


def read_pages(document: pdfium.PdfDocument, limits: Limits) -> Pages:
    """Raises BadInput when none of the pages opens, or all hold more text than is read."""
    pages = Pages(Scans(SCANS_SHARE * limits.seconds))
    tables = _Tables(TABLES_SHARE * limits.seconds, limits.cells)
    characters = 0
    for number in range(1, len(document) + 1):
        page = _page(document, number, pages, tables)
        pages.all.append(page or Page())
        if page is None:
            pages.damaged.append(number)
            continue
        characters += sum(len(line.text) for line in page.lines)
        if characters > limits.characters:
            raise BadInput("error.document_too_long", limit=f"{limits.characters:,}")
    if len(pages.damaged) == len(document):
        raise BadInput("error.document_pdf_damaged")
    return pages


def _page(document: pdfium.PdfDocument, number: int, pages: Pages, tables: _Tables) -> Page | None:
    """One page (its number from 1), or None when it does not open. Pages of thousands are closed at once: memory."""
    try:
        opened = document[number - 1]
    except pdfium.PdfiumError:
        return None
    try:
        lines = page_lines(opened)
        recognised = pages.scans.paragraphs(opened, number, lines)
        if recognised is not None:
            return Page(recognised=recognised, beside=beside(document, opened), height=opened.get_height())
        if lines and tables.seconds <= 0:
            pages.without_tables.append(number)
        ruled = tables.of(opened) if lines else []
        ordered = in_reading_order(lines, lambda line: any(table.holds(line) for table in ruled))
        return Page(ordered, ruled, (), beside(document, opened), opened.get_height())
    finally:
        opened.close()


@dataclass
class _Tables:
    """Finds tables as long as there is time for it."""

    seconds: float
    cells: int

    def of(self, page: pdfium.PdfPage) -> list[Ruled]:
        if self.seconds <= 0:
            return []
        began = time.monotonic()
        found = page_tables(page, self.cells)
        self.seconds -= time.monotonic() - began
        return found
