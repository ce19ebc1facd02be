"""All indexes that a project has: the active one, and those of settings that were tried before."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from backend.documents.index.index import ABOUT, Index, forget_on_server
from backend.documents.index.rows import PassageRows
from backend.documents.index.settings import IndexSettings, active, rows_file
from backend.errors import Refused, StorageProblem, Unavailable
from backend.projects.folder import Project

log = logging.getLogger(__name__)
ANSWER_S: Final = 5.0


def forget_on_servers(folder: Path) -> None:
    """A project (its folder) is going for good: what lies on Chroma servers goes with it.

    A server that is down, or takes longer than some seconds, keeps what it has; the log says whose that is.
    """
    for settings in settings_in(folder):
        try:
            forget_on_server(folder, settings, ANSWER_S)
        except Unavailable as fault:
            log.warning("the collection %s stays on %s: %s", fault.details["collection"], settings.chroma, fault)


def settings_of_all(project: Project) -> Iterator[IndexSettings]:
    """Of every index in the project's folder that can still be read."""
    return settings_in(project.folder)


def settings_in(folder: Path) -> Iterator[IndexSettings]:
    for about in sorted((folder / "index").glob(f"*/{ABOUT}")):
        try:
            settings = IndexSettings.model_validate(json.loads(about.read_text("utf-8"))["settings"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if settings.key == about.parent.name:
            yield settings


def hide_everywhere(project: Project, ids: Sequence[int]) -> None:
    """Documents are not found any more in any index; their words and points are still there. Asks no server.

    Raises StorageProblem.
    """
    for settings in settings_of_all(project) if ids else ():
        try:
            rows = PassageRows(rows_file(project.folder, settings))
            held = rows.documents()
            if mine := [number for number in ids if number in held]:
                rows.drop(mine)
        except StorageProblem:
            if settings == active(project):  # an old index that cannot be opened is not searched either
                raise


def drop_everywhere(project: Project, ids: Sequence[int]) -> None:
    """Take documents out of every index. Raises Unavailable of the last server that is down, after all were tried."""
    down: Unavailable | None = None
    for settings in settings_of_all(project) if ids else ():
        try:
            with closing(Index(project.folder, settings)) as index:
                held = index.documents()
                index.drop_all([number for number in ids if number in held])  # those that were hidden go, too
        except Unavailable as fault:
            down = fault
        except (Refused, StorageProblem):
            # An old index that cannot be opened is not searched either; the active one must be able to forget.
            if settings == active(project):
                raise
    if down is not None:
        raise down
