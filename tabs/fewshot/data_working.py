"""Work that takes its time inside an event: it runs in a thread of its own while the page is told that it goes on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any, Final, TypeVar

T = TypeVar("T")
EVERY_S: Final = 0.4


class Counted:
    """Counts what passes through it, for a thread that looks on."""

    def __init__(self) -> None:
        self.count = 0

    def through(self, things: Iterable[T]) -> Iterator[T]:
        for thing in things:
            self.count += 1
            yield thing


def working(work: Callable[[], T], busy: Callable[[], dict[Any, Any]]) -> Generator[Any, None, T]:
    """Yield `busy()` while `work()` runs; its result is what `yield from` gives. Raises what the work raises.

    A page that goes away leaves the work running to its end: what was begun with the data is finished.
    """
    crew = ThreadPoolExecutor(1, "task-data")
    future = crew.submit(work)
    crew.shutdown(wait=False)
    yield busy()
    while True:
        try:
            return future.result(EVERY_S)
        except NotYet:
            if future.done():
                raise
            yield busy()
