"""What every reader's result goes through: clean letters, no empty blocks, no block of ten million letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from backend.documents.readers.grid import table
from backend.documents.reading.encodings import clean
from backend.documents.reading.limits import Limits
from backend.documents.values import Block, Note, Parsed
from backend.errors import BadInput

LONGEST: Final = 20_000
"""Letters of one block: what a page draws and a splitter looks through at once."""
LONGEST_TITLE: Final = 300
DEEPEST: Final = 9
PLACES: Final = (re.compile(r"\n"), re.compile(r"(?<=[.!?。！？])\s"), re.compile(r"\s"))


def tidied(parsed: Parsed, limits: Limits) -> Parsed:
    """Raises BadInput("error.document_no_text"), ("error.document_too_long", limit=characters)."""
    blocks = tuple(tidy for block in parsed.blocks for tidy in _tidy(block))
    if not blocks:
        raise BadInput("error.document_no_text")
    if sum(len(block.text) for block in blocks) > limits.characters:
        raise BadInput("error.document_too_long", limit=f"{limits.characters:,}")
    names = tuple(clean(name) for name in parsed.names)
    notes = tuple(_tidy_note(note) for note in parsed.notes)
    title = " ".join(clean(parsed.title).split())[:LONGEST_TITLE]
    return parsed.model_copy(update={"title": title, "blocks": blocks, "names": names, "notes": notes})


def _tidy_note(note: Note) -> Note:
    return note.model_copy(update={"details": {name: clean(text)[:500] for name, text in note.details.items()}})


def _tidy(block: Block) -> Iterator[Block]:
    if block.rows:
        if whole := table([[clean(cell) for cell in row] for row in block.rows], block.page):
            yield whole
        return
    text = clean(block.text).strip(" \t\n") if block.kind != "code" else clean(block.text)
    if block.kind == "heading":
        text = " ".join(text.split())
    if not text.strip():
        return
    if text == block.text and len(text) <= 1_000 and block.level <= DEEPEST:
        yield block
        return
    kind = "paragraph" if block.kind == "heading" and len(text) > 1_000 else block.kind
    for piece in pieces(text, LONGEST):
        yield block.model_copy(update={"text": piece, "kind": kind, "level": min(block.level, DEEPEST)})


def pieces(text: str, longest: int) -> Iterator[str]:
    """Cut where it shows least: at a line's end, else a sentence's, else a blank, else anywhere; blanks go."""
    at = 0
    while len(text) - at > longest:
        cut = next((found for place in PLACES if (found := _last(place, text, at + longest // 2, at + longest))), None)
        yield text[at : cut or at + longest].strip()
        at = cut or at + longest
    if rest := text[at:].strip() if at else text:
        yield rest


def _last(place: re.Pattern[str], text: str, start: int, end: int) -> int | None:
    return max((found.end() for found in place.finditer(text, start, end)), default=None)
