"""Who is indexing: a lock that the system takes back when its process dies, however that happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from filelock import FileLock, Timeout

from backend.files import make_folder
from backend.projects.folder import Project

LOCK: Final = "indexing.lock"
OVER: Final = "over"
"""A file in the folder of a run that does not look for documents any more."""
READING: Final = "reading"
"""A folder beside it, of whoever has the turn: what was read out of a file on its way to its place."""
POLL_S: Final = 0.5


@contextmanager
def index_turn(project: Project, waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Be the one that reads documents, after whoever does now.

    `waiting` is called while somebody else does; what it raises comes out here.
    """
    lock = _lock(project)
    while not _taken(lock):
        waiting()
        time.sleep(POLL_S)
    try:
        yield
    finally:
        lock.release()


def _taken(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def reading_now(project: Project) -> bool:
    """Whether a run is at work; a document that is said to be read without one was left by a kill."""
    try:
        with _lock(project).acquire(timeout=0):
            return False
    except Timeout:
        return True


def _lock(project: Project) -> FileLock:
    return FileLock(make_folder(project.folder / "index") / LOCK)
