"""Unpacking a zip from a stranger: only plain files, only where they belong, only so much.

Every entry is looked at before the first byte is written, and the bytes are counted as they come, since the sizes in
a zip are claims. (What can be wrong with one: https://docs.python.org/3/library/zipfile.html#decompression-pitfalls.)
"""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BadInput, StorageProblem

BLOCK = 1 << 20
RESERVE = 64 << 20
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*\ud800-\udfff]')
DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """total_bytes and files: unpacked. ratio: unpacked to packed, asked of what unpacks to more than ratio_from."""

    total_bytes: int = 8 << 30
    files: int = 50_000
    ratio: int = 200
    ratio_from: int = 64 << 20


USUAL = Limits()


def unpack(path: Path, folder: Path, files: set[str], folders: set[str], limits: Limits) -> None:
    """Unpack into `folder`: the named `files` at the top, anything below the named `folders`, nothing else.

    Raises BadInput: "error.import_not_zip", "error.import_unsafe" (entry), "error.import_too_large" (limit);
    StorageProblem("error.disk_full").
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_sizes(entries, path.stat().st_size, limits)
            _check_names(entries, files, folders)
            _check_space(entries, folder)
            for entry in entries:
                if not entry.is_dir():
                    _extract(archive, entry, folder / entry.filename)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as fault:
        raise BadInput("error.import_not_zip") from fault


def _check_sizes(entries: list[zipfile.ZipInfo], packed: int, limits: Limits) -> None:
    total = sum(entry.file_size for entry in entries)
    bomb = total > limits.ratio_from and total > limits.ratio * packed
    if len(entries) > limits.files or total > limits.total_bytes or bomb:
        raise BadInput("error.import_too_large", limit=f"{limits.total_bytes / (1 << 30):g} GiB", files=limits.files)


def _check_names(entries: list[zipfile.ZipInfo], files: set[str], folders: set[str]) -> None:
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename.rstrip("/")
        steps = name.split("/")
        at_home = steps[0] in folders if len(steps) > 1 or entry.is_dir() else name in files
        if not at_home or name.casefold() in seen or not _plain(entry) or not all(_safe(step) for step in steps):
            raise BadInput("error.import_unsafe", entry=name[:80])
        seen.add(name.casefold())


def _safe(step: str) -> bool:
    """Whether one part of a path is a plain name on every system: no "..", no drive, no device, no hidden end."""
    odd = FORBIDDEN.search(step) or DEVICE.fullmatch(step) or step != step.rstrip(" .")
    return 0 < len(step) <= 200 and not odd


def _plain(entry: zipfile.ZipInfo) -> bool:
    """Whether it is an ordinary file or folder: no link, no device, not encrypted."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return kind in (0, stat.S_IFREG, stat.S_IFDIR) and not entry.flag_bits & 0x1


def _check_space(entries: list[zipfile.ZipInfo], folder: Path) -> None:
    if shutil.disk_usage(folder).free < sum(entry.file_size for entry in entries) + RESERVE:
        raise StorageProblem("error.disk_full", path=folder.name)


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Raises BadZipFile when the content is not what its size and checksum say."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as source, target.open("xb") as file:
        while block := source.read(BLOCK):
            left -= len(block)
            if left < 0:
                raise zipfile.BadZipFile(entry.filename)
            file.write(block)
    if left:
        raise zipfile.BadZipFile(entry.filename)
