"""PDF: text in reading order with pages, headings, tables, form fields; what is missing said in notes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from pathlib import Path

import pypdfium2 as pdfium

from backend.documents.readers.grid import table
from backend.documents.readers.pdf_headings import Outlined, style_of
from backend.documents.readers.pdf_joining import Joining
from backend.documents.readers.pdf_lines import Line
from backend.documents.readers.pdf_open import opened
from backend.documents.readers.pdf_pages import Pages, read_pages
from backend.documents.readers.pdf_paragraphs import page_blocks
from backend.documents.readers.pdf_running import running_lines
from backend.documents.readers.pdf_tables import Ruled
from backend.documents.reading.limits import Limits
from backend.documents.values import Block, Note, Parsed
from backend.errors import BadInput

_DATE = re.compile(r"D:(\d{4})(\d{2})(\d{2})")
_FILE_NAME = re.compile(r"^(Microsoft \w+ - )|\.\w{2,4}$|^(untitled|제목 없음)\b", re.IGNORECASE)


def read(path: Path, limits: Limits) -> Parsed:
    """A PDF as blocks. Raises BadInput when it is protected, damaged, without a page, too long or only scanned."""
    with opened(path, limits.pages) as document:
        pages = read_pages(document, limits)
        running = running_lines([page.lines for page in pages.all], [page.height for page in pages.all])
        blocks = tuple(_blocks(document, pages, running))
        if not blocks and pages.scans.textless:
            raise BadInput("error.document_pdf_scanned")
        return Parsed(
            title=_title(document, blocks),
            blocks=blocks,
            page_kind="page",
            pages=len(document),
            dated=_dated(document),
            notes=(*pages.scans.notes(), *_notes(document, pages, running)),
        )


def _blocks(document: pdfium.PdfDocument, pages: Pages, running: Mapping[int, Set[int]]) -> Iterator[Block]:
    kept = [
        [line for place, line in enumerate(page.lines) if place not in running.get(number, ())]
        for number, page in enumerate(pages.all)
    ]
    style, joining = style_of(kept, _outline(document)), Joining.of(kept)
    for number, (lines, page) in enumerate(zip(kept, pages.all, strict=True)):
        for part in _parts(lines, page.tables):
            if isinstance(part, Ruled):
                yield from filter(None, [table(part.rows, number + 1)])
            else:
                yield from page_blocks(number, part, style, joining)
        for text in (*page.recognised, *page.beside.boxes):
            yield Block(kind="paragraph", text=text, page=number + 1, level=0)
        for text in page.beside.fields:
            yield Block(kind="list", text=text, page=number + 1, level=1)


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


def _title(document: pdfium.PdfDocument, blocks: Sequence[Block]) -> str:
    """What the file says of itself unless that is a file's name; else its first heading, where it begins with one."""
    told = " ".join(document.get_metadata_value("Title").split())
    if told and not _FILE_NAME.search(told):
        return told[:200]
    first = [block.text for block in blocks[:4] if block.page == 1 and block.kind == "heading"]
    return first[0] if first else ""


def _dated(document: pdfium.PdfDocument) -> str | None:
    found = _DATE.match(document.get_metadata_value("CreationDate"))
    try:
        return date(*map(int, found.groups())).isoformat() if found else None
    except ValueError:
        return None


def _notes(document: pdfium.PdfDocument, pages: Pages, running: Mapping[int, Set[int]]) -> Iterator[Note]:
    left_out = [pages.all[page].lines[place].text for page, places in running.items() for place in sorted(places)]
    if left_out:
        details = {"count": str(len(left_out)), "example": left_out[0][:80]}
        yield Note(name="pdf_running_lines", details=details)
    if pages.without_tables:
        yield Note(name="pdf_tables_cut", pages=tuple(pages.without_tables))
    if pages.damaged:
        yield Note(name="pdf_pages_damaged", pages=tuple(pages.damaged))
    remarks = sum(page.beside.remarks for page in pages.all)
    if remarks:
        yield Note(name="pdf_remarks", details={"count": str(remarks)})
    attached = [document.get_attachment(place).get_name() for place in range(min(document.count_attachments(), 20))]
    if attached:
        yield Note(name="pdf_attachments", details={"names": ", ".join(attached)})
