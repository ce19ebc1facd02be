"""Taking files in: copied under their content's name, told apart from what is there, and queued to be read.

Nothing is read here but the bytes that tell the kind: that is the work of the run (`backend.documents.indexing`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.documents.reading.kinds import kind_of
from backend.documents.shelf.archive import Member, members
from backend.documents.shelf.keeping import Draft
from backend.documents.shelf.names import file_name, folder_name
from backend.documents.shelf.store import Document, read_row
from backend.errors import BadInput, StorageProblem, StudioError
from backend.projects.folder import Project
from backend.projects.tables import DocumentRow, NoteRow

LARGEST: Final = 500 << 20
"""Bytes of one file."""
NEXT_ID: Final = "documents.next_id"
"""An id is given once: what cites a removed document never points into another one."""

Came = Literal["added", "same", "replaced"]


@dataclass(frozen=True)
class Brought:
    """What became of files that were handed over.

    added     new documents, queued
    same      (name, the document that has its content already): nothing changed
    replaced  documents whose name came with other content, queued; their old passages stay until they are read anew
    refused   (name, error key, details): not taken, the rest is
    """

    added: tuple[Document, ...] = ()
    same: tuple[tuple[str, Document], ...] = ()
    replaced: tuple[Document, ...] = ()
    refused: tuple[tuple[str, str, dict[str, Any]], ...] = ()

    @property
    def queued(self) -> tuple[int, ...]:
        """Ids of the documents that are to be read now."""
        return tuple(document.id for document in (*self.added, *self.replaced))


def bring(project: Project, uploads: Sequence[tuple[Path, str]], folder: str = "") -> Brought:
    """Take files in, each (where it lies, what it is called); ZIPs are opened and their folders kept below `folder`.

    One that cannot be taken (its kind, its size, a full disk) is told and the rest goes on.
    """
    intake = _Intake(project, folder_name(folder))
    for path, name in uploads:
        intake.upload(path, name)
    return Brought(tuple(intake.added), tuple(intake.same), tuple(intake.replaced), tuple(intake.refused))


class _Intake:
    """One call of `bring`."""

    def __init__(self, project: Project, folder: str) -> None:
        self.project, self.folder = project, folder
        self.kept = project.documents.kept
        self.added: list[Document] = []
        self.same: list[tuple[str, Document]] = []
        self.replaced: list[Document] = []
        self.refused: list[tuple[str, str, dict[str, Any]]] = []
        with suppress(StorageProblem):  # a full disk is told of the file that does not fit
            project.documents.sweep()

    def upload(self, path: Path, name: str) -> None:
        try:
            if kind_of(path, file_name(name)) == "zip":
                self._archive(path, file_name(name))
            else:
                with path.open("rb") as source:
                    self._file(source, file_name(name), self.folder, "")
        except StudioError as fault:
            self._refuse(name, fault)
        except OSError as fault:
            self._refuse(name, BadInput("error.documents_upload_lost", name=file_name(name), why=fault.strerror or "?"))

    def _archive(self, path: Path, name: str) -> None:
        for member in members(path, name, LARGEST):
            place = f"{name}/{member.shown}"
            try:
                self._member(member, name)
            except StudioError as fault:
                self._refuse(place, fault)

    def _member(self, member: Member, source: str) -> None:
        folder = folder_name(f"{self.folder}/{member.folder}")
        with member.opened() as stream:
            self._file(stream, member.name, folder, source)

    def _file(self, stream: BinaryIO, name: str, folder: str, source: str) -> None:
        with self.kept.drafted(stream, LARGEST, name) as draft:
            kind = kind_of(draft.path, name)
            if kind == "zip":
                raise BadInput("error.documents_nested_zip", name=name)
            came, document = self._kept(draft, DocumentRow(name=name, folder=folder, source=source, kind=kind))
        if came == "same":
            self.same.append((name, document))
        else:
            (self.added if came == "added" else self.replaced).append(document)

    def _kept(self, draft: Draft, row: DocumentRow) -> tuple[Came, Document]:
        """What is replaced goes once the row says so, for good; where it does not come to that, the new bytes go."""
        try:
            came, document, before = self._placed(draft, row)
        except StudioError:
            self._forget(draft.sha256)
            raise
        if before is not None:
            self._forget(before)
        return came, document

    def _forget(self, sha256: str) -> None:
        """Content that no document has; what cannot go now goes with a later sweep."""
        with suppress(StudioError):
            self.project.documents.forget_strays(sha256)

    def _placed(self, draft: Draft, row: DocumentRow) -> tuple[Came, Document, str | None]:
        """With what the document held before. In one transaction with the move of the bytes, so that a removal
        meanwhile sees both or neither.
        """
        with self.project.database.write() as session:
            here = select(DocumentRow).where(DocumentRow.folder == row.folder, DocumentRow.name == row.name)
            old = session.scalars(here).first()
            twin = old if old and old.sha256 == draft.sha256 else None
            if twin is None and old is None:
                alike = select(DocumentRow).where(DocumentRow.sha256 == draft.sha256).order_by(DocumentRow.id)
                twin = session.scalars(alike).first()
            if twin is not None:
                self.kept.place(draft)  # where its bytes were lost they are back
                return "same", read_row(twin), None
            before = old.sha256 if old else None
            self.kept.place(draft)
            kept = _renewed(old, row) if old else row
            _queue(session, kept, draft)
            document = read_row(kept)
        return ("replaced" if old else "added"), document, before

    def _refuse(self, name: str, fault: StudioError) -> None:
        self.refused.append((name, fault.key, fault.details))


def _renewed(old: DocumentRow, new: DocumentRow) -> DocumentRow:
    """The same document with what came now: its id, its place and its tags stay."""
    old.kind, old.source = new.kind, new.source
    return old


def _queue(session: Session, row: DocumentRow, draft: Draft) -> None:
    now = time.time()
    row.sha256, row.size, row.state = draft.sha256, draft.size, "queued"
    row.error_key, row.error_details = None, "{}"
    row.title, row.language, row.notes = "", "", "[]"
    row.pages = row.characters = row.dated = None
    row.changed = now
    if row.id is None:
        row.id, row.tags, row.created = _next_id(session, now), "[]", now
        session.add(row)
    session.flush()


def _next_id(session: Session, now: float) -> int:
    note = session.get(NoteRow, NEXT_ID)
    highest = session.scalar(select(func.max(DocumentRow.id))) or 0
    found = max(highest + 1, int(note.value) if note else 1)
    session.merge(NoteRow(key=NEXT_ID, value=str(found + 1), changed=now))
    return found
