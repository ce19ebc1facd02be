"""One module per format, each with `read(path, limits) -> Parsed`: blocks in reading order, with pages and headings.

A reader runs in the child of `backend.documents.reading.reader` only. What it meets and can name it raises as
BadInput("error.document_*") without the file's name, which is added outside; what it cannot foresee it lets through.
It need not tidy its text: control characters, NFD, empty blocks and overlong paragraphs are dealt with after it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from backend.documents.reading.limits import Limits
from backend.documents.values import Parsed


class ReadFile(Protocol):
    def __call__(self, path: Path, limits: Limits) -> Parsed: ...
