"""Which document is in hand, told in its row: twice a second at most, since that takes longer than most files do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from backend.documents.shelf.store import Document, DocumentStore

EVERY_S: Final = 0.5


class Shown:
    """`look_at` is told of each document before its turn."""

    def __init__(self, store: DocumentStore, look_at: Callable[[Document], None]) -> None:
        self._store, self._look_at = store, look_at
        self._document: Document | None = None
        self._told = 0.0

    def begin(self, document: Document) -> None:
        self._document = document
        self._look_at(document)
        self.still()

    def still(self) -> None:
        """The same one is in hand; one that takes long is told in any case."""
        if self._document is not None and time.monotonic() - self._told > EVERY_S:
            self._told = time.monotonic()
            self._store.set_state(self._document, "reading")
