"""Chat and training on the same cores: who is being answered is known, and a training run gives way to them.

Measured with the practice model on two cores: a run on two threads beside a chat falls to a third of its speed, for
the threads of the two wait for each other; on one thread it keeps 0.65 of it, and the chat loses nothing. So a run
takes every core while it is alone, and half of them from the step in which somebody asks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from backend.jobs.folder import Process, read_file

FORGOTTEN_S: Final = 600.0
"""A mark as old as this counts no more: an answer that nobody reads to its end must not slow a run for ever."""


class Presence:
    """What one process knows of the answers under way in a home folder. From any thread.

    Each process that answers keeps one small file while it does; its name is its pid.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "answering"
        self._mine = self._folder / str(os.getpid())
        self._lock = threading.Lock()
        self._count = 0

    @contextmanager
    def answering(self) -> Iterator[None]:
        """An answer is under way for as long as the block runs."""
        with self._lock:
            self._count += 1
            if self._count == 1:
                self._write()
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                if self._count == 0:
                    with suppress(OSError):
                        self._mine.unlink(missing_ok=True)

    def somebody(self) -> bool:
        """Whether another living process is answering now."""
        try:
            marks = [mark for mark in self._folder.iterdir() if mark.name.isdigit() and mark != self._mine]
        except OSError:  # nobody has ever been answered here
            return False
        return any(_valid(mark) for mark in marks)

    def _write(self) -> None:
        """No answer waits for the disk or fails with it: a mark that is lost costs a little speed."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._mine.write_text(Process.of(os.getpid()).model_dump_json(), "utf-8")


class Threads:
    """The threads of a training process: all it was started with, or half while somebody is being answered."""

    def __init__(self, home: Path) -> None:
        import torch

        self._presence = Presence(home)
        self.most = torch.get_num_threads()
        self.now = self.most

    def give_way(self) -> int:
        """Look whether somebody is being answered, and set torch's threads. Returns how many there are now.

        To be called between steps, by the thread that computes: OpenMP keeps the number for each thread apart.
        """
        import torch

        wanted = max(1, self.most // 2) if self._presence.somebody() else self.most
        if wanted != self.now:
            torch.set_num_threads(wanted)
            self.now = wanted
        return self.now


def _valid(mark: Path) -> bool:
    try:
        fresh = time.time() - mark.stat().st_mtime < FORGOTTEN_S
        return fresh and Process.model_validate_json(read_file(mark)).found() is not None
    except (OSError, ValueError):  # its process has just finished
        return False
