"""The service over a folder of runs. It starts workers and reads what they write; it never works itself."""

from __future__ import annotations

import builtins
import math
import re
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from filelock import Timeout

from backend.errors import BadInput, Busy, NotFound, StorageProblem
from backend.files import storing
from backend.jobs.child import start_worker
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import KINDS, kind_named
from backend.jobs.run import ACTIVE, Run, RunConfig, RunState
from backend.settings import Settings

ID = re.compile(r"\d{8}-\d{12}-[0-9a-f]{8}")
REMOVED_KEPT_S = 7 * 24 * 3600.0
PURGE_EVERY_S = 3600.0
LET_GO_S = 0.5

Stamp = tuple[int, int, int]


def new_id() -> str:
    """Sorts by time of birth; the random end keeps two of one microsecond apart and unguessable."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S%f}-{secrets.token_hex(4)}"


class Runs:
    """The runs under one folder. May be called from any thread, and by two studios or a test at once."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self._settings = settings
        self._known: dict[str, tuple[Stamp, Run]] = {}
        self._lock = threading.Lock()
        self._purged = -math.inf

    # --- asking -------------------------------------------------------------------------------------------------------

    def list(self) -> list[Run]:
        """Newest first. A run whose worker is gone is marked interrupted on the way."""
        if not self.folder.is_dir():
            return []
        self._purge(PURGE_EVERY_S)
        ids = sorted((entry.name for entry in self.folder.iterdir() if ID.fullmatch(entry.name)), reverse=True)
        found = [self._read(RunFolder(self.folder / run_id)) for run_id in ids]
        with self._lock:
            for gone in self._known.keys() - set(ids):
                del self._known[gone]
        return [run for run in found if run is not None]

    def active(self) -> builtins.list[Run]:
        """Those that a worker has in hand now."""
        return [run for run in self.list() if run.active]

    def get(self, run_id: str) -> Run:
        """Raises NotFound("error.run_missing")."""
        run = self._read(self._folder_of(run_id))
        if run is None:
            raise NotFound("error.run_missing")
        return run

    def log(self, run_id: str, characters: int = 20_000) -> str:
        """The end of the run's log."""
        try:
            with self._folder_of(run_id).log.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - 4 * characters))
                return file.read().decode("utf-8", errors="replace")[-characters:]
        except FileNotFoundError:
            return ""

    # --- doing --------------------------------------------------------------------------------------------------------

    def submit(
        self, kind: str, config: Mapping[str, Any], title: str = "", files: Mapping[str, Path] | None = None
    ) -> Run:
        """Make the folder, copy `files` (name -> path) into its input/, start the worker, return at once.

        Raises BadInput("error.run_kind"), StorageProblem (disk full, folder not writable, no process to be had).
        """
        kind_named(kind)
        self._check_place(kind)
        folder = RunFolder(self.folder / new_id())
        made = RunConfig(kind=kind, title=title, created=time.time(), settings=self._needed(), config=dict(config))
        # Made under another name, so that a kill in the middle leaves no half a run in the list.
        draft = RunFolder(self.folder / f".new-{folder.id}")
        try:
            with storing(self.folder):
                (draft.path / "input").mkdir(parents=True)
                for name, path in (files or {}).items():
                    shutil.copyfile(path, draft.path / "input" / Path(name).name)
                draft.write_config(made)
                draft.write_state(RunState(state="interrupted"))
                draft.path.rename(folder.path)
            with folder.control_lock():
                self._start(folder)
        except StorageProblem:
            shutil.rmtree(draft.path, ignore_errors=True)
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        return self.get(folder.id)

    def stop(self, run_id: str, force: bool = False) -> Run:
        """Ask the run to finish its step, save and end; `force` ends its processes now. No effect on an ended run."""
        folder = self._folder_of(run_id)
        run = self.get(run_id)
        if run.active:
            with storing(folder.stop_file):
                folder.stop_file.touch()
            if force:
                end_processes(folder)
        return self.get(run_id)

    def resume(self, run_id: str) -> Run:
        """Go on where the run ended early. Asked twice, it starts one worker.

        Raises NotFound, Busy("error.run_finished"), BadInput("error.run_kind"), StorageProblem.
        """
        folder = self._folder_of(run_id)
        self.get(run_id)  # settles one whose worker is gone
        with folder.control_lock():
            run = _read_files(folder)
            if run.error_key == "error.run_broken":
                raise StorageProblem("error.run_broken")
            if not run.active and not run.resumable:
                raise Busy("error.run_finished", title=run.title)
            if not run.active:
                self._check_place(run.kind)
                # The home folder may have moved since, and --offline may have changed.
                folder.write_config(folder.read_config().model_copy(update={"settings": self._needed()}))
                self._start(folder)
        return self.get(run_id)

    def remove(self, run_id: str) -> None:
        """Take a run off the list; `undo_remove` brings it back for a week.

        Raises NotFound, Busy("error.run_active", title=).
        """
        folder = self._folder_of(run_id)
        self.get(run_id)
        with folder.control_lock():
            run = _read_files(folder)
        if run.active:
            raise Busy("error.run_active", title=run.title)
        self._purge()
        with storing(folder.path):
            self._removed.mkdir(exist_ok=True)
            # Before it goes there: its week begins now, also for who purges in between.
            folder.path.touch()
            folder.path.rename(self._removed / run_id)

    def undo_remove(self, run_id: str) -> Run:
        """Raises NotFound("error.run_missing")."""
        if not ID.fullmatch(run_id) or not (self._removed / run_id).is_dir():
            raise NotFound("error.run_missing")
        (self._removed / run_id).rename(self.folder / run_id)
        return self.get(run_id)

    # --- inside -------------------------------------------------------------------------------------------------------

    @property
    def _removed(self) -> Path:
        return self.folder / ".removed"

    def _purge(self, every: float = 0.0) -> None:
        """Free what was removed more than a week ago, `every` so many seconds at most."""
        now = time.monotonic()
        with self._lock:
            if now - self._purged < every:
                return
            self._purged = now
        for old in self._removed.iterdir() if self._removed.is_dir() else ():
            with suppress(FileNotFoundError):  # another studio was quicker
                if time.time() - old.stat().st_mtime > REMOVED_KEPT_S:
                    shutil.rmtree(old, ignore_errors=True)

    def _needed(self) -> dict[str, Any]:
        return self._settings.model_dump(mode="json", include={"home", "offline", "memory_limit_mb"})

    def _check_place(self, kind: str) -> None:
        """Raises BadInput("error.run_kind") for what is not for the runs of a project. The worker knows its kinds."""
        known = KINDS.get(kind)
        if known and known.house and self.folder != self._settings.home / "runs":
            raise BadInput("error.run_kind", kind=kind)

    def _folder_of(self, run_id: str) -> RunFolder:
        if not ID.fullmatch(run_id) or not (self.folder / run_id).is_dir():
            raise NotFound("error.run_missing")
        return RunFolder(self.folder / run_id)

    def _start(self, folder: RunFolder) -> None:
        """Under control_lock: nobody can see the moment between the state and the process and take it for dead."""
        before = folder.read_state()
        kept = before.model_dump(include={"done", "total", "unit", "result"})
        folder.stop_file.unlink(missing_ok=True)
        folder.write_state(RunState(state="queued", **kept))
        try:
            pid = start_worker(folder.path)
        except OSError as fault:
            folder.write_state(before)
            raise StorageProblem("error.run_not_started", why=str(fault)) from fault
        # One that ended before we looked needs no entry: `_settled` finds out what became of it.
        with suppress(psutil.NoSuchProcess):
            folder.write_process(pid)

    def _read(self, folder: RunFolder) -> Run | None:
        """None when the folder vanished meanwhile."""
        try:
            at = folder.state_file.stat()
        except OSError:
            return None
        stamp = (at.st_mtime_ns, at.st_size, at.st_ino)
        with self._lock:
            known = self._known.get(folder.id)
        run = known[1] if known and known[0] == stamp else _read_files(folder)
        with self._lock:
            self._known[folder.id] = (stamp, run)
        if not run.active:
            return run
        if not folder.alive():
            return _settled(folder, run)
        return _with(run, state="stopping") if folder.stop_file.exists() else run


