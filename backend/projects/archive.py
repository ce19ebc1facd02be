"""A project as one file, out and in. What comes in is not trusted.

manifest.json   {"format": 1, "schema": "0002", "name": "...", "exported": "2026-..."}
project.db      a consistent copy; what was removed to the bin is not in it
files/ uploads/ as they are
runs/           runs that have ended, without what they would need to go on: checkpoints, and copies of examples;
                none that was deleted

Trained adapters lie in files/adapters. Those that come in are looked at by `backend.models.adapters.verified` before
any library opens them.

Documents travel as their bytes, in files/documents/<sha256>; what was read out of them and the index are made again.

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

from backend.documents.shelf.keeping import PARSED, PLACE
from backend.errors import BadInput, ModelProblem, StorageProblem
from backend.files import storing
from backend.models.adapter_files import names_of
from backend.models.adapters import ID as ADAPTER
from backend.models.adapters import PLACE as ADAPTERS
from backend.models.adapters import verified
from backend.projects.database import told
from backend.projects.folder import DATABASE, FOLDERS, Project
from backend.projects.foreign import check_database, check_stores
from backend.projects.foreign_documents import check_files, unread
from backend.projects.foreign_notes import forget_measured
from backend.projects.names import NAME_LIMIT
from backend.projects.schema import HEAD
from backend.projects.tables import ScoreRow
from backend.projects.unpacking import USUAL, Limits, unpack

FORMAT = 1
MANIFEST = "manifest.json"
UNDER_WAY = {"queued", "running", "stopping"}
OF_THIS_MACHINE = {"process.json", "heartbeat", "stop", "worker.lock", "control.lock"}
"""What a run folder holds about the process that worked in it."""
QUOTING = {"plan.json", "proposed.jsonl", "samples.jsonl"}
"""In a run's output/: what quotes examples as they were then, also those since removed or masked."""
OF_THE_WORK = {"checkpoints", "data", "ranks"}
"""In a run folder: what only its own worker reads. A checkpoint holds pickled states; a stranger's is not opened."""
WORKED_ON = "adapter"
"""In a run's output/, folders that begin so: what was trained, before it was kept in files/adapters."""
ADAPTER_NAME = 12
"""Signs of an adapter's id that a sentence shows."""
BINNED = ("turns", "chats", "assistants", "prompts", "examples")
DRAFTS = ("fewshot.draft", "training.setup", "training.draft")
"""Notes that hold copies of examples."""

QUEUED = "UPDATE documents SET state = 'queued' WHERE state IN ('indexed', 'reading')"
"""The index does not go along: a copy's documents wait for one of their own."""


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
                if not _of_the_run(place) and not _read_out(place):
                    archive.write(path, place.as_posix())
        copy.unlink()
    return target


def copy_project(project: Project, folder: Path) -> None:
    """The same into a folder, bin and all. Raises StorageProblem."""
    with storing(folder):
        project.database.snapshot(folder / DATABASE)
        _leave_index_behind(folder / DATABASE)
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
        _forget_removed(folder)
        _forget_processes(folder)
        _forget_work(folder)
        _check_adapters(folder / "files" / ADAPTERS)
        if not (folder / DATABASE).is_file():
            raise BadInput("error.import_not_export")
        _check(folder, name, migrating)
    return name


