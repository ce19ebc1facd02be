"""The documents of a project: what was handed over, how far it is, and the text that was read out of it.

Rows here, bytes and texts in `keeping`, passages and vectors in the index. Whoever hands files over uses `intake`, who
takes them away `removal`: they keep the three in step.
"""

from __future__ import annotations

import builtins
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import case, func, or_, select, true, update

from backend.assistants import PassageFilter
from backend.documents.shelf.filters import DocumentFilter, chosen, matching
from backend.documents.shelf.keeping import Keeping
from backend.documents.values import Laid, Note, Parsed, State, lay
from backend.errors import NotFound
from backend.projects.database import Database, row_id
from backend.projects.moments import moment
from backend.projects.tables import DocumentRow
from backend.text_limits import clean_name, writable

TAG_LIMIT: Final = 60
TAGS_LIMIT: Final = 50
CLOCK_S: Final = 1e-5
"""A moment that is read from a row is a microsecond off at most."""
ALL: Final = DocumentFilter()


@dataclass(frozen=True)
class Document:
    """A file that was handed over, as it stands.

    folder      where the person put it, "" or "a/b"; (folder, name) names it within the project
    source      the archive that it came in; "" for a file
    kind        told from its bytes: "pdf", "hwp", ...
    size        bytes        pages, characters  None until it was read, pages also where the format has none
    language    of most of its passages: "ko", "en", "mixed", "other"; "" until it was indexed
    dated       the document's own date, an ISO day
    error_key, error_details  why it failed, as words
    """

    id: int
    name: str
    folder: str
    source: str
    sha256: str
    kind: str
    size: int
    state: State
    error_key: str | None
    error_details: dict[str, Any]
    title: str
    pages: int | None
    characters: int | None
    language: str
    dated: str | None
    tags: tuple[str, ...]
    notes: tuple[Note, ...]
    created: datetime
    changed: datetime

    @property
    def place(self) -> str:
        """Folder and name as one, for people."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


@dataclass(frozen=True)
class Counts:
    """How many documents are in each state; `size` in bytes, of all."""

    queued: int = 0
    reading: int = 0
    indexed: int = 0
    failed: int = 0
    size: int = 0

    @property
    def total(self) -> int:
        return self.queued + self.reading + self.indexed + self.failed


@dataclass(frozen=True)
class Told:
    """What reading and indexing found out about a document, to keep with its row."""

    title: str = ""
    pages: int | None = None
    characters: int | None = None
    language: str = ""
    dated: str | None = None
    notes: Sequence[Note] = field(default_factory=tuple)


@dataclass(frozen=True)
class Outcome:
    """What became of a document: its new state, what reading told, or why it failed, as words."""

    document: Document
    state: State
    told: Told | None = None
    error_key: str | None = None
    error_details: Mapping[str, Any] = field(default_factory=dict)


class DocumentStore:
    """Any thread may use it. `folder` is the project's folder."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.kept = Keeping(folder)

    # --- asking

    def list(self, asked: DocumentFilter = ALL, offset: int = 0, limit: int | None = None) -> list[Document]:
        """By folder and name; all of them unless `limit` says how many."""
        found = select(DocumentRow).where(matching(asked)).order_by(DocumentRow.folder, DocumentRow.name)
        found = found.offset(max(offset, 0))
        with self.database.read() as session:
            rows = session.scalars(found if limit is None else found.limit(max(limit, 0)))
            return [read_row(row) for row in rows]

    def count(self, asked: DocumentFilter = ALL) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(DocumentRow).where(matching(asked))) or 0

    def counts(self) -> Counts:
        by_state = select(DocumentRow.state, func.count(), func.sum(DocumentRow.size)).group_by(DocumentRow.state)
        with self.database.read() as session:
            found = session.execute(by_state).all()
        return Counts(size=sum(row[2] for row in found), **{row[0]: row[1] for row in found})

    def get(self, document_id: int) -> Document:
        """Raises NotFound("error.documents_missing")."""
        with self.database.read() as session:
            row = session.get(DocumentRow, row_id(document_id))
            if row is None:
                raise NotFound("error.documents_missing")
            return read_row(row)

    def contents(self, states: Iterable[State]) -> builtins.list[tuple[int, str, State, float | None]]:
        """(id, sha256, state, since when it is queued) of all documents in these states, in the order of their ids."""
        queued = case((DocumentRow.state == "queued", DocumentRow.changed))
        found = select(DocumentRow.id, DocumentRow.sha256, DocumentRow.state, queued).order_by(DocumentRow.id)
        with self.database.read() as session:
            rows = session.execute(found.where(DocumentRow.state.in_(tuple(states)))).all()
        return [(row[0], row[1], cast(State, row[2]), row[3]) for row in rows]

    def find(self, sha256: str) -> builtins.list[Document]:
        """Those with this content."""
        with self.database.read() as session:
            found = select(DocumentRow).where(DocumentRow.sha256 == sha256).order_by(DocumentRow.id)
            return [read_row(row) for row in session.scalars(found)]

    def passing(self, asked: PassageFilter) -> frozenset[int] | None:
        """The documents that an assistant's filter lets through, None for all; languages are those of passages."""
        where = chosen(asked)
        if where is None:
            return None
        with self.database.read() as session:
            return frozenset(session.scalars(select(DocumentRow.id).where(where)))

    def folders(self) -> builtins.list[str]:
        """All folders in use, in alphabetical order; "" is none."""
        with self.database.read() as session:
            return sorted(session.scalars(select(DocumentRow.folder).distinct()))

    def tags(self) -> builtins.list[str]:
        """All tags in use, in alphabetical order."""
        within = func.json_each(DocumentRow.tags).table_valued("value")
        with self.database.read() as session:
            found = select(within.c.value).select_from(DocumentRow).join(within, true()).distinct()
            return sorted(session.scalars(found))

    # --- what was read

    def parsed(self, document: Document) -> Parsed:
        """Raises NotFound("error.documents_not_read", name=) before it was read."""
        found = self.kept.parsed(document.sha256)
        if found is None:
            raise NotFound("error.documents_not_read", name=document.name)
        return found

    def laid(self, document: Document) -> Laid:
        """Its one text, which passages and citations count in. Raises as `parsed`."""
        return lay(self.parsed(document))

    def original(self, document: Document) -> Path:
        """The bytes as they were handed over. Raises NotFound("error.documents_file_missing", name=)."""
        path = self.kept.original(document.sha256)
        if not path.is_file():
            raise NotFound("error.documents_file_missing", name=document.name)
        return path

    # --- changing

    def set_tags(self, document_id: int, tags: Iterable[str]) -> Document:
        """In place of those it has. Raises NotFound, BadInput("error.documents_tag", limit=)."""
        cleaned = dict.fromkeys(clean_name(tag, TAG_LIMIT, "error.documents_tag") for tag in tags if tag.strip())
        kept = json.dumps(list(cleaned)[:TAGS_LIMIT], ensure_ascii=False)
        with self.database.write() as session:
            row = session.get(DocumentRow, row_id(document_id))
            if row is None:
                raise NotFound("error.documents_missing")
            row.tags = kept
            return read_row(row)

    def set_state(
        self,
        document: Document,
        state: State,
        told: Told | None = None,
        error_key: str | None = None,
        error_details: dict[str, Any] | None = None,
    ) -> bool:
        """Whether it was set: not when it is gone, or was queued since: with other content, or to be read again."""
        done = Outcome(document, state, told, error_key, error_details or {})
        return document.id in self.settle([done])

    def settle(self, outcomes: Iterable[Outcome]) -> set[int]:
        """Many in one transaction; the ids of those that were set (see `set_state`)."""
        found: set[int] = set()
        with self.database.write() as session:
            for one in outcomes:
                since = one.document.changed.timestamp() + CLOCK_S
                same = (DocumentRow.id == one.document.id, DocumentRow.sha256 == one.document.sha256)
                settled = or_(DocumentRow.state != "queued", DocumentRow.changed <= since)
                changed = update(DocumentRow).where(*same, settled).values(**_values(one)).returning(DocumentRow.id)
                found.update(session.scalars(changed))
        return found

    def requeue_unread(self) -> None:
        """What was being read when a run ended early is queued again. For whoever has the turn to index."""
        unread = update(DocumentRow).where(DocumentRow.state == "reading").values(state="queued")
        with self.database.write() as session:
            session.execute(unread)

    def forget_strays(self, sha256: str) -> None:
        """Take away what was read out of content that no document has any more. Raises StorageProblem."""
        with self.database.write() as session:
            if session.scalar(select(func.count()).where(DocumentRow.sha256 == sha256)):
                return
            aside = self.kept.put_aside(sha256)
        self.kept.delete(aside)

    def sweep(self) -> None:
        """Take away what a kill or a full disk left: halves, and content that no document has. Raises StorageProblem.

        Bytes come to their place before the row that names them is there, and go after it: `forget_strays` looks again.
        """
        self.kept.sweep()
        there = self.kept.contents()
        with self.database.read() as session:
            strays = there - set(session.scalars(select(DocumentRow.sha256)))
        for sha256 in strays:
            self.forget_strays(sha256)