class RunsByFolder:
    """One `Runs` per folder, so that what it has read is not read again by every poll. From any thread.

    most  how many are kept; the one asked for longest ago goes, which costs nothing but reading again
    """

    def __init__(self, settings: Settings, most: int = 64) -> None:
        self._settings, self._most = settings, most
        self._kept: OrderedDict[Path, Runs] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, folder: Path) -> Runs:
        with self._lock:
            found = self._kept.pop(folder, None) or Runs(folder, self._settings)
            self._kept[folder] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return found


def _read_files(folder: RunFolder) -> Run:
    try:
        config, state = folder.read_config(), folder.read_state()
    except (OSError, ValueError):
        return Run(folder.id, "", "", "failed", folder.path, 0.0, error_key="error.run_broken")
    told = {name: getattr(state, name) for name in RunState.model_fields}
    return Run(
        id=folder.id,
        kind=config.kind,
        title=config.title,
        folder=folder.path,
        created=config.created,
        config=config.config,
        **told,
    )


def _with(run: Run, **fields: Any) -> Run:
    return Run(**{**run.__dict__, **fields})


def _settled(folder: RunFolder, run: Run) -> Run:
    """The run after its worker was found gone: interrupted, or stopped when that was what the person wanted.

    Holding both locks proves that nobody is starting a worker and none works. Else the files are about to change.
    """
    try:
        # A killed process lets go of its files a moment after it is seen dead.
        with folder.control_lock().acquire(timeout=0), folder.worker_lock().acquire(timeout=LET_GO_S):
            state = folder.read_state()
            if state.state in ACTIVE and not folder.alive():
                ended = "stopped" if folder.stop_file.exists() else "interrupted"
                left = {"state": ended, "ended": time.time(), "rate": None, "seconds_left": None, "message_key": None}
                folder.write_state(state.model_copy(update=left))
        return _read_files(folder)
    except Timeout:
        return run
    except (OSError, ValueError, StorageProblem):
        # On a full disk the mark cannot be written; what is shown is true all the same.
        return _with(run, state="interrupted", rate=None, seconds_left=None)


def end_processes(folder: RunFolder) -> None:
    """End the worker and what it started, and wait for it: nothing of it writes any more."""
    process = folder.process()
    worker = process.found() if process and process.here else None
    if worker is None:
        return
    try:
        family = [*worker.children(recursive=True), worker]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)
