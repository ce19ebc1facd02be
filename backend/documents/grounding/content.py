"""Names what an assistant's documents hold now: the same question gets other passages once this has changed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from backend.assistants import Documents, PassageFilter
from backend.projects.tables import DocumentRow

if TYPE_CHECKING:
    from backend.projects.folder import Project

INDEX_NOTE = "documents.index"


def documents_key(project: Project, wanted: Documents) -> str:
    """32 hex digits of every indexed document's name and content, and of how the index was made.

    Folders, tags, dates and languages count where the assistant filters: they decide what is looked in. Documents are
    named by their content rather than by their number, which another machine would count otherwise.
    """
    columns: list[Any] = [DocumentRow.name, DocumentRow.sha256, DocumentRow.folder]
    if wanted.filter != PassageFilter():
        columns += [DocumentRow.tags, DocumentRow.dated, DocumentRow.language]
    found = select(*columns).where(DocumentRow.state == "indexed")
    with project.database.read() as session:
        rows = sorted(tuple(str(value) for value in row) for row in session.execute(found))
    told = json.dumps([project.get_note(INDEX_NOTE), rows], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]
