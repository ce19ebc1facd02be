"""Documents of a project from elsewhere: rows that a page can draw, bytes that are what their names say, nothing else.

Only what a person gave is taken over: names, folders, tags and bytes. Titles, pages, states and what was read come from
reading the bytes here; so an import is read anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Annotated, Any, Final, get_args

from pydantic import Field, TypeAdapter
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.documents.measuring.places import QUOTE_LIMIT
from backend.documents.reading.kinds import Kind
from backend.documents.shelf.keeping import BLOCK, ORIGINAL, PLACE, SHA256
from backend.documents.shelf.names import FOLDER_LIMIT, NAME_LIMIT, file_name, folder_name
from backend.documents.shelf.store import TAG_LIMIT, TAGS_LIMIT
from backend.errors import BadInput
from backend.projects.moments import moment
from backend.projects.tables import DocumentRow, KnownQuestionRow, NoteRow

BATCH: Final = 200
INDEX_NOTE: Final = "documents.index"
KINDS: Final = frozenset(get_args(Kind)) - {"zip"}
TAGS: Final[TypeAdapter[Any]] = TypeAdapter(
    Annotated[list[Annotated[str, Field(min_length=1, max_length=TAG_LIMIT)]], Field(max_length=TAGS_LIMIT)]
)
Offset = Annotated[int, Field(ge=0, lt=2**53)]
Quote = Annotated[str, Field(max_length=QUOTE_LIMIT)]
Spot = tuple[Offset, Offset, Offset] | tuple[Offset, Offset, Offset, Quote]
PLACES: Final[TypeAdapter[Any]] = TypeAdapter(list[Spot])


def check_documents(session: Session) -> None:
    """Rows as a page, a run and a measurement read them. Raises ValueError, TypeError, ArithmeticError."""
    for row in session.scalars(select(DocumentRow)).yield_per(BATCH):
        if row.name != file_name(row.name) or len(row.name) > NAME_LIMIT:
            raise ValueError("name")
        if row.folder != folder_name(row.folder) or len(row.folder) > FOLDER_LIMIT:
            raise ValueError("folder")
        if not SHA256.fullmatch(row.sha256) or row.kind not in KINDS or row.size < 0 or len(row.source) > NAME_LIMIT:
            raise ValueError("document")
        TAGS.validate_json(row.tags, strict=True)
        json.dumps(row.tags, ensure_ascii=False).encode("utf-8")
        moment(row.created)
        moment(row.changed)
    for question in session.scalars(select(KnownQuestionRow)).yield_per(BATCH):
        PLACES.validate_json(question.places)
        moment(question.created)
        moment(question.changed)


def unread(session: Session) -> None:
    """What another machine says it has read and indexed is read here."""
    session.execute(
        update(DocumentRow).values(
            state="queued",
            error_key=None,
            error_details="{}",
            title="",
            pages=None,
            characters=None,
            language="",
            dated=None,
            notes="[]",
        )
    )
    _index_here(session)


def _index_here(session: Session) -> None:
    """A stranger's project does not say to which server passages go, nor which model is fetched or which folder read.

    Of its model it keeps that there is none; any other becomes the one that is installed with the studio.
    """
    note = session.get(NoteRow, INDEX_NOTE)
    if note is None:
        return
    kept = json.loads(note.value)
    if not isinstance(kept, dict):
        session.delete(note)
        return
    here = {name: value for name, value in kept.items() if name not in ("chroma", "embedding")}
    model = kept.get("embedding")
    if isinstance(model, dict) and model.get("kind") == "none":
        here["embedding"] = {"kind": "none", "name": ""}
    note.value = json.dumps(here)


def check_files(session: Session, files: Path) -> None:
    """Nothing lies in files/documents but the bytes of documents, each under the hash of what it is.

    Raises BadInput("error.documents_import", file=) when bytes are missing or not what they say; what belongs to no
    document, and texts that others read, are deleted.
    """
    sizes = dict(session.execute(select(DocumentRow.sha256, DocumentRow.size)).all())
    named = dict(session.execute(select(DocumentRow.sha256, DocumentRow.name)).all())
    place = files / PLACE
    for found in list(place.iterdir()) if place.is_dir() else ():
        if found.name not in sizes:
            shutil.rmtree(found) if found.is_dir() else found.unlink()
            continue
        for inside in list(found.iterdir()) if found.is_dir() else ():
            if inside.name != ORIGINAL:
                shutil.rmtree(inside) if inside.is_dir() else inside.unlink()
    for sha256, size in sizes.items():
        original = place / sha256 / ORIGINAL
        if not original.is_file() or original.stat().st_size != size or _sha256(original) != sha256:
            raise BadInput("error.documents_import", file=named[sha256][:80])


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
