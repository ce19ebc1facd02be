"""How long this process was kept waiting by others, so that a time can be told as it is on a machine left alone."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Final

TASKS: Final = Path("/proc/self/task")


class Stopwatch:
    """Seconds since it was started or last read, without those in which other programs had the cores.

    Linux counts for each thread how long it stood ready and waited for a core (schedstat). The threads of one
    computation wait for the slowest among them, so what the most delayed one waited is what the whole lost. Where the
    system does not tell, nothing is taken off and `waited` stays 0.
    """

    def __init__(self) -> None:
        self.waited = self.seconds = 0.0
        """Seconds kept waiting, and seconds of work, in all laps so far."""
        self._start, self._queued = perf_counter(), _queued()

    def start(self) -> None:
        """What was since the last lap does not count."""
        self._start, self._queued = perf_counter(), _queued()

    def lap(self) -> float:
        """Seconds of work since the last lap or start; begins anew."""
        now, queued = perf_counter(), _queued()
        spent = now - self._start
        waited = max((after - self._queued.get(thread, 0.0) for thread, after in queued.items()), default=0.0)
        waited = min(max(waited, 0.0), spent)
        self._start, self._queued = now, queued
        self.waited += waited
        self.seconds += spent - waited
        return spent - waited

    @property
    def share(self) -> float:
        """Of all time, what was spent waiting, 0..1."""
        whole = self.waited + self.seconds
        return self.waited / whole if whole else 0.0


def _queued() -> dict[str, float]:
    """Seconds that each thread of this process has waited for a core since it began."""
    found = {}
    for task in TASKS.iterdir() if TASKS.is_dir() else ():
        try:
            found[task.name] = int((task / "schedstat").read_text().split()[1]) * 1e-9
        except (OSError, ValueError, IndexError):  # the thread ended meanwhile, or this system does not count
            continue
    return found
