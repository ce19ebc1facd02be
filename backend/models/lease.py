"""Who holds the accelerator: one holder at a time, known by name, across processes.

The lock is a file in the home folder; the system lets go of it when its holder dies. One who wants it leaves
a wish, which the holder may grant (the chat host unloads its models) or not (a training run runs on). On a
processor nobody needs it.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from backend.errors import Busy
from backend.files import make_folder, storing, write_atomic


class Lease:
    """One process's view of the lease of a home folder. Every method may be called from any thread."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = FileLock(str(home / "accelerator.lock"), thread_local=False)
        self._note, self._wish = home / "accelerator.json", home / "accelerator.wanted"
        self._turn = threading.Lock()

    @property
    def held(self) -> bool:
        """Whether this process holds it."""
        return bool(self._lock.is_locked)

    def take(self, holder: str, wait_s: float = 0.0) -> None:
        """Become the holder; ask the present one to step aside and wait up to `wait_s` seconds.

        Raises Busy("error.device_busy", holder=). Taking what one holds already changes nothing.
        """
        with self._turn:
            if self.held:
                return
            make_folder(self._home)
            with storing(self._home / "accelerator.lock"):
                try:
                    self._lock.acquire(timeout=0)
                except Timeout:  # which is an OSError, so it is caught before `storing` sees it
                    self._ask(holder, wait_s)
            write_atomic(self._note, _signed(holder))

    def release(self) -> None:
        """Let go of it, if this process holds it."""
        with self._turn:
            if self.held:
                self._note.unlink(missing_ok=True)
                self._lock.release()

    def holder(self) -> str | None:
        """The present holder's name, None when it is free."""
        return _name(self._note)

    def wanted(self) -> str | None:
        """The name of one who waits for it, None when nobody does."""
        return _name(self._wish)

    def _ask(self, holder: str, wait_s: float) -> None:
        if wait_s > 0:
            write_atomic(self._wish, _signed(holder))
        try:
            self._lock.acquire(timeout=wait_s, poll_interval=0.1)
        except Timeout as taken:
            raise Busy("error.device_busy", holder=self.holder() or "?") from taken
        finally:
            if wait_s > 0:
                self._wish.unlink(missing_ok=True)


def _signed(holder: str) -> str:
    return json.dumps({"holder": holder, "pid": os.getpid()})


def _name(note: Path) -> str | None:
    """The name in a note whose writer is still alive."""
    try:
        found = json.loads(note.read_text("utf-8"))
        return str(found["holder"]) if psutil.pid_exists(int(found["pid"])) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