def read_row(row: DocumentRow) -> Document:
    """Raises ValueError for a row that was tampered with."""
    return Document(
        id=row.id,
        name=row.name,
        folder=row.folder,
        source=row.source,
        sha256=row.sha256,
        kind=row.kind,
        size=row.size,
        state=cast(State, row.state),
        error_key=row.error_key,
        error_details=json.loads(row.error_details),
        title=row.title,
        pages=row.pages,
        characters=row.characters,
        language=row.language,
        dated=row.dated,
        tags=tuple(json.loads(row.tags)),
        notes=tuple(Note.model_validate(note) for note in json.loads(row.notes)),
        created=moment(row.created),
        changed=moment(row.changed),
    )


def _values(one: Outcome) -> dict[str, Any]:
    """Columns of a row; what was told of its earlier content stays where nothing is told."""
    values: dict[str, Any] = {
        "state": one.state,
        "error_key": one.error_key,
        "error_details": _json(dict(one.error_details)),
        "changed": time.time(),
    }
    if one.told is not None:
        values |= {name: getattr(one.told, name) for name in ("pages", "characters", "language", "dated")}
        values |= {"title": writable(one.told.title), "notes": _json([note.model_dump() for note in one.told.notes])}
    return values


def _json(value: object) -> str:
    return writable(json.dumps(value, ensure_ascii=False, default=str))
