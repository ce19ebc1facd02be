"""Plain text: paragraphs are what stands between blank lines, some of them headings by how they are numbered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from backend.documents.readers.outline import with_guessed_headings
from backend.documents.reading.encodings import clean, decode
from backend.documents.reading.limits import Limits
from backend.documents.values import Block, Note, Parsed

BLANK: Final = re.compile(r"\n[ \t\u3000]*(?:\n[ \t\u3000]*)+")
LOST: Final = "\ufffd"


def read(path: Path, limits: Limits) -> Parsed:
    text, notes = text_of(path)
    return Parsed(blocks=tuple(with_guessed_headings(list(paragraphs(text)))), notes=notes)


def text_of(path: Path, declared: str | None = None) -> tuple[str, tuple[Note, ...]]:
    """The letters of a text file, cleaned, and a note when some could not be read."""
    text = clean(decode(path.read_bytes(), declared)[0])
    return text, lost_letters(text)


def lost_letters(text: str) -> tuple[Note, ...]:
    lost = text.count(LOST)
    return (Note(name="letters_lost", details={"count": str(lost)}),) if lost else ()


def paragraphs(text: str) -> Iterator[Block]:
    for part in BLANK.split(text):
        if part.strip():
            yield Block(kind="paragraph", text=part, level=0)
