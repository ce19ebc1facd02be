"""A project as one file, out and in. What comes in is not trusted.

manifest.json   {"format": 1, "schema": "0002", "name": "...", "exported": "2026-..."}
project.db      a consistent copy; what was removed to the bin is not in it
files/ uploads/ as they are
runs/           runs that have ended, without what their search would need to go on

Saved assistants carry their own examples, as they were when they were saved: what was masked or removed from the task
data afterwards still stands in them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path, PurePath

from sqlalchemy import delete

from backend.errors import BadInput, StorageProblem
from backend.files import storing
from backend.projects.database import told
from backend.projects.folder import DATABASE, FOLDERS, Project
from backend.projects.foreign import check_database, check_stores
from backend.projects.names import NAME_LIMIT
from backend.projects.schema import HEAD
from backend.projects.tables import ScoreRow
from backend.projects.unpacking import USUAL, Limits, unpack

FORMAT = 1
MANIFEST = "manifest.json"
UNDER_WAY = {"queued", "running", "stopping"}
OF_THIS_MACHINE = {"process.json", "heartbeat", "stop", "worker.lock", "control.lock"}
"""What a run folder holds about the process that worked in it."""
QUOTING = {"plan.json", "proposed.jsonl"}
BINNED = ("turns", "chats", "assistants", "prompts", "examples")


def export_project(project: Project, desk: Path) -> Path:
    """Write the zip into `desk`; the file is named after the project. Raises StorageProblem."""
    name = project.info.name
    copy, target = desk / DATABASE, desk / f"{_file_name(name)}.zip"
    with storing(target):
        project.database.snapshot(copy)
        _leave_bin_behind(copy)
        manifest = {"format": FORMAT, "schema": HEAD, "name": name, "exported": datetime.now(UTC).isoformat()}
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2))
            archive.write(copy, DATABASE)
            for path in contents(project.folder):
                place = path.relative_to(project.folder)
                if not _quotes_examples(place):
                    archive.write(path, place.as_posix())
        copy.unlink()
    return target


def copy_project(project: Project, folder: Path) -> None:
    """The same into a folder, bin and all. Raises StorageProblem."""
    with storing(folder):
        project.database.snapshot(folder / DATABASE)
        for path in contents(project.folder):
            target = folder / path.relative_to(project.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def import_project(path: Path, folder: Path, migrating: threading.Lock, limits: Limits = USUAL) -> str:
    """Unpack a zip into the empty `folder`, look through all of it, bring it up to today's format; returns its name.

    Raises BadInput (not an export, unsafe, too large), StorageProblem (damaged, newer, disk full).
    """
    with storing(folder):
        unpack(path, folder, {MANIFEST, DATABASE}, set(FOLDERS), limits)
        name = _read_manifest(folder / MANIFEST)
        (folder / MANIFEST).unlink()
        _forget_processes(folder)
        if not (folder / DATABASE).is_file():
            raise BadInput("error.import_not_export")
        _check(folder, name, migrating)
    return name


def _forget_processes(folder: Path) -> None:
    """No run of an import names a process of this machine, which a stop would end, or holds a lock here."""
    for path in (folder / "runs").glob("*/*"):
        if path.name.casefold() in OF_THIS_MACHINE:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _check(folder: Path, name: str, migrating: threading.Lock) -> None:
    project = Project(folder, migrating)
    try:
        check_database(folder / DATABASE)
        check_stores(project)
        with project.database.write() as session:
            session.execute(delete(ScoreRow))  # a stranger's scores are not taken on trust: they are made again here
    except StorageProblem as problem:  # as yet it has no place here that a sentence could name
        if problem.key == "error.project_damaged":
            raise StorageProblem("error.import_damaged") from problem
        if problem.key == "error.project_newer":
            raise StorageProblem(problem.key, project=name, format=problem.details["format"]) from problem
        raise
    finally:
        project.close()


def contents(folder: Path) -> Iterator[Path]:
    """The files that belong to a project besides its database: no links, no half-written files, no run under way."""
    for top in FOLDERS:
        for place, names, files in os.walk(folder / top):
            here = Path(place)
            names[:] = [name for name in names if not (here / name).is_symlink() and not _under_way(here / name)]
            for name in files:
                path = here / name
                if path.is_file() and not path.is_symlink() and not _of_the_moment(path, folder):
                    yield path


def _quotes_examples(place: PurePath) -> bool:
    """Whether it is what a search needs to go on: examples as they were then, also those since removed or masked."""
    return len(place.parts) == 4 and (place.parts[0], place.parts[2]) == ("runs", "output") and place.name in QUOTING


def _of_the_moment(path: Path, folder: Path) -> bool:
    """Whether a file is half-written, or tells of a process of this machine."""
    place = path.relative_to(folder).parts
    return path.name.endswith(".part") or (place[0] == "runs" and len(place) == 3 and place[2] in OF_THIS_MACHINE)


def _under_way(folder: Path) -> bool:
    """Whether this is the folder of a run that has not ended: half of its output is of no use elsewhere."""
    if folder.parent.name != "runs":
        return False
    try:
        return json.loads((folder / "state.json").read_text(encoding="utf-8")).get("state") in UNDER_WAY
    except (OSError, ValueError, AttributeError):
        return False


def _leave_bin_behind(file: Path) -> None:
    """What somebody removed is not handed on to others, nor does it stay readable in the file's free pages."""
    with told(file), closing(sqlite3.connect(file, isolation_level=None)) as copy:
        copy.execute("PRAGMA foreign_keys = OFF")
        _leave_changes_behind(copy)
        for table in BINNED:
            copy.execute(f"DELETE FROM {table} WHERE removed_at IS NOT NULL")
        copy.execute("DELETE FROM turns WHERE chat_id NOT IN (SELECT id FROM chats)")
        copy.execute("DELETE FROM turn_versions WHERE turn_id NOT IN (SELECT id FROM turns)")
        for table in ("assistants", "prompts"):
            copy.execute(f"UPDATE {table} SET parent_id = NULL WHERE parent_id NOT IN (SELECT id FROM {table})")
        copy.execute("DELETE FROM notes WHERE key = 'fewshot.draft'")  # it holds copies of examples
        copy.execute("VACUUM")


