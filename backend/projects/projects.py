"""All projects of a home folder, by owner. An id of somebody else is answered like one that does not exist."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.errors import Busy, NotFound
from backend.files import make_folder, storing, write_atomic
from backend.projects import archive, sample
from backend.projects.folder import FOLDERS, Project, ProjectInfo, peek
from backend.projects.names import PROJECT_ID, checked_id, new_id, owner_folder, project_name
from backend.projects.trash import Trash, TrashedInfo

OWNER_FILE = "owner.json"
LEFT_OVER_S = 24 * 3600.0


class Projects:
    """The project folders under `root`, which is home/projects. Beside it lie trash/ and tmp/, for what is being built.

    working(project folder) says whether a run is under way there; such a project is not deleted.
    """

    def __init__(
        self,
        root: Path,
        working: Callable[[Path], bool] = lambda _folder: False,
        leaving: Callable[[Project], None] = lambda _project: None,
        gone: Callable[[Path], None] = lambda _folder: None,
    ) -> None:
        """`working` tells of a folder whether a run is under way.

        leaving  is called before a project is moved to the trash: it lets go of what it holds open, quickly
        gone     is called with a project's folder before it is deleted for good, and may take its time
        """
        self._root = root
        self._trash = root.parent / "trash"
        self._desk = root.parent / "tmp"
        self._working, self._leaving, self._gone = working, leaving, gone
        self._lock = threading.RLock()
        self._migrating = threading.Lock()
        self._open: dict[Path, Project] = {}
        self._sweep()

    def list(self, owner: str) -> list[ProjectInfo]:
        """The one changed last comes first."""
        folder = self._root / owner_folder(owner)
        with self._lock:
            if not folder.is_dir():
                return []
            found = [peek(place) for place in folder.iterdir() if PROJECT_ID.fullmatch(place.name) and place.is_dir()]
        return sorted(found, key=lambda info: info.changed, reverse=True)

    def open(self, owner: str, project_id: str) -> Project:
        """The project; the same object for the same id. Raises NotFound("error.project_missing")."""
        folder = self._folder(owner, project_id)
        with self._lock:
            if folder not in self._open:
                self._open[folder] = Project(folder, self._migrating)
            return self._open[folder]

    def create(self, owner: str, name: str) -> ProjectInfo:
        """A new, empty project; a name that is taken gets a number. Raises BadInput("error.project_name")."""
        checked = project_name(name, ())
        with self._arriving() as folder:
            project = Project(folder, self._migrating)
            project.database.create(checked)
            project.close()
            return self._settle(owner, folder, checked)

    def rename(self, owner: str, project_id: str, name: str) -> ProjectInfo:
        """Raises BadInput("error.project_name"), NotFound."""
        with self._lock:
            project = self.open(owner, project_id)
            project.name(project_name(name, self._names(owner, besides=project_id)))
            return project.info

    def duplicate(self, owner: str, project_id: str) -> ProjectInfo:
        """A copy beside it with everything but the runs that are under way. Raises NotFound, StorageProblem."""
        source = self.open(owner, project_id)
        with self._arriving() as folder:
            archive.copy_project(source, folder)
            return self._settle(owner, folder, source.info.name)

    def export_zip(self, owner: str, project_id: str) -> Path:
        """One zip in a folder of its own under home/tmp, for the caller to hand on. Raises NotFound, StorageProblem."""
        project = self.open(owner, project_id)
        project.documents.sweep()  # what a kill left of a file that was removed is not handed on
        return archive.export_project(project, make_folder(self._desk / f"export-{new_id()}"))

    def import_zip(self, owner: str, path: Path) -> ProjectInfo:
        """A project out of an export, under a new id. Nothing of a refused file stays.

        Raises BadInput (not an export, unsafe, too large), StorageProblem (damaged, newer, disk full).
        """
        with self._arriving() as folder:
            name = archive.import_project(path, folder, self._migrating)
            return self._settle(owner, folder, name)

    def delete(self, owner: str, project_id: str) -> TrashedInfo:
        """Into the trash. Raises NotFound, Busy("error.project_working") while a run is under way in it."""
        with self._lock:
            project = self.open(owner, project_id)
            if self._working(project.folder):
                raise Busy("error.project_working", project=peek(project.folder).name)
            name = peek(project.folder).name
            self._leaving(project)
            project.close()
            del self._open[project.folder]
            return self._trash_of(owner).put(project.folder, name)

    def undo_delete(self, owner: str, project_id: str | None = None) -> ProjectInfo | None:
        """Bring back a deleted project, by default the one deleted last; None when it is not there."""
        with self._lock:
            trash = self._trash_of(owner)
            wanted = [info for info in trash.list() if project_id in (None, info.id)]
            if not wanted:
                return None
            free = project_name(wanted[0].name, self._names(owner))
            back = trash.take(wanted[0].id, self._root / owner_folder(owner))
            return peek(back) if free == wanted[0].name else self.rename(owner, back.name, free)

    def trash(self, owner: str) -> Sequence[TrashedInfo]:
        """What was deleted, the last first."""
        return self._trash_of(owner).list()

    def empty_trash(self, owner: str) -> None:
        """Delete for good what was deleted."""
        trash = self._trash_of(owner)
        leaving = trash.list()
        for info in leaving:
            self._gone(trash.content(info.id))  # it may ask other machines: nobody waits for them meanwhile
        with self._lock:
            trash.empty([info.id for info in leaving])

    def ensure_sample(self, owner: str, samples: Path) -> None:
        """Make the sample project when the owner has no project and never had one."""
        with self._lock:
            told = self._told(owner)
            if told.get("started") or self.list(owner) or self.trash(owner):
                return
            info = self.create(owner, sample.NAME)
            sample.fill(self.open(owner, info.id), samples)
            self._tell(owner, started=True, last=info.id)

    def last(self, owner: str) -> str | None:
        """The project the owner worked in last, else any, else None."""
        known = [info.id for info in self.list(owner)]
        last = self._told(owner).get("last")
        return last if last in known else (known[0] if known else None)

    def remember(self, owner: str, project_id: str) -> None:
        """Note that the owner works in this project now. Raises NotFound."""
        self._folder(owner, project_id)
        with self._lock:
            if self._told(owner).get("last") != project_id:
                self._tell(owner, last=project_id)

    def close(self) -> None:
        """Close all that is open. Raises Busy."""
        with self._lock:
            for project in self._open.values():
                project.close()
            self._open.clear()

    def _place(self, owner: str, project_id: str) -> Path:
        return self._root / owner_folder(owner) / checked_id(project_id)

    def _folder(self, owner: str, project_id: str) -> Path:
        place = self._place(owner, project_id)
        if place.is_symlink() or not place.is_dir():
            raise NotFound("error.project_missing")
        return place

    def _trash_of(self, owner: str) -> Trash:
        return Trash(self._trash / owner_folder(owner))

    def _names(self, owner: str, besides: str = "") -> Sequence[str]:
        return [info.name for info in self.list(owner) if info.id != besides]

    @contextmanager
    def _arriving(self) -> Iterator[Path]:
        """A folder to build a project in, under its new id; it is gone afterwards unless `_settle` moved it."""
        folder = make_folder(self._desk / new_id())
        try:
            for name in FOLDERS:
                make_folder(folder / name)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _settle(self, owner: str, folder: Path, name: str) -> ProjectInfo:
        """Name a finished project so that no other has the name, and move it in among the owner's."""
        with self._lock:
            project = Project(folder, self._migrating)
            project.name(project_name(name, self._names(owner)))
            project.close()
            place = make_folder(self._root / owner_folder(owner)) / folder.name
            with storing(place):
                os.rename(folder, place)
            return peek(place)

    def _told(self, owner: str) -> dict[str, Any]:
        """What is noted about an owner; a note that cannot be read costs a default, not the page."""
        try:
            told = json.loads((self._root / owner_folder(owner) / OWNER_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def _tell(self, owner: str, **told: object) -> None:
        known = {**self._told(owner), **told}
        write_atomic(self._root / owner_folder(owner) / OWNER_FILE, json.dumps(known))

    def _sweep(self) -> None:
        """Exports, and what a killed studio was building: a day later nobody wants them."""
        for left in self._desk.iterdir() if self._desk.is_dir() else ():
            if time.time() - left.stat().st_mtime > LEFT_OVER_S:
                shutil.rmtree(left, ignore_errors=True)
