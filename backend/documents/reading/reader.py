"""Reading a document somewhere else: a child process with limits takes what a hostile or broken file does to a parser.

    with Reader() as reader:
        parsed = reader.read(path, "계약서.hwp")

One child reads many files in turn, since starting it takes longer than most files. A file that kills it costs only
itself: the next one gets a new child. The result comes through a file, and nothing the child says is trusted unread.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pydantic import ValidationError

from backend.documents.reading.limits import MIB, USUAL, Limits
from backend.documents.values import Parsed
from backend.errors import BadInput, NotFound, StorageProblem, Unavailable
from backend.files import FULL, make_folder, storage_problem

ROOT: Final = Path(__file__).resolve().parents[3]
WATCH_S: Final = 0.1
START_S: Final = 60.0
"""A child has this long to come up, on a machine that is busy with a training run."""
GROWN: Final = 512 * MIB
"""A child that is larger than this after a file is replaced: parsers keep what they have once taken."""
KEPT: Final = frozenset(
    {
        *("PATH", "PATHEXT", "HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "LC_ALL", "LC_CTYPE"),
        *("SYSTEMROOT", "WINDIR", "COMSPEC", "LD_LIBRARY_PATH", "TESSDATA_PREFIX"),
    }
)
"""Of the environment what Python and an OCR engine need to start; keys, tokens and proxies are not among them."""


def read(path: Path, name: str, limits: Limits = USUAL) -> Parsed:
    """One file, in a child of its own; `Reader.read` says what is raised."""
    with Reader(limits) as reader:
        return reader.read(path, name)


class Reader:
    """A child process that reads files one after the other. Threads take turns.

    `results` is a folder of this reader alone, for texts on their way here: what a kill left in it goes now. Without
    one they go through the system's folder for such files.
    """

    def __init__(self, limits: Limits = USUAL, results: Path | None = None) -> None:
        self._limits, self._results = limits, results
        if results is not None:
            shutil.rmtree(results, ignore_errors=True)
        self._turn = threading.Lock()
        self._child: _Child | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        with self._turn:
            self._drop()

    @property
    def pid(self) -> int | None:
        """Of the child, while there is one."""
        return self._child.pid if self._child else None

    def read(self, path: Path, name: str, waiting: Callable[[], object] | None = None) -> Parsed:
        """The document at `path`, which a person calls `name`; `waiting` is called ten times a second meanwhile.

        What `waiting` raises ends the reading and comes out here. Raises BadInput with `name`: what
        `backend.documents.reading.kinds.kind_of` raises, "error.document_too_large" (limit, in MB),
        "error.document_timeout" (seconds), "error.document_memory" (limit, in MB), "error.document_crashed",
        "error.document_no_text" and what the readers say of the file; NotFound("error.document_missing");
        Unavailable("error.document_reader") where no child can be started; StorageProblem("error.disk_full").
        """
        try:
            size = path.stat().st_size
        except OSError as fault:
            raise NotFound("error.document_missing", name=name) from fault
        if size > self._limits.file_bytes:
            raise BadInput("error.document_too_large", name=name, limit=self._limits.file_bytes // MIB)
        with self._turn:
            child = self._ready(name)
            kept = False
            try:
                parsed = child.read(path, name, waiting or (lambda: None))
                kept = child.resident() <= GROWN
                return parsed
            except BadInput as fault:
                kept = child.alive and fault.key != "error.document_memory" and child.resident() <= GROWN
                raise
            finally:
                if not kept:
                    self._drop()

    def _ready(self, name: str) -> _Child:
        if self._child and not self._child.alive:
            self._drop()
        if not self._child:
            try:
                self._child = _Child(self._limits, self._results)
                self._child.come_up()
            except OSError as fault:
                self._drop()
                if fault.errno in FULL:
                    raise storage_problem(fault, Path(name)) from fault
                raise Unavailable("error.document_reader", name=name) from fault
        return self._child

    def _drop(self) -> None:
        if self._child:
            self._child.end()
        self._child = None


class _Child:
    """The process, its folder for results, and the thread that hears its lines."""

    def __init__(self, limits: Limits, results: Path | None) -> None:
        self._limits = limits
        within = None if results is None else make_folder(results).resolve()  # the child works in another folder
        self._folder = tempfile.TemporaryDirectory(prefix="matchum-read-", dir=within, ignore_cleanup_errors=True)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._silent = threading.Event()
        try:
            self._process = self._start()
        except OSError:
            self._folder.cleanup()
            raise
        self.pid = self._process.pid
        threading.Thread(target=self._hear, name=f"hears {self.pid}", daemon=True).start()

    def _start(self) -> subprocess.Popen[str]:
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        command = [sys.executable, "-m", "backend.documents.reading.child", self._limits.model_dump_json()]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            **apart,
        )

    def _hear(self) -> None:
        assert self._process.stdout
        with suppress(ValueError, OSError):
            for line in self._process.stdout:
                self._lines.put(line)
        # A process that ends closes its pipes before it can be waited for: silence counts as its end.
        self._silent.set()
        self._lines.put(None)

    @property
    def alive(self) -> bool:
        return not self._silent.is_set() and self._process.poll() is None

    def resident(self) -> int:
        """Bytes of memory it holds; 0 when it is gone."""
        import psutil

        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def come_up(self) -> None:
        """Raises OSError when it does not say that it is ready."""
        try:
            line = self._lines.get(timeout=START_S)
        except queue.Empty as fault:
            raise OSError("the reading process did not come up") from fault
        if line is None:
            raise OSError(f"the reading process ended with {self._process.wait()}")

    def read(self, path: Path, name: str, waiting: Callable[[], object]) -> Parsed:
        result = Path(self._folder.name) / "result.json"
        assert self._process.stdin
        with suppress(OSError):  # of a child that has just died: its silence is dealt with below
            self._process.stdin.write(json.dumps([str(path.resolve()), name, str(result)]) + "\n")
            self._process.stdin.flush()
        if not self._answered(name, waiting):
            raise BadInput("error.document_crashed", name=name)
        try:
            return _result(result, name)
        finally:
            result.unlink(missing_ok=True)

    def _answered(self, name: str, waiting: Callable[[], object]) -> bool:
        """Whether a line came before the process died. Raises when its time or its memory is used up."""
        end = time.monotonic() + self._limits.seconds
        while True:
            with suppress(queue.Empty):
                line = self._lines.get(timeout=WATCH_S)
                if line and line.strip() == "full":
                    raise StorageProblem("error.disk_full", path=name)
                return line is not None
            waiting()
            if self.resident() > self._limits.memory:
                self.kill()
                raise BadInput("error.document_memory", name=name, limit=self._limits.memory // MIB)
            if time.monotonic() > end:
                self.kill()
                raise BadInput("error.document_timeout", name=name, seconds=round(self._limits.seconds))

    def kill(self) -> None:
        """With whatever it has started itself, an OCR engine for one."""
        with suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def end(self) -> None:
        self.kill()
        assert self._process.stdin and self._process.stdout
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()
        self._folder.cleanup()


def _environment() -> dict[str, str]:
    """Of this one only what a parser needs: no keys, no tokens, no proxies."""
    own = {name: value for name, value in os.environ.items() if name in KEPT}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_THREAD_LIMIT"), "1")
    return {**own, **threads, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


def _result(file: Path, name: str) -> Parsed:
    """Raises BadInput: what the child says was wrong with the file, or that it says nothing sensible."""
    try:
        raw = file.read_bytes()
        if raw.startswith(b'{"fault"'):
            told = json.loads(raw)["fault"]
            raise BadInput(str(told["key"]), **{**dict(told["details"]), "name": name})
        return Parsed.model_validate_json(raw)
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as fault:
        raise BadInput("error.document_crashed", name=name) from fault
