"""Who is indexing: a lock that the system takes back when its process dies, however that happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from filelock import FileLock, Timeout

from backend.errors import Busy
from backend.files import make_folder
from backend.projects.folder import Project

LOCK: Final = "indexing.lock"
READING: Final = "reading"
"""A folder beside it, of whoever has the turn: what was read out of a file on its way to its place."""
WAIT_S: Final = 10.0
"""A predecessor that was killed lets go within moments."""


@contextmanager
def index_turn(project: Project) -> Iterator[None]:
    """Be the one that reads documents. Raises Busy("error.documents_indexing")."""
    try:
        with _lock(project).acquire(timeout=WAIT_S):
            yield
    except Timeout as fault:
        raise Busy("error.documents_indexing") from fault


def reading_now(project: Project) -> bool:
    """Whether a run is at work; a document that is said to be read without one was left by a kill."""
    try:
        with _lock(project).acquire(timeout=0):
            return False
    except Timeout:
        return True


def _lock(project: Project) -> FileLock:
    return FileLock(make_folder(project.folder / "index") / LOCK)
