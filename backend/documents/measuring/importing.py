"""Known questions out of a table: a question, its document, and the words or the page that answer it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from backend.documents.measuring.places import Place, find_quote, page_span
from backend.documents.reading.encodings import clean, decode
from backend.documents.shelf.store import Document
from backend.documents.values import Laid, Parsed, lay
from backend.errors import BadInput, StudioError
from backend.projects.folder import Project

MOST_BYTES: Final = 20_000_000
MOST_ROWS: Final = 5_000
KEPT_TEXTS: Final = 8
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "question": ("question", "query", "질문", "물음"),
    "answer": ("answer", "답", "답변", "정답"),
    "document": ("document", "file", "source", "문서", "파일", "출처"),
    "quote": ("quote", "passage", "evidence", "context", "인용", "인용문", "근거", "본문"),
    "page": ("page", "쪽", "페이지"),
}
"""What a column may be called, as a person writes it."""


@dataclass(frozen=True)
class Refusal:
    """A row that was left out: its line in the file, and why, as words."""

    line: int
    key: str
    details: Mapping[str, Any]


@dataclass
class Imported:
    """What became of a table. `same` were there already."""

    added: int = 0
    same: int = 0
    refused: list[Refusal] = field(default_factory=list)


def import_questions(project: Project, path: Path) -> Imported:
    """Bring in a CSV table with the columns question, document, quote or page, and answer if there is one.

    A row that cannot be used is left out and told. Raises BadInput("error.measure_csv" |
    "error.measure_csv_columns" | "error.measure_csv_large", ...).
    """
    rows = read_table(path)
    finding, done = Finding(project), Imported()
    for line, row in rows:
        try:
            place = finding.place(row["document"], row["quote"], row["page"])
            kept = project.questions.add(row["question"], [place], row["answer"], "import")
        except StudioError as fault:
            done.refused.append(Refusal(line, fault.key, fault.details))
            continue
        done.added, done.same = done.added + (kept is not None), done.same + (kept is None)
    return done


def read_table(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line, the five columns) of each row that is not blank. Raises as `import_questions`."""
    if path.stat().st_size > MOST_BYTES:
        raise BadInput("error.measure_csv_large", bytes=MOST_BYTES, rows=MOST_ROWS)
    text = clean(decode(path.read_bytes())[0])
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text))
    try:
        head = [name.strip().lower().lstrip("\ufeff") for name in next(reader, [])]
        columns = {
            one: next((head.index(name) for name in names if name in head), None) for one, names in NAMES.items()
        }
        if columns["question"] is None or columns["document"] is None or columns["quote"] is columns["page"] is None:
            raise BadInput("error.measure_csv_columns", found=", ".join(head)[:200])
        rows = []
        for row in reader:
            cells = {name: row[at] if at is not None and at < len(row) else "" for name, at in columns.items()}
            if any(cell.strip() for cell in cells.values()):
                rows.append((reader.line_num, cells))
            if len(rows) > MOST_ROWS:
                raise BadInput("error.measure_csv_large", bytes=MOST_BYTES, rows=MOST_ROWS)
    except csv.Error as fault:
        raise BadInput("error.measure_csv", why=str(fault)) from fault
    return rows


def _delimiter(text: str) -> str:
    """The one that the line of the names has most of."""
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


class Finding:
    """Places out of what a person wrote: a document's name, words of it, a page. Keeps the last few texts read."""

    def __init__(self, project: Project) -> None:
        self._store = project.documents
        self._named: dict[str, list[Document]] = {}
        for document in self._store.list():
            for name in {document.place, document.name}:
                self._named.setdefault(_key(name), []).append(document)
        self._text = lru_cache(KEPT_TEXTS)(self._read)

    def document(self, name: str) -> Document:
        """Raises BadInput("error.measure_document" | "error.measure_document_twice", name=)."""
        found = self._named.get(_key(name), [])
        if not found:
            raise BadInput("error.measure_document", name=name.strip()[:100])
        if len({document.id for document in found}) > 1:
            raise BadInput("error.measure_document_twice", name=name.strip()[:100])
        return found[0]

    def place(self, name: str, quote: str, page: str) -> Place:
        """Raises as `document` and `within`."""
        return self.within(self.document(name), quote, page)

    def within(self, document: Document, quote: str, page: str = "") -> Place:
        """The place of a quote, or a whole page where there is none; a quote is looked for on its page first.

        Raises BadInput("error.measure_quote" | "error.measure_page" | "error.measure_no_place", ...), NotFound.
        """
        parsed, laid = self._text(document.id)
        number = page.strip()
        if number and not (number.isascii() and number.isdigit()):
            raise BadInput("error.measure_page", name=document.name, page=number[:20])
        span = page_span(parsed, laid, int(number)) if number else None
        if quote.strip():
            found = find_quote(laid.text, quote, span)
            if found is None:
                raise BadInput("error.measure_quote", name=document.name, quote=" ".join(quote.split())[:80])
            return Place(document.id, *found).quoted(laid.text)
        if not number:
            raise BadInput("error.measure_no_place", name=document.name)
        if span is None:
            raise BadInput("error.measure_page", name=document.name, page=number[:20])
        return Place(document.id, *span).quoted(laid.text)

    def _read(self, document_id: int) -> tuple[Parsed, Laid]:
        parsed = self._store.parsed(self._store.get(document_id))
        return parsed, lay(parsed)


def _key(name: str) -> str:
    return clean(name).strip().replace("\\", "/").lower()
