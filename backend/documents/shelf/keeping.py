"""Where a project's documents lie: bytes as they came, and the text read out of them, by the sha256 of the bytes.

files/documents/<sha256>/original         never under its own name, which is a stranger's
files/documents/<sha256>/parsed.json.gz   can be read again, so it is not handed on with the project
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import secrets
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ValidationError

from backend.documents.values import Parsed
from backend.errors import BadInput
from backend.files import make_folder, storing

PLACE: Final = "documents"
ORIGINAL: Final = "original"
PARSED: Final = "parsed.json.gz"
SHA256: Final = re.compile(r"[0-9a-f]{64}")
BLOCK: Final = 1 << 20
PACKED: Final = 3
"""gzip's level: a third of the time of the usual 6, and a tenth larger."""
LEFT_OVER_S: Final = 24 * 3600.0
GONE: Final = ".gone.part"
"""How the name of a folder ends that was put aside: nobody wants it any more."""


@dataclass(frozen=True)
class Draft:
    """Bytes that lie on the disk already, not yet under their content's name."""

    folder: Path
    sha256: str
    size: int

    @property
    def path(self) -> Path:
        return self.folder / ORIGINAL


class Keeping:
    """Under the project's folder. Holds no state; one who places or removes content holds the database's write lock."""

    def __init__(self, project_folder: Path) -> None:
        self.root = project_folder / "files" / PLACE

    def folder(self, sha256: str) -> Path:
        """Raises ValueError for what is no sha256: it becomes a path."""
        if not SHA256.fullmatch(sha256):
            raise ValueError("sha256")
        return self.root / sha256

    def original(self, sha256: str) -> Path:
        return self.folder(sha256) / ORIGINAL

    @contextmanager
    def drafted(self, source: BinaryIO, most: int, name: str) -> Iterator[Draft]:
        """Copy and hash a stream of at most `most` bytes; the copy is gone afterwards unless `place` moved it.

        Raises BadInput("error.documents_file_large", name=, limit=), StorageProblem.
        """
        part = make_folder(self.root) / f".{secrets.token_hex(8)}.part"
        try:
            with storing(self.root):
                part.mkdir()
                sha256, size = _copy(source, part / ORIGINAL, most)
            if size > most:
                raise BadInput("error.documents_file_large", name=name, limit=f"{most / (1 << 20):g} MB")
            yield Draft(part, sha256, size)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def place(self, draft: Draft) -> None:
        """Under its content's name, where it may lie already. Raises StorageProblem."""
        target = self.folder(draft.sha256)
        with storing(self.root):
            if (target / ORIGINAL).is_file():
                return
            shutil.rmtree(target, ignore_errors=True)  # half of a removal: nothing of it is of use
            draft.folder.rename(target)

    def put_aside(self, sha256: str) -> Path | None:
        """Take content away in one step, to a place to delete; None when there is none. Raises StorageProblem."""
        if not self.folder(sha256).is_dir():
            return None
        gone = self.root / f".{secrets.token_hex(8)}{GONE}"
        with storing(self.root):
            self.folder(sha256).rename(gone)
        return gone

    def delete(self, aside: Path | None) -> None:
        """What `put_aside` gave. What a system will not let go of now goes with a later `sweep`."""
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)

    def has_parsed(self, sha256: str) -> bool:
        return (self.folder(sha256) / PARSED).is_file()

    def parsed(self, sha256: str) -> Parsed | None:
        """None when it was not read yet, or what is kept is of another time or damaged: then it is read again."""
        try:
            with gzip.open(self.folder(sha256) / PARSED, "rb") as file:
                return Parsed.model_validate_json(file.read())
        except (OSError, EOFError, zlib.error, ValidationError):
            return None

    def keep_parsed(self, sha256: str, parsed: Parsed) -> None:
        """Only beside its bytes: what was taken away meanwhile leaves nothing. Raises StorageProblem.

        Not forced through to the disk, which takes longer than most files do: a power cut may damage what is kept,
        `parsed` then sees that by its checksum, and the file is read again.
        """
        if not self.original(sha256).is_file():
            return
        raw = parsed.model_dump_json(exclude_defaults=True).encode("utf-8", "replace")
        target = self.folder(sha256) / PARSED
        part = target.with_name(f".{PARSED}.part")
        with storing(target):
            try:
                part.write_bytes(gzip.compress(raw, PACKED, mtime=0))
                part.replace(target)
            except FileNotFoundError:
                return  # taken away just now, folder and all
            except OSError:
                part.unlink(missing_ok=True)
                raise

    def forget_parsed(self, sha256: str) -> None:
        with storing(self.root):
            (self.folder(sha256) / PARSED).unlink(missing_ok=True)

    def contents(self) -> set[str]:
        """The sha256 of all that lies here."""
        if not self.root.is_dir():
            return set()
        with storing(self.root):
            return {name for name in os.listdir(self.root) if SHA256.fullmatch(name)}

    def sweep(self) -> None:
        """What a kill left: put aside, or half-written; a day later nobody is writing it any more."""
        for left in self.root.glob(".*.part"):
            with suppress(FileNotFoundError):  # whoever wrote it is done just now
                if left.name.endswith(GONE) or time.time() - left.lstat().st_mtime > LEFT_OVER_S:
                    shutil.rmtree(left, ignore_errors=True)


def _copy(source: BinaryIO, target: Path, most: int) -> tuple[str, int]:
    """(sha256, bytes); stops one block after `most`."""
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as file:
        while size <= most and (block := source.read(BLOCK)):
            digest.update(block)
            size += len(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size
