"""Which content of each document an index holds: a file beside it, written after the index took a document.

A kill in between costs reading that document's kept text again, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from backend.documents.shelf.store import Document
from backend.files import storing, write_atomic
from backend.jobs.folder import append_line, read_lines

FILE: Final = "contents.jsonl"


class Contents:
    """`folder` is the index's."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._held: dict[int, str] = {}
        for line in read_lines(self._path):
            number, sha256 = line.get("document"), line.get("sha256")
            if isinstance(number, int) and isinstance(sha256, str):
                self._held[number] = sha256

    def holds(self, document_id: int, sha256: str) -> bool:
        return self._held.get(document_id) == sha256

    def note(self, documents: Iterable[Document]) -> None:
        """Raises StorageProblem."""
        with storing(self._path):
            for document in documents:
                self._held[document.id] = document.sha256
                append_line(self._path, {"document": document.id, "sha256": document.sha256})

    def keep_only(self, ids: Mapping[int, object]) -> None:
        """Forget the others, and what a kill left of a line. Raises StorageProblem."""
        self._held = {number: sha256 for number, sha256 in self._held.items() if number in ids}
        lines = [f'{{"document": {number}, "sha256": "{sha256}"}}\n' for number, sha256 in self._held.items()]
        write_atomic(self._path, "".join(lines))