def _leave_changes_behind(copy: sqlite3.Connection) -> None:
    """The log of the task data holds what was removed or masked, and so do answers to it: prompts quote their input.

    How often the splits were made stays: whoever reads a score may ask. Scores are made again where they are shown.
    """
    copy.execute(
        "CREATE TEMP TABLE gone AS SELECT input_key AS input FROM examples WHERE removed_at IS NOT NULL UNION "
        "SELECT json_extract(value, '$.input_key') FROM example_edits, json_each(before, '$.rows')"
    )
    copy.execute("DELETE FROM gone WHERE input IN (SELECT input_key FROM examples WHERE removed_at IS NULL)")
    copy.execute("DELETE FROM answers WHERE input_key IN (SELECT input FROM gone)")
    for table in ("judgements", "ratings"):
        for side in ("first_id", "second_id"):
            copy.execute(f"DELETE FROM {table} WHERE {side} NOT IN (SELECT id FROM answers)")
    copy.execute("DELETE FROM scores")
    copy.execute("DELETE FROM example_edits WHERE kind <> 'splits'")
    copy.execute("UPDATE examples SET added_by = NULL")


def _read_manifest(file: Path) -> str:
    """The project's name. Raises BadInput("error.import_not_export"), StorageProblem("error.project_newer")."""
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        kind, name = int(manifest["format"]), str(manifest["name"])
    except (FileNotFoundError, ValueError, LookupError, TypeError, OverflowError, RecursionError) as fault:
        raise BadInput("error.import_not_export") from fault
    if kind > FORMAT:
        raise StorageProblem("error.project_newer", project=name[:NAME_LIMIT], format=str(kind))
    printable = "".join(sign for sign in name if sign.isprintable())
    return " ".join(printable.split())[:NAME_LIMIT].strip() or "?"


def _file_name(name: str) -> str:
    """The project's name without what some system forbids in a file name."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]+', "_", name).strip(" ._")[:60] or "project"
