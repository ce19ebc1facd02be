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


def documents_key(project: Project, wanted: Documents) -> str:
    """32 hex digits of how the index was made, and of every document in it: its name and content.

    What counts is what the active index holds, not what was read once: a new index is searched while it is filling.
    Folders, tags, dates and languages count where the assistant filters: they decide what is looked in. Documents are
    named by their content rather than by their number, which another machine would count otherwise; of one that has
    changed since it was indexed, only that.
    """
    from backend.documents.index.settings import active  # which imports the project, which imports this

    columns: list[Any] = [DocumentRow.name, DocumentRow.sha256, DocumentRow.folder, DocumentRow.state == "indexed"]
    if wanted.filter != PassageFilter():
        columns += [DocumentRow.tags, DocumentRow.dated, DocumentRow.language]
    held = _held(project)
    with project.database.read() as session:
        found = session.execute(select(DocumentRow.id, *columns))
        rows = sorted(tuple(str(value) for value in row[1:]) for row in found if row[0] in held)
    told = json.dumps([active(project).key, rows], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _held(project: Project) -> set[int]:
    """The ids of the documents in the active index."""
    from backend.documents.index.rows import PassageRows
    from backend.documents.index.settings import active, rows_file

    path = rows_file(project.folder, active(project))
    return set(PassageRows(path).documents()) if path.is_file() else set()
