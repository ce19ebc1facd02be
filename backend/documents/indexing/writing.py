"""Prepared documents into the index: embedded and put many at once, each of them whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from backend.documents.embedding.model import Embedder
from backend.documents.index.index import Entry, Index, searched
from backend.documents.indexing.contents import Contents
from backend.documents.indexing.preparing import Prepared
from backend.documents.shelf.store import Document, DocumentStore, Outcome
from backend.errors import NotFound, Unavailable
from backend.jobs.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AT_ONCE: Final = (8, 32, 256)
"""Passages between two looks at whether a stop was asked for: the fewest, as one begins, the most."""
LOOKS_S: Final = (1.0, 5.0)
"""Twice as many the next time where they take less than the first, half as many where they take more than the last."""
TRY_AGAIN_S: Final = (2.0, 8.0, 30.0)
"""A server that is being restarted is there again within moments; after the last of these the run ends, resumable."""
SETTLED: Final = frozenset({"error.endpoint_key_refused", "error.endpoint_not_found", "error.chroma_foreign"})
"""What a server will say again however long one waits."""

T = TypeVar("T")


class Writing:
    """`embedder` opens the model, once, when passages are there; None where the index has no points.

    refind  of a document that was read, before its passages are found: what is said of places in its text
    """

    def __init__(
        self,
        store: DocumentStore,
        index: Index,
        embedder: Callable[[], Embedder] | None,
        contents: Contents,
        progress: Progress,
        refind: Callable[[Document], object],
        waits: Sequence[float] = TRY_AGAIN_S,
    ) -> None:
        self._store, self._index, self._open = store, index, embedder
        self._embedder: Embedder | None = None
        self._contents, self._progress, self._refind, self._waits = contents, progress, refind, waits
        self.loading_s = self.embedding_s = self.putting_s = 0.0
        self._at_once = AT_ONCE[1]

    def write(self, prepared: Sequence[Prepared]) -> None:
        """Raises Stopped before anything of these was put; StorageProblem, Unavailable, ModelProblem, Refused."""
        whole = [one for one in prepared if one.fault is None]
        started, loaded = time.monotonic(), self.loading_s
        vectors = self._vectors([passage for one in whole for passage in map(searched, one.passages)])
        embedded = time.monotonic()
        self.embedding_s += embedded - started - (self.loading_s - loaded)
        entries, at = [], 0
        for one in whole:
            mine = None if vectors is None else vectors[at : at + len(one.passages)]
            entries.append(Entry(one.document.id, one.passages, mine))
            at += len(one.passages)
        for one in whole:
            with suppress(NotFound):  # replaced by another content meanwhile: `_settle` hears of it
                self._refind(one.document)
        if entries:
            self._patiently(lambda: self._index.put_all(entries))
            self._contents.note(one.document for one in whole)
        self._settle(prepared)
        self.putting_s += time.monotonic() - embedded

    def _settle(self, prepared: Sequence[Prepared]) -> None:
        """Tell the documents' rows; what failed, or is gone meanwhile, is not found any more."""
        there = self._store.settle([_outcome(one) for one in prepared])
        gone = [one.document for one in prepared if one.document.id not in there]
        for document in gone:
            self._store.forget_strays(document.sha256)
        failed = [one.document for one in prepared if one.fault is not None]
        if out := list(dict.fromkeys(document.id for document in (*gone, *failed))):
            self._patiently(lambda: self._index.drop_all(out))

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        import numpy as np

        if self._open is None or not texts:
            return None
        self._embedder = self._embedder or self._opened(self._open)
        # Texts of one length together: a short one takes as long as the longest that it is embedded with.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        embed, found, at = self._embedder.passages, [], 0
        while at < len(order):
            self._progress.check_stop()
            self._progress.message("run.message.indexing_embedding", done=at, total=len(order))
            some = [texts[place] for place in order[at : at + self._at_once]]
            started = time.monotonic()
            found.append(self._patiently(lambda some=some: embed(some)))  # type: ignore[misc]
            at += len(some)
            self._at_once = _how_many(self._at_once, time.monotonic() - started)
        back = np.argsort(order)
        return np.asarray(np.concatenate(found)[back])

    def _opened(self, opening: Callable[[], Embedder]) -> Embedder:
        """The model is loaded while files are read already."""
        self._progress.message("run.message.loading_model")
        started, worked = time.monotonic(), time.thread_time()
        embedder = opening()
        self.loading_s = time.monotonic() - started
        self._progress.result(loading_cpu_s=round(time.thread_time() - worked, 2))
        return embedder

    def _patiently(self, act: Callable[[], T]) -> T:
        """Again after a while when a server does not answer. Raises Stopped, and what it says the last time."""
        for wait in self._waits:
            try:
                return act()
            except Unavailable as fault:
                if fault.key in SETTLED:
                    raise
                wait = max(wait, float(str(fault.details.get("seconds", 0))))
                self._progress.message("run.message.indexing_retry", seconds=round(wait))
                print(f"again in {wait:g} s: {fault}", flush=True)
            end = time.monotonic() + wait
            while time.monotonic() < end:
                self._progress.check_stop()
                time.sleep(0.2)
        return act()


def _how_many(last: int, seconds: float) -> int:
    """Passages of the next step, after one of `last` took `seconds`."""
    quick, slow = LOOKS_S
    if quick <= seconds <= slow:
        return last
    return min(2 * last, AT_ONCE[2]) if seconds < quick else max(last // 2, AT_ONCE[0])


def _outcome(one: Prepared) -> Outcome:
    if one.fault is None:
        return Outcome(one.document, "indexed", one.told)
    return Outcome(one.document, "failed", None, one.fault.key, one.fault.details)
