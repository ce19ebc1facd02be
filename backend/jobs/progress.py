"""What a work function tells while it works, and how it hears that it shall stop."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Any

from backend.errors import StorageProblem
from backend.jobs.folder import RunFolder, append_line
from backend.jobs.run import RunState

WINDOW_S = 30.0
"""The rate is that of the last half minute: a slow start or a pause is soon forgotten."""
PUBLISH_S = 0.5
HEARTBEAT_S = 2.0


class Stopped(Exception):
    """Raised by a work function that was asked to stop and has saved what it needs to go on later."""


class Rate:
    """Units per second over the last WINDOW_S seconds, from (time, done) pairs."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now: float, done: int) -> None:
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()

    def value(self, now: float) -> float | None:
        """None until something was done."""
        if len(self._seen) < 2:
            return None
        (start, first), (_, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - start) if last > first and now > start else None


class Progress:
    """Handed to the work function; a context manager that publishes and beats in a thread of its own.

    Telling is cheap (memory only), so a work function may tell for every row and every chunk.
    """

    def __init__(self, folder: RunFolder, state: RunState) -> None:
        self._folder = folder
        self._state = state
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._rate = Rate()
        self._changed = False
        self._asked_to_stop = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    # --- telling ------------------------------------------------------------------------------------------------------

    def total(self, total: int | None, unit: str) -> None:
        self._change(total=total, unit=unit)

    def done(self, done: int) -> None:
        """How much is done in all, work of earlier attempts included."""
        with self._lock:
            self._rate.add(time.monotonic(), done)
            self._state = self._state.model_copy(update={"done": done})
            self._changed = True

    def message(self, key: str | None, **details: object) -> None:
        """A sentence about what is being done now: a key of the words files, and its details."""
        self._change(message_key=key, message_details=details)

    def result(self, **facts: object) -> None:
        """Small facts that outlast the run."""
        with self._lock:
            self._state = self._state.model_copy(update={"result": {**self._state.result, **facts}})
            self._changed = True

    def metric(self, **values: float) -> None:
        """One point of the curves: appended to metrics.jsonl with its time."""
        append_line(self._folder.metrics, {"time": time.time(), **values})

    # --- stopping -----------------------------------------------------------------------------------------------------

    def should_stop(self) -> bool:
        """Whether the person, or the system on its way down, asked for a stop."""
        return self._asked_to_stop.is_set()

    def check_stop(self) -> None:
        """Raises Stopped when a stop was asked for: for work that needs no saving of its own."""
        if self.should_stop():
            raise Stopped

    @property
    def stop_event(self) -> threading.Event:
        """For code that takes an event; set once, when a stop is asked for."""
        return self._asked_to_stop

    def ask_to_stop(self) -> None:
        self._asked_to_stop.set()

    # --- publishing ---------------------------------------------------------------------------------------------------

    def state(self) -> RunState:
        """As it would be published now, with rate and time left worked out."""
        with self._lock:
            rate = self._rate.value(time.monotonic())
            left = None
            if rate and self._state.total is not None:
                left = max(0.0, (self._state.total - self._state.done) / rate)
            return self._state.model_copy(update={"rate": rate, "seconds_left": left})

    def set(self, **fields: Any) -> None:
        """Change fields of the state and publish at once. Raises StorageProblem (full disk)."""
        self._change(**fields)
        self._publish()

    def _change(self, **fields: Any) -> None:
        with self._lock:
            self._state = self._state.model_copy(update=fields)
            self._changed = True

    def _publish(self) -> None:
        with self._writing:
            self._changed = False
            self._folder.write_state(self.state())

    def _beat(self) -> None:
        beat = 0.0
        while not self._over.wait(PUBLISH_S):
            # A folder that is gone (its project was deleted) is a reason to stop, too.
            if self._folder.stop_file.exists() or not self._folder.path.is_dir():
                self._asked_to_stop.set()
            try:
                if time.monotonic() - beat >= HEARTBEAT_S:
                    self._folder.heartbeat_file.touch()
                    beat = time.monotonic()
                if self._changed:
                    self._publish()
            except (OSError, StorageProblem) as fault:
                # A full disk must not end the heartbeat; the work meets the same fault and tells it.
                self._changed = True
                with suppress(OSError):
                    print(f"progress could not be written: {fault}", file=sys.stderr, flush=True)
                self._over.wait(HEARTBEAT_S)

    def __enter__(self) -> Progress:
        if self._folder.stop_file.exists():
            self._asked_to_stop.set()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
