"""Deleted projects: moved aside whole, with a record, so that undo works also after a restart."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.files import make_folder, storing, write_atomic
from backend.projects.moments import moment

RECORD = "record.json"
CONTENT = "project"


@dataclass(frozen=True)
class TrashedInfo:
    """A deleted project and when that was."""

    id: str
    name: str
    removed: datetime


class Trash:
    """One owner's: <folder>/<project id>/{record.json, project/}. A record without its project is void."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, project: Path, name: str) -> TrashedInfo:
        """Move a project folder in here. Raises StorageProblem; the project then is where it was."""
        place = self._folder / project.name
        now = time.time()
        write_atomic(place / RECORD, json.dumps({"name": name, "removed": now}, ensure_ascii=False))
        with storing(project):
            os.rename(project, place / CONTENT)
        return TrashedInfo(project.name, name, moment(now))

    def list(self) -> list[TrashedInfo]:
        """The one deleted last comes first."""
        if not self._folder.is_dir():
            return []
        found = [info for place in self._folder.iterdir() if (info := _read(place)) is not None]
        return sorted(found, key=lambda info: info.removed, reverse=True)

    def take(self, project_id: str, projects: Path) -> Path:
        """Move a project back among `projects`. Raises StorageProblem."""
        place = self._folder / project_id
        back = make_folder(projects) / project_id
        with storing(back):
            os.rename(place / CONTENT, back)
            shutil.rmtree(place)
        return back

    def content(self, project_id: str) -> Path:
        """Where a deleted project lies."""
        return self._folder / project_id / CONTENT

    def empty(self, ids: Iterable[str]) -> None:
        """Delete these for good, and what is no project. Raises StorageProblem."""
        wanted = frozenset(ids)
        for place in list(self._folder.iterdir()) if self._folder.is_dir() else ():
            if place.name in wanted or not (place / CONTENT).is_dir():
                with storing(self._folder):
                    shutil.rmtree(place) if place.is_dir() else place.unlink()


def _read(place: Path) -> TrashedInfo | None:
    if not (place / CONTENT).is_dir():
        return None
    try:
        record = json.loads((place / RECORD).read_text(encoding="utf-8"))
        return TrashedInfo(place.name, str(record["name"]), moment(float(record["removed"])))
    except (OSError, ValueError, KeyError, TypeError):  # the project is what counts; its record can be guessed
        return TrashedInfo(place.name, place.name, moment(place.stat().st_mtime))