def _forget_removed(folder: Path) -> None:
    """No run of an import comes back from a bin that nobody here filled."""
    for path in (folder / "runs").glob(".*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _forget_processes(folder: Path) -> None:
    """No run of an import names a process of this machine, which a stop would end, or holds a lock here."""
    for path in (folder / "runs").glob("*/*"):
        if path.name.casefold() in OF_THIS_MACHINE:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _forget_work(folder: Path) -> None:
    """No run of an import goes on from a stranger's checkpoint, nor is there an adapter that nobody looked at."""
    for path in list((folder / "runs").rglob("*")):
        if path.is_dir() and _of_the_run(path.relative_to(folder) / "x"):
            shutil.rmtree(path, ignore_errors=True)


def _check_adapters(folder: Path) -> None:
    """Nothing in there but whole adapters under the names of their content. Raises BadInput("error.adapter_import")."""
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        told = place.name[:ADAPTER_NAME]
        try:
            if not place.is_dir() or not ADAPTER.fullmatch(place.name):
                raise BadInput("error.adapter_import", adapter=told, file=place.name[:40])
            strange = {file.name for file in place.iterdir()} - names_of(verified(place))
            if strange:
                raise BadInput("error.adapter_import", adapter=told, file=min(strange)[:40])
        except ModelProblem as fault:
            file = str(fault.details.get("file") or fault.details.get("field") or "?")
            raise BadInput("error.adapter_import", adapter=told, file=file[:40]) from fault


def _check(folder: Path, name: str, migrating: threading.Lock) -> None:
    project = Project(folder, migrating)
    try:
        check_database(folder / DATABASE)
        check_stores(project)
        with project.database.write() as session:
            session.execute(delete(ScoreRow))  # a stranger's scores are not taken on trust: they are made again here
            forget_measured(session)
            check_files(session, folder / "files")
            unread(session)
    except StorageProblem as problem:  # as yet it has no place here that a sentence could name
        if problem.key == "error.project_damaged":
            raise StorageProblem("error.import_damaged") from problem
        if problem.key == "error.project_newer":
            raise StorageProblem(problem.key, project=name, format=problem.details["format"]) from problem
        raise
    finally:
        project.close()


def contents(folder: Path) -> Iterator[Path]:
    """The files that belong to a project besides its database: no links, no half-written files, no run under way, and
    no run that was deleted or is not there yet (they lie in hidden folders of runs/).
    """
    for top in FOLDERS:
        for place, names, files in os.walk(folder / top):
            here = Path(place)
            names[:] = [name for name in names if _belongs(here / name)]
            for name in files:
                path = here / name
                if path.is_file() and not path.is_symlink() and not _of_the_moment(path, folder):
                    yield path


def _of_the_run(place: PurePath) -> bool:
    """Whether a file is what a run needs to go on, or quotes examples; `place` within the project's folder."""
    steps = place.parts
    if len(steps) < 4 or steps[0] != "runs":
        return False
    # Some disks take Output for output.
    top, name = steps[2].casefold(), steps[3].casefold()
    within = top == "output" and (name.startswith(WORKED_ON) if len(steps) > 4 else name in QUOTING)
    return top in OF_THE_WORK or within


def _read_out(place: PurePath) -> bool:
    """Whether a file is the text of a document, which is read again where the project arrives."""
    return place.parts[:2] == ("files", PLACE) and place.name == PARSED


def _belongs(folder: Path) -> bool:
    """Whether a folder is part of what is there: no link, nothing half-written, no run under way or deleted."""
    hidden = folder.parent.name == "runs" and folder.name.startswith(".")
    return not (hidden or folder.is_symlink() or folder.name.endswith(".part") or _under_way(folder))


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
        copy.execute(QUEUED)
        _leave_changes_behind(copy)
        for table in BINNED:
            copy.execute(f"DELETE FROM {table} WHERE removed_at IS NOT NULL")
        copy.execute("DELETE FROM turns WHERE chat_id NOT IN (SELECT id FROM chats)")
        copy.execute("DELETE FROM turn_versions WHERE turn_id NOT IN (SELECT id FROM turns)")
        for table in ("assistants", "prompts"):
            copy.execute(f"UPDATE {table} SET parent_id = NULL WHERE parent_id NOT IN (SELECT id FROM {table})")
        copy.executemany("DELETE FROM notes WHERE key = ?", [(key,) for key in DRAFTS])
        copy.execute("VACUUM")


def _leave_index_behind(file: Path) -> None:
    with told(file), closing(sqlite3.connect(file, isolation_level=None)) as copy:
        copy.execute(QUEUED)


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
