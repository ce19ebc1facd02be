"""One studio per home folder: the second one says so and stops."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from backend.errors import Busy
from backend.files import make_folder, storing, write_atomic

LOCK = "studio.lock"
HOLDER = "studio.pid"


class HomeLock:
    """Held from start to end of a studio, which keeps this object. The system lets go when the process dies, however.

    The holder's process id stands in a file of its own: a locked file cannot be read on Windows.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = FileLock(str(home / LOCK), timeout=0, thread_local=False)

    def acquire(self) -> None:
        """Raises Busy("error.home_in_use", home=, pid=), or StorageProblem when home cannot be written."""
        make_folder(self._home)
        with storing(self._home / LOCK):
            try:
                self._lock.acquire()
            except Timeout as taken:  # an OSError too, so it is asked for first
                raise Busy("error.home_in_use", home=str(self._home), pid=self._holder()) from taken
        write_atomic(self._home / HOLDER, f"{os.getpid()}\n")

    def release(self) -> None:
        if self._lock.is_locked:
            (self._home / HOLDER).unlink(missing_ok=True)
            self._lock.release()

    def __enter__(self) -> HomeLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _holder(self) -> str:
        """ "?" in the instant between the lock and the writing of the number."""
        try:
            return (self._home / HOLDER).read_text(encoding="ascii").strip() or "?"
        except (OSError, UnicodeDecodeError):
            return "?"
