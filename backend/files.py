"""Files that are there whole or not at all, and what a full or locked disk says about itself."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backend.errors import StorageProblem

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
TRIES = 6


def storage_problem(fault: OSError, path: Path) -> StorageProblem:
    """The sentence for an OSError met while writing `path`: full, or not writable (with the system's reason)."""
    if fault.errno in FULL:
        return StorageProblem("error.disk_full", path=path.name)
    return StorageProblem("error.cannot_write", path=path.name, why=fault.strerror or type(fault).__name__)


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns an OSError of the block, which writes `path`, into a StorageProblem."""
    try:
        yield
    except OSError as fault:
        raise storage_problem(fault, path) from fault


def write_atomic(path: Path, data: str | bytes, *, private: bool = False) -> None:
    """Write a file so that a reader, or a crash, finds the old text or the new one and never half of either.

    `private` makes it readable by its owner only. Folders are made. Raises StorageProblem, and the old file stays.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_through(part, raw, 0o600 if private else 0o644)
            _replace(part, path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def make_folder(path: Path) -> Path:
    """The folder, made with its parents where it was missing. Raises StorageProblem."""
    with storing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def _write_through(path: Path, raw: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _replace(part: Path, path: Path) -> None:
    """On Windows a file that somebody is reading cannot be replaced; a reader is gone in milliseconds."""
    for attempt in range(TRIES):
        try:
            os.replace(part, path)
            return
        except PermissionError:
            if attempt == TRIES - 1:
                raise
            time.sleep(0.02)


def _sync_folder(folder: Path) -> None:
    """The new name survives a power cut only after its folder is written too. Windows has no such call."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as fault:
        if fault.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):  # some network folders cannot
            raise
    finally:
        os.close(handle)


def folder_bytes(folder: Path) -> int:
    """Of all files below a folder; links are not followed, and what vanishes meanwhile counts nothing."""
    total = 0
    for file in folder.rglob("*") if folder.is_dir() else ():
        with suppress(OSError):
            if file.is_file() and not file.is_symlink():
                total += file.stat().st_size
    return total
