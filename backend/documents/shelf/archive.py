"""A folder of files that came as one ZIP: looked through before anything is unpacked, counted as it comes.

Names in it are claims like its sizes: they are shown, and nothing is ever written under them. (What can be wrong with
one: https://docs.python.org/3/library/zipfile.html#decompression-pitfalls.)
"""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, cast

from backend.documents.shelf.names import file_name, folder_name
from backend.errors import BadInput, StudioError

MOST_FILES: Final = 10_000
MOST_BYTES: Final = 8 << 30
RATIO: Final = 200
RATIO_FROM: Final = 64 << 20
"""Asked of an archive that claims to unpack to more than RATIO_FROM bytes: how many times its own size."""
UTF8_FLAG: Final = 0x800
ENCRYPTED: Final = 0x1
LEFT_BY_SYSTEMS: Final = {"thumbs.db", "desktop.ini"}
BROKEN: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError)
DAMAGED: Final = (*BROKEN, OSError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Member:
    """One file of an archive. `name` and `folder` are for people; `fault` says why it is not taken."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo
    shown: str
    name: str
    folder: str
    fault: BadInput | None

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Raises BadInput: unsafe, encrypted, or "error.documents_zip_member" when its bytes are not what it says."""
        if self.fault is not None:
            raise self.fault
        try:
            with self.archive.open(self.entry) as stream:
                yield cast(BinaryIO, stream)
        except StudioError:
            raise
        except DAMAGED as fault:
            raise BadInput("error.documents_zip_member", name=self.shown) from fault


def members(path: Path, name: str, largest: int) -> Iterator[Member]:
    """The files of an archive in its order, without what systems leave in folders; all of them are in one folder.

    Raises BadInput: "error.documents_zip" (damaged), "error.documents_zip_large" (too many files or bytes).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_sizes(entries, path.stat().st_size, name)
            found = [_member(archive, entry, largest) for entry in entries]
            yield from _in_one_folder([one for one in found if not _of_a_system(one.shown)], name)
    except (*BROKEN, ValueError) as fault:
        raise BadInput("error.documents_zip", name=name) from fault


def _in_one_folder(found: list[Member], name: str) -> list[Member]:
    """All below the one folder that the archive brings, else below one that is named as the archive.

    What lies loose in it would replace files of the same name that came in another way.
    """
    tops = {one.folder.partition("/")[0] for one in found if one.fault is None}
    if len(tops) == 1 and "" not in tops:
        return found
    own = PurePosixPath(name).stem
    return [replace(one, folder=folder_name(f"{own}/{one.folder}")) for one in found]


def _check_sizes(entries: list[zipfile.ZipInfo], packed: int, name: str) -> None:
    total = sum(entry.file_size for entry in entries)
    bomb = total > RATIO_FROM and total > RATIO * packed
    if len(entries) > MOST_FILES or total > MOST_BYTES or bomb:
        limit = f"{MOST_BYTES / (1 << 30):g} GB"
        raise BadInput("error.documents_zip_large", name=name, files=f"{MOST_FILES:,}", limit=limit)


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, largest: int) -> Member:
    told = _decoded(entry)
    shown = told[:200]
    folder, _, name = told.replace("\\", "/").rpartition("/")
    return Member(archive, entry, shown, file_name(name), folder_name(folder), _fault(entry, told, shown, largest))


def _fault(entry: zipfile.ZipInfo, told: str, shown: str, largest: int) -> BadInput | None:
    steps = told.replace("\\", "/").split("/")
    away = ".." in steps or steps[0] == "" or steps[0].endswith(":") or "\0" in told
    if away or stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return BadInput("error.documents_zip_unsafe", name=shown)
    if entry.flag_bits & ENCRYPTED:
        return BadInput("error.documents_zip_encrypted", name=shown)
    if entry.file_size > largest:
        return BadInput("error.documents_file_large", name=shown, limit=f"{largest / (1 << 20):g} MB")
    return None


def _decoded(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant: without the flag for UTF-8, Windows in Korea writes CP949, others UTF-8 all the same.

    `zipfile` reads names without the flag as cp437, in which every byte is some letter: nothing is lost.
    """
    if entry.flag_bits & UTF8_FLAG:
        return entry.filename
    try:
        raw = entry.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    for encoding in ("utf-8", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _of_a_system(told: str) -> bool:
    """Whether it is what a system leaves in folders, or hides."""
    steps = told.replace("\\", "/").split("/")
    return steps[0] == "__MACOSX" or steps[-1].startswith(".") or steps[-1].casefold() in LEFT_BY_SYSTEMS
