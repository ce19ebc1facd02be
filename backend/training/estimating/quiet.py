"""How long this process was kept waiting by others, so that a time can be told as it is on a machine left alone."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter


class Stopwatch:
    """Seconds since it was started or last read, without those in which other programs had the cores.

    Linux counts for each thread how long it stood ready and waited for a core (schedstat). The threads of one
    computation wait for the slowest among them, so what the most delayed one waited is what the whole lost. Where the
    system does not tell, nothing is taken off and `waited` stays 0. `pid` is another process that is watched.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._tasks = Path(f"/proc/{pid or 'self'}/task")
        self.waited = self.seconds = 0.0
        """Seconds kept waiting, and seconds of work, in all laps so far."""
        self._start, self._queued = perf_counter(), _queued(self._tasks)

    def start(self) -> None:
        """What was since the last lap does not count."""
        self._start, self._queued = perf_counter(), _queued(self._tasks)

    def lap(self) -> float:
        """Seconds of work since the last lap or start; begins anew."""
        now, queued = perf_counter(), _queued(self._tasks)
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


def _queued(tasks: Path) -> dict[str, float]:
    """Seconds that each thread of a process has waited for a core since it began."""
    found: dict[str, float] = {}
    try:
        threads = list(tasks.iterdir())
    except OSError:  # not Linux, or the process has ended
        return found
    for task in threads:
        try:
            found[task.name] = int((task / "schedstat").read_text().split()[1]) * 1e-9
        except (OSError, ValueError, IndexError):  # the thread ended meanwhile, or this system does not count
            continue
    return found
