"""PDF: text in reading order with pages, headings, tables, form fields; what is missing said in notes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pypdfium2 as pdfium

from backend.documents.limits import Limits
from backend.documents.readers.grid import table
from backend.documents.readers.pdf_headings import Outlined, style_of
from backend.documents.readers.pdf_lines import Line, page_lines
from backend.documents.readers.pdf_open import opened
from backend.documents.readers.pdf_paragraphs import divides_hangul, page_blocks
from backend.documents.readers.pdf_running import running_lines
from backend.documents.readers.pdf_scans import Scans
from backend.documents.readers.pdf_tables import Ruled, page_tables
from backend.documents.values import Block, Note, Parsed
from backend.errors import BadInput

TABLES_SHARE = 0.3
"""Of the time for a file, so much may go into its tables; after that pages are read without."""
SCANS_SHARE = 0.6
"""Of the time for a file, so much may go into the recognition of scanned pages."""
_DATE = re.compile(r"D:(\d{4})(\d{2})(\d{2})")


@dataclass
class _Pages:
    """What was found page by page, and what could not be. Places in the lists are pages from 0, numbers from 1."""

    scans: Scans
    lines: list[list[Line]] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    tables: list[list[Ruled]] = field(default_factory=list)
    recognised: dict[int, list[str]] = field(default_factory=dict)
    damaged: list[int] = field(default_factory=list)
    without_tables: list[int] = field(default_factory=list)


def read(path: Path, limits: Limits) -> Parsed:
    """A PDF as blocks. Raises BadInput when it is protected, damaged, without a page or too long."""
    with opened(path, limits.pages) as document:
        pages = _read_pages(document, limits)
        blocks = tuple(_blocks(document, pages))
        if not blocks and pages.scans.textless:
            raise BadInput("error.document_pdf_scanned")
        return Parsed(
            title=_title(document, blocks),
            blocks=blocks,
            page_kind="page",
            pages=len(document),
            dated=_dated(document),
            notes=tuple(_notes(pages)),
        )


def _read_pages(document: pdfium.PdfDocument, limits: Limits) -> _Pages:
    pages = _Pages(scans=Scans(SCANS_SHARE * limits.seconds))
    end = time.monotonic() + TABLES_SHARE * limits.seconds
    for number in range(len(document)):
        try:
            page = document[number]
        except pdfium.PdfiumError:
            pages.damaged.append(number + 1)
            pages.lines.append([])
            pages.tables.append([])
            pages.heights.append(0.0)
            continue
        try:
            lines = page_lines(page)
            pages.heights.append(page.get_height())
            tables = page_tables(page, limits.cells) if lines and time.monotonic() < end else []
            if lines and time.monotonic() >= end:
                pages.without_tables.append(number + 1)
            recognised = pages.scans.paragraphs(page, number + 1, lines)
            if recognised is not None:
                pages.recognised[number], lines, tables = recognised, [], []
        finally:
            page.close()
        pages.lines.append(lines)
        pages.tables.append(tables)
    return pages


def _blocks(document: pdfium.PdfDocument, pages: _Pages) -> Iterator[Block]:
    running = running_lines(pages.lines, pages.heights)
    kept = [
        [line for place, line in enumerate(lines) if place not in running.get(page, ())]
        for page, lines in enumerate(pages.lines)
    ]
    style, tight = style_of(kept, _outline(document)), divides_hangul(kept)
    for page, (lines, tables) in enumerate(zip(kept, pages.tables, strict=True)):
        for text in pages.recognised.get(page, ()):
            yield Block(kind="paragraph", text=text, page=page + 1)
        for part in _parts(lines, tables):
            if isinstance(part, Ruled):
                block = table(part.rows, page + 1)
                if block is not None:
                    yield block
            else:
                yield from page_blocks(page, part, style, tight)


def _parts(lines: Sequence[Line], tables: Sequence[Ruled]) -> Iterator[Ruled | list[Line]]:
    """A page's lines, those in a table replaced by the table where its first line stands."""
    done: list[Ruled] = []
    free: list[Line] = []
    for line in lines:
        ruled = next((ruled for ruled in tables if ruled.holds(line)), None)
        if ruled is None:
            free.append(line)
        elif ruled not in done:
            yield free
            yield ruled
            free = []
            done.append(ruled)
    yield free


def _outline(document: pdfium.PdfDocument) -> Iterator[Outlined]:
    for entry in document.get_toc(max_depth=8):
        target = entry.get_dest()
        page = target.get_index() if target else None
        if page is not None:
            yield Outlined(entry.get_title(), page, entry.level + 1)


def _title(document: pdfium.PdfDocument, blocks: tuple[Block, ...]) -> str:
    """The first of the largest headings on the first page, else what the file says of itself."""
    first = [block for block in blocks if block.page == 1 and block.kind == "heading" and block.level == 1]
    return first[0].text if first else " ".join(document.get_metadata_value("Title").split())[:200]


def _dated(document: pdfium.PdfDocument) -> str | None:
    found = _DATE.match(document.get_metadata_value("CreationDate"))
    return "-".join(found.groups()) if found else None


def _notes(pages: _Pages) -> Iterator[Note]:
    yield from pages.scans.notes()
    if pages.without_tables:
        yield Note(name="pdf_tables_cut", pages=tuple(pages.without_tables))
    if pages.damaged:
        yield Note(name="pdf_pages_damaged", pages=tuple(pages.damaged))
