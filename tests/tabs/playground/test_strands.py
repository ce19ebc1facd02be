"""Streams in threads: the page sees the latest, notices faults, and its leaving ends the work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from tabs.playground.strands import Stops, watch


def counting(stop: threading.Event, upto: int, pause: float = 0.005) -> Iterator[int]:
    for number in range(upto):
        if stop.is_set():
            return
        yield number
        time.sleep(pause)


def test_streams_run_beside_each_other_and_end_together() -> None:
    stop = threading.Event()
    began = time.monotonic()
    for strands in watch([lambda: counting(stop, 20), lambda: counting(stop, 20)], stop, pause=0.01):
        last = [strand.latest for strand in strands]
    assert last == [19, 19]
    assert all(strand.done and strand.fault is None for strand in strands)
    assert time.monotonic() - began < 5


def test_a_slow_page_skips_what_it_missed() -> None:
    stop = threading.Event()
    seen = []
    for (strand,) in watch([lambda: counting(stop, 50, 0.001)], stop, pause=0.05):
        seen.append(strand.latest)
    assert seen[-1] == 49
    assert len(seen) < 30


def test_one_that_fails_leaves_the_other_alone() -> None:
    stop = threading.Event()

    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    strands = list(watch([failing, lambda: counting(stop, 5)], stop, pause=0.001))[-1]
    assert isinstance(strands[0].fault, ValueError) and strands[0].latest == 1
    assert strands[1].latest == 4


def test_a_page_that_is_closed_stops_its_work() -> None:
    stop = threading.Event()
    watching = watch([lambda: counting(stop, 10_000)], stop, pause=0.001)
    next(watching)
    watching.close()
    assert stop.is_set()


def test_a_page_that_turned_to_something_else_does_not() -> None:
    stop = threading.Event()
    watching = watch([lambda: counting(stop, 10_000)], stop, left=lambda: True, pause=0.001)
    next(watching)
    watching.close()
    assert not stop.is_set()
    stop.set()


def test_a_quiet_stream_still_gives_signs_of_life() -> None:
    stop = threading.Event()

    def slow() -> Iterator[int]:
        stop.wait(0.2)
        yield 1

    assert len(list(watch([slow], stop, pause=0.001, quiet=0.02))) > 3


def test_a_page_stops_only_its_own() -> None:
    stops = Stops()
    mine, other = stops.begin("page-1", "chat"), stops.begin("page-2", "chat")
    assert stops.stop("page-1", "chat")
    assert mine.is_set() and not other.is_set()
    assert not stops.stop("page-3", "chat")
    again = stops.begin("page-2", "chat")
    assert other.is_set() and not again.is_set()
    stops.end("page-2", "chat", other)
    assert stops.busy("page-2", "chat")
    stops.leave("page-2", "chat")
    assert not stops.busy("page-2", "chat") and not again.is_set()
