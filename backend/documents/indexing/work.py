"""The work of an "indexing" run. What is done is told in the documents' rows, so any later run goes on from there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from backend.documents.embedding.embedders import Embedders
from backend.documents.embedding.model import Embedder
from backend.documents.index.index import Index, remove_damaged
from backend.documents.index.settings import active
from backend.documents.indexing.ahead import Ahead
from backend.documents.indexing.contents import Contents
from backend.documents.indexing.preparing import Prepared, Preparing
from backend.documents.indexing.shown import Shown
from backend.documents.indexing.turn import OVER, READING, index_turn
from backend.documents.indexing.writing import Writing
from backend.documents.measuring.places import refind
from backend.documents.reading.reader import Reader
from backend.documents.shelf.leaving import finish_removals
from backend.documents.shelf.store import Document
from backend.documents.values import State
from backend.errors import Busy, Unavailable
from backend.files import storing
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.models.endpoints import Endpoints
from backend.projects.folder import Project

PASSAGES_AT_ONCE: Final = 1_000
DOCUMENTS_AT_ONCE: Final = 200
WRITTEN_EVERY_S: Final = 5.0
"""However slow it is, so often what is ready can be found."""
WAITING: Final[tuple[State, ...]] = ("queued", "reading", "indexed")
WAITS: Final = "run.message.waiting"
STATES: Final[tuple[State, ...]] = (*WAITING, "failed")


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped; a full disk, a model or a server that fails. After all of them it can be resumed."""
    project = Project(job.folder.parent.parent, threading.Lock())
    try:
        with _turn(job, project, progress):
            settings = active(project)
            progress.message("run.message.indexing_looking")
            remove_damaged(project.folder, settings)
            with suppress(Unavailable, Busy):  # of an old index; its own server is asked below
                finish_removals(project)
            embedders = Embedders(job.settings, Endpoints(job.settings.home, job.settings.offline))
            with closing(Index(project.folder, settings)) as index, closing(embedders):
                Indexing(project, index, embedders, progress, job.folder / OVER).run()
    finally:
        project.close()


@contextmanager
def _turn(job: Job, project: Project, progress: Progress) -> Iterator[None]:
    """Queued, and beating, until it has its turn: a predecessor may be on its way to a stop. Raises Stopped."""

    def waiting() -> None:
        progress.check_stop()
        if progress.state().message_key != WAITS:
            progress.set(state="queued", message_key=WAITS, message_details={})

    (job.folder / OVER).unlink(missing_ok=True)
    with index_turn(project, waiting):
        progress.set(state="running")
        yield


class Indexing:
    """One attempt. `over` is the file that it leaves before its last look for documents."""

    def __init__(self, project: Project, index: Index, embedders: Embedders, progress: Progress, over: Path) -> None:
        self._project, self._store, self._over = project, project.documents, over
        self._index, self._embedders, self._progress = index, embedders, progress
        self._contents = Contents(index.folder)
        self._seen: set[tuple[int, str, float]] = set()
        self._done = self._indexed = self._failed = self._passages = 0

    def run(self) -> None:
        """The embedding model is not loaded when there is nothing to do."""
        self._store.requeue_unread()
        self._forget_strangers()
        started, computed = time.monotonic(), time.process_time()
        documents = self._waiting() or self._last()
        self._progress.total(len(documents), "files")
        try:
            if documents:
                embedder = self._embedder()
                with Reader(results=self._project.folder / "index" / READING) as reader, self._index.writing():
                    preparing = self._preparing(reader)
                    places = partial(refind, self._project)
                    writing = Writing(self._store, self._index, embedder, self._contents, self._progress, places)
                    while documents:
                        self._work_through(documents, preparing, writing)
                        documents = self._waiting() or self._last()
                    self._tell(writing, time.monotonic() - started, time.process_time() - computed)
        finally:
            self._store.requeue_unread()

    def _embedder(self) -> Callable[[], Embedder] | None:
        """Opens the model; one that may have to be fetched is there before files are read: its tokenizer counts."""
        model = self._index.settings.embedding
        if model.kind == "none":
            return None
        if model.kind == "hub":
            self._progress.message("run.message.loading_model")
            self._embedders.open(model, fetch=True, progress=self._progress)
        return partial(self._embedders.open, model)

    def _preparing(self, reader: Reader) -> Preparing:
        def look_at(document: Document) -> None:
            self._progress.message("run.message.indexing_reading", name=document.place)

        settings = self._index.settings
        count = self._embedders.counter(settings.embedding)
        shown = Shown(self._store, look_at)
        return Preparing(self._store, reader, settings.split, count, self._progress.check_stop, shown)

    def _waiting(self) -> list[int]:
        """Those that are not in the index as they are now, in the order in which they came; each is tried once, and
        again when it was queued again.
        """
        held = self._index.documents()
        found = [
            (number, sha256, queued or 0.0)
            for number, sha256, state, queued in self._store.contents(WAITING)
            if (number, sha256, queued or 0.0) not in self._seen
            and not (state == "indexed" and number in held and self._contents.holds(number, sha256))
        ]
        self._seen.update(found)
        return [number for number, _, _ in found]

    def _last(self) -> list[int]:
        """The last look: what is queued after it sees that this run is over, and starts another."""
        with storing(self._over):
            self._over.touch()
        return self._waiting()

    def _forget_strangers(self) -> None:
        """What a removal could not take out of the index, since it was killed or a server was down."""
        self._index.forget_lost()
        held = self._index.documents()
        there = {number for number, *_ in self._store.contents(STATES)}
        strangers = [number for number in held if number not in there]
        if strangers:
            self._index.drop_all(strangers)
        self._contents.keep_only({number: None for number in held if number in there})

    def _work_through(self, documents: Sequence[int], preparing: Preparing, writing: Writing) -> None:
        self._progress.total(self._done + len(documents), "files")
        ready: list[Prepared] = []
        written = time.monotonic()
        with Ahead(preparing.prepare, documents, PASSAGES_AT_ONCE) as ahead:
            for found in ahead.each():
                self._progress.check_stop()
                if found is not None:
                    ready.append(found)
                if ready and (_enough(ready) or time.monotonic() - written > WRITTEN_EVERY_S):
                    self._write(ready, writing)
                    ready, written = [], time.monotonic()
            self._write(ready, writing)
        self._done += ahead.gone
        self._progress.done(self._done)

    def _write(self, ready: Sequence[Prepared], writing: Writing) -> None:
        if not ready:
            return
        writing.write(ready)
        failed = sum(1 for one in ready if one.fault is not None)
        self._done += len(ready)
        self._failed += failed
        self._indexed += len(ready) - failed
        self._passages += sum(len(one.passages) for one in ready)
        self._progress.done(self._done)
        self._progress.result(indexed=self._indexed, failed=self._failed, passages=self._passages)

    def _tell(self, writing: Writing, seconds: float, computed: float) -> None:
        """Seconds of each part, rounded; what is read meanwhile in another process is in none of them.

        loading_s  of the embedding model        cpu_s  of this process on the processor
        """
        parts = {"seconds": seconds, "cpu_s": computed, "loading_s": writing.loading_s}
        parts |= {"embedding_s": writing.embedding_s, "putting_s": writing.putting_s}
        self._progress.result(**{name: round(value, 2) for name, value in parts.items()})


def _enough(ready: Sequence[Prepared]) -> bool:
    passages = sum(len(one.passages) for one in ready)
    return passages >= PASSAGES_AT_ONCE or len(ready) >= DOCUMENTS_AT_ONCE
