"""What was handed in, read once: every column that is chosen asks about it again, and it may hold a million rows."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

from backend.errors import BadInput
from backend.examples.reading import read_source
from backend.examples.shapes import Source
from backend.settings import ASSETS

MOST: Final = 3
"""Readings that are kept; two people who bring in data at once each find theirs."""

Key = tuple[str, int, str]
HEADERS: Final = {"names": True, "data": False}
"""Whether the first line holds names; any other choice finds out."""


class Sources:
    """The last readings, by what was read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Source] = OrderedDict()

    def read(self, file: str | None, pasted: str, header: str, name: str) -> Source:
        """A file counts before pasted text; `name` is what pasted text is called.

        Raises BadInput("error.data_no_source"), and what reading a source raises.
        """
        if not file and not (pasted or "").strip():
            raise BadInput("error.data_no_source")
        key = key_of(file, pasted, header)
        with self._lock:
            found = self._kept.get(key)
        if found is None:
            found = self._read(file, pasted, header, name)
            with self._lock:
                self._kept[key] = found
                while len(self._kept) > MOST:
                    self._kept.popitem(last=False)
        return found

    @staticmethod
    def _read(file: str | None, pasted: str, header: str, name: str) -> Source:
        if file:
            return read_source(Path(file), Path(file).name, HEADERS.get(header))
        return read_source(pasted.encode("utf-8", "replace"), f"{name}.txt", HEADERS.get(header))

    def drop(self, file: str | None, pasted: str, header: str) -> None:
        """Give the memory back after an import."""
        with self._lock:
            self._kept.pop(key_of(file, pasted, header), None)


def key_of(file: str | None, pasted: str, header: str) -> Key:
    if file:
        return file, Path(file).stat().st_mtime_ns, header
    return hashlib.sha256(pasted.encode("utf-8", "replace")).hexdigest(), 0, header


def sample(language: str) -> str:
    """The film reviews that come with the studio."""
    return str(ASSETS / "samples" / ("reviews_en.csv" if language == "en" else "reviews.csv"))
