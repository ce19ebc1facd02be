"""The run folder: what lies in it, and how it is read and written so that a kill at any moment leaves it whole.

config.json  state.json  process.json  metrics.jsonl  log.txt  stop  heartbeat  input/  checkpoints/  output/
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from backend.files import write_atomic
from backend.jobs.run import RunConfig, RunState

LARGEST = 16 << 20
"""Bytes of a config or state that are read: a folder from elsewhere may hold more than fits into memory."""
STALE_S = 60.0
"""A worker on another machine that has not shown its heartbeat for this long counts as dead."""


def read_file(path: Path) -> bytes:
    """Raises OSError, and ValueError for a file larger than LARGEST."""
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(path.name)
    return content


def append_line(path: Path, value: Mapping[str, object]) -> None:
    """Append one JSON line. A line that a kill cuts short is skipped by `read_lines`."""
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a .jsonl file; a torn last line and anything that is not an object are left out.

    So is a line longer than LARGEST: one without an end, from elsewhere, may not fit into memory.
    """
    if not path.is_file():
        return
    inside = False
    with path.open("rb") as file:
        while line := file.readline(LARGEST):
            began, inside = not inside, not line.endswith(b"\n")
            if inside or not began:
                continue
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value


class Process(BaseModel):
    """Which process works in a folder: the pid alone is reused by the system, with its birth time it is not."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    born: float
    host: str

    @staticmethod
    def of(pid: int) -> Process:
        """Raises psutil.NoSuchProcess when it is gone already."""
        return Process(pid=pid, born=psutil.Process(pid).create_time(), host=platform.node())

    @property
    def here(self) -> bool:
        return self.host == (platform.node())

    def found(self) -> psutil.Process | None:
        """The living process, or None when it ended, is a zombie, or its pid went to another."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run and their reading and writing. Holds no state of its own."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def state_file(self) -> Path:
        return self.path / "state.json"

    @property
    def stop_file(self) -> Path:
        return self.path / "stop"

    @property
    def heartbeat_file(self) -> Path:
        return self.path / "heartbeat"

    @property
    def reserve(self) -> Path:
        """A file without meaning that gives way when the disk is full."""
        return self.path / "reserve"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    def control_lock(self) -> FileLock:
        """Held for moments by whoever starts, settles or removes the run."""
        return FileLock(self.path / "control.lock")

    def worker_lock(self) -> FileLock:
        """Held by the worker for as long as it lives."""
        return FileLock(self.path / "worker.lock")

    def read_config(self) -> RunConfig:
        """Raises OSError or ValueError when it cannot be read."""
        return RunConfig.model_validate_json(read_file(self.path / "config.json"))

    def write_config(self, config: RunConfig) -> None:
        write_atomic(self.path / "config.json", config.model_dump_json(indent=2))

    def read_state(self) -> RunState:
        """Raises OSError or ValueError when it cannot be read."""
        return RunState.model_validate_json(read_file(self.state_file))

    def write_state(self, state: RunState) -> None:
        write_atomic(self.state_file, state.model_dump_json(indent=2))

    def write_process(self, pid: int) -> None:
        write_atomic(self.path / "process.json", Process.of(pid).model_dump_json())

    def process(self) -> Process | None:
        try:
            return Process.model_validate_json(read_file(self.path / "process.json"))
        except (OSError, ValueError):
            return None

    def alive(self) -> bool:
        """Whether a worker works here: by its process on this machine, by its heartbeat on another."""
        process = self.process()
        if process is None:
            return False
        if process.here:
            return process.found() is not None
        try:
            return time.time() - self.heartbeat_file.stat().st_mtime < STALE_S
        except OSError:
            return False
