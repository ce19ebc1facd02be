"""One document: read from its bytes or from what was kept of an earlier reading, told, cut into passages."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from backend.documents.indexing.shown import Shown
from backend.documents.languages import language_of_all
from backend.documents.reading.reader import Reader
from backend.documents.shelf.store import Document, DocumentStore, Told
from backend.documents.splitting.passages import split
from backend.documents.splitting.settings import SplitSettings
from backend.documents.splitting.units import Count
from backend.documents.values import Parsed, Passage, lay
from backend.errors import BadInput, NotFound, StudioError
from backend.jobs.progress import Stopped


@dataclass(frozen=True)
class Prepared:
    """A document with its passages, or with the fault for which it has none."""

    document: Document
    told: Told | None = None
    passages: tuple[Passage, ...] = ()
    fault: StudioError | None = None


@dataclass(frozen=True)
class Preparing:
    """`count` is the tokenizer's.

    waiting   called while a file is read or cut; what it raises ends that
    shown     tells which document is in hand
    """

    store: DocumentStore
    reader: Reader
    settings: SplitSettings
    count: Count
    waiting: Callable[[], None]
    shown: Shown

    def prepare(self, number: int) -> Prepared | None:
        """The document with this id; None when it is gone.

        A file's own fault comes back with it. Raises Stopped; StorageProblem and Unavailable, which are about this
        machine and not about the file.
        """
        self.waiting()
        try:
            document = self.store.get(number)
        except NotFound:
            return None
        self.shown.begin(document)
        try:
            return self._cut(document, self._read(document))
        except (BadInput, NotFound) as fault:
            return Prepared(document, fault=fault)
        except (StudioError, Stopped, MemoryError):
            raise
        except Exception as fault:
            # A fault of ours with this one file: it is told with it and in the log, and the other files go on.
            print(traceback.format_exc(), file=sys.stderr, flush=True)
            said = f"{type(fault).__name__}: {fault}"[:200]
            return Prepared(document, fault=BadInput("error.documents_bug", name=document.name, fault=said))

    def _read(self, document: Document) -> Parsed:
        kept = self.store.kept.parsed(document.sha256)
        if kept is not None:
            return kept
        parsed = self.reader.read(self.store.original(document), document.name, self._meanwhile)
        self.store.kept.keep_parsed(document.sha256, parsed)
        return parsed

    def _meanwhile(self) -> None:
        self.waiting()
        self.shown.still()

    def _counted(self, text: str) -> int:
        """Cutting a book takes minutes, most of them here: so a stop ends it here, too."""
        self.waiting()
        return self.count(text)

    def _cut(self, document: Document, parsed: Parsed) -> Prepared:
        laid = lay(parsed)
        passages = split(parsed, laid, self.settings, self._counted, document.id)
        if not passages:
            raise BadInput("error.document_no_text", name=document.name)
        told = Told(
            title=parsed.title,
            pages=parsed.pages,
            characters=len(laid.text),
            language=language_of_all((passage.language, len(passage.text)) for passage in passages),
            dated=parsed.dated,
            notes=parsed.notes,
        )
        return Prepared(document, told, tuple(passages))
