"""Several streams written by threads and read by one page, which sees the latest of each and never holds them up.

A page's generator must come back often: Gradio notices a closed page only between two yields, and waits for a generator
that is still inside `next()`. So the work runs in threads, and the page reads what is there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

PAUSE_S = 0.06
"""At most about sixteen updates a second reach the page: smooth to read, and cheap for many pages at once."""
QUIET_S = 0.8
"""A page is given a sign of life at least this often, so that it is noticed when nobody looks any more."""


@dataclass
class Strand(Generic[T]):
    """One stream as it stands: its latest item, the fault that ended it, whether it is over."""

    latest: T | None = None
    fault: Exception | None = None
    done: bool = False


def watch(
    sources: Sequence[Callable[[], Iterator[T]]],
    stop: threading.Event,
    left: Callable[[], bool] = lambda: False,
    pause: float = PAUSE_S,
    quiet: float = QUIET_S,
) -> Iterator[list[Strand[T]]]:
    """Run every source in a thread and yield all strands whenever one has changed, or nothing did for a while.

    Ends after the last strand. Closing this iterator sets `stop`, which the sources are expected to heed, unless `left`
    says that the page only turned to something else: then they go on to their end.
    """
    strands: list[Strand[T]] = [Strand() for _ in sources]
    changed = threading.Event()

    def pull(strand: Strand[T], source: Callable[[], Iterator[T]]) -> None:
        try:
            for item in source():
                strand.latest = item
                changed.set()
        except Exception as fault:  # Handed to the reader, who raises or shows it.
            strand.fault = fault
        finally:
            strand.done = True
            changed.set()

    for strand, source in zip(strands, sources, strict=True):
        threading.Thread(target=pull, args=(strand, source), daemon=True, name="matchum-answer").start()
    try:
        while True:
            changed.wait(quiet)
            changed.clear()
            over = all(strand.done for strand in strands)
            yield strands
            if over:
                return
            time.sleep(pause)
    finally:
        if not left():
            stop.set()


class Stops:
    """Who may stop what: one event per page and piece of work. Belongs to one build of the tab, never to a module."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], threading.Event] = {}
        self._lock = threading.Lock()

    def begin(self, page: str, work: str) -> threading.Event:
        """A fresh event; what this page had running under the same name is stopped."""
        event = threading.Event()
        with self._lock:
            before = self._events.get((page, work))
            self._events[(page, work)] = event
        if before is not None:
            before.set()
        return event

    def end(self, page: str, work: str, event: threading.Event) -> None:
        with self._lock:
            if self._events.get((page, work)) is event:
                del self._events[(page, work)]

    def holds(self, page: str, work: str, event: threading.Event) -> bool:
        """Whether `event` is still the one this page looks at."""
        with self._lock:
            return self._events.get((page, work)) is event

    def busy(self, page: str, work: str) -> bool:
        with self._lock:
            return (page, work) in self._events

    def leave(self, page: str, work: str) -> None:
        """The page turns to something else: its work goes on, but is no longer this page's to show or stop."""
        with self._lock:
            self._events.pop((page, work), None)

    def stop(self, page: str, work: str) -> bool:
        """Stop this page's own work; False when it has none."""
        with self._lock:
            event = self._events.get((page, work))
        if event is not None:
            event.set()
        return event is not None
