"""Documents prepared in a thread while others are embedded: as many ahead as hold a fair number of passages."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Final

from backend.documents.indexing.preparing import Prepared

TICK_S: Final = 0.5


class Ahead:
    """A context manager; leaving it ends the thread after the document that it has in hand.

    prepare  called in the thread, document after document by their ids; what it raises comes out of `each`
    most     passages that are held ready: then the thread waits. A document of more is held alone.
    """

    def __init__(self, prepare: Callable[[int], Prepared | None], documents: Sequence[int], most: int) -> None:
        self._prepare, self._documents, self._most = prepare, documents, most
        self._ready: deque[Prepared] = deque()
        self._held = 0
        self._gone = 0
        self._fault: BaseException | None = None
        self._ended = self._left = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="prepares documents", daemon=True)

    @property
    def gone(self) -> int:
        """How many were not there any more when their turn came."""
        return self._gone

    def each(self) -> Iterator[Prepared | None]:
        """In order; None whenever nothing was ready for half a second."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready or self._ended, TICK_S)
                found = self._ready.popleft() if self._ready else None
                if found is not None:
                    self._held -= len(found.passages)
                    self._changed.notify_all()
                elif self._ended:
                    if self._fault is not None:
                        raise self._fault
                    return
            yield found

    def __enter__(self) -> Ahead:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._left = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        try:
            for document in self._documents:
                with self._changed:
                    self._changed.wait_for(lambda: self._left or self._held < self._most)
                    if self._left:
                        return
                self._add(self._prepare(document))
        except BaseException as fault:
            self._fault = fault
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _add(self, found: Prepared | None) -> None:
        with self._changed:
            if found is None:
                self._gone += 1
            else:
                self._ready.append(found)
                self._held += len(found.passages)
            self._changed.notify_all()
