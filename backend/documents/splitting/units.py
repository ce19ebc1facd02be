"""What a document is made of when it is cut: headings, paragraphs, and where those do not fit sentences and rows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from semantic_text_splitter import TextSplitter

from backend.documents.splitting.sentences import Span, sentences, trim, unmarked
from backend.documents.values import Block, Laid, Parsed

Count = Callable[[str], int]
UnitKind = Literal["heading", "text", "row"]

SIGNS_A_TOKEN: Final = 12
"""A text counts as one token for each 12 characters at least: some tokenizers take a word of any length for one."""
LONGEST: Final = 10_000
"""Characters of a unit that are looked at as one: what is longer is cut at a blank near here first."""
ANALYSED: Final = 200_000
"""Characters of one document that are looked through for endings of verbs: some six seconds."""
ONE_SENTENCE: Final = 400
"""Characters; of 3,487 sentences of a Korean encyclopedia one is longer."""
PROSE: Final = re.compile(r"(?:[가-힣]+ ){4}")
HEAD: Final = 300
"""Characters of a heading, and of a table's first row, that go along with a passage."""


Joins = Literal["on", "after_headings", "never"]


@dataclass(frozen=True)
class Unit:
    """text[start:end], kept whole. `path` are the headings over it; of a heading itself those with it.

    weight  what counts against the size: tokens, or more (see SIGNS_A_TOKEN)
    joins   whether it may stand in one passage with what comes before: `on`; only with the headings above it (a
            heading, the first piece of a table); never (a new slide or sheet)
    """

    kind: UnitKind
    start: int
    end: int
    weight: int
    page: int | None
    path: tuple[str, ...]
    joins: Joins = "on"


@dataclass(frozen=True)
class Piece:
    """A unit before it is known where it stands."""

    start: int
    end: int
    weight: int
    path: tuple[str, ...]


class Cutter:
    """Cuts one document into units of at most `size`."""

    def __init__(self, parsed: Parsed, laid: Laid, size: int, count: Count) -> None:
        self._parsed, self._text, self._spans = parsed, laid.text, laid.spans
        self._size, self._count = size, count
        self._analysed = 0
        self._counted: tuple[int, int, int] = (0, 0, 0)

    def weigh(self, start: int, end: int) -> int:
        return max(self.tokens(start, end), math.ceil((end - start) / SIGNS_A_TOKEN))

    def tokens(self, start: int, end: int) -> int:
        """Counting is most of the time that cutting takes; what was counted last is asked for again."""
        if self._counted[:2] != (start, end):
            self._counted = (start, end, self._count(self._text[start:end]))
        return self._counted[2]

    def units(self) -> Iterator[Unit]:
        """In reading order; every sign of the text that is no blank is in one."""
        path: list[tuple[int, str]] = []
        page: int | None = None
        above = 0
        joins: Joins = "on"
        for block, (start, end) in zip(self._parsed.blocks, self._spans, strict=True):
            start, end = trim(self._text, start, end)
            joins = "never" if self._turns(page, block.page) else joins
            page = block.page
            if start == end:
                continue
            heading = block.kind == "heading"
            if heading:
                path = [step for step in path if step[0] < max(block.level, 1)]
                path.append((max(block.level, 1), " ".join(block.text.split())[:HEAD]))
                joins = "after_headings" if joins == "on" else joins
            names = self._named(block, tuple(step[1] for step in path))
            pieces = list(self._cut(block, start, end, names, self._room(above)))
            cut_table = block.kind == "table" and len(pieces) > 1
            if cut_table and joins == "on":
                joins = "after_headings"
            for piece in pieces:
                kind: UnitKind = "heading" if heading else "row" if cut_table else "text"
                yield Unit(kind, piece.start, piece.end, piece.weight, page, piece.path, joins)
                joins = "on"
            above = above + sum(piece.weight for piece in pieces) if heading else 0
            joins = "after_headings" if cut_table else "on"

    def _room(self, above: int) -> int:
        """What is left of a passage below its headings: they go along with what they are about."""
        return max(self._size - above, self._size // 2)

    def _turns(self, before: int | None, page: int | None) -> bool:
        """Whether a new slide or sheet begins; a page of a book is turned in the middle of a sentence."""
        return self._parsed.page_kind in ("slide", "sheet") and before is not None and before != page

    def _named(self, block: Block, path: tuple[str, ...]) -> tuple[str, ...]:
        """Under the name of its sheet, where the sheet has no heading that says it."""
        names = self._parsed.names
        if self._parsed.page_kind != "sheet" or block.page is None or not 1 <= block.page <= len(names):
            return path
        name = names[block.page - 1]
        return path if not name or name in path else (name, *path)

    def _cut(self, block: Block, start: int, end: int, path: tuple[str, ...], room: int) -> Iterator[Piece]:
        """The block as one where it fits in."""
        weight = self.weigh(start, end) if end - start <= LONGEST else room + 1
        if weight <= room:
            yield Piece(start, end, weight, path)
        elif block.kind == "table":
            yield from self._rows(start, end, path, room)
        else:
            spans = _lines(self._text, start, end) if block.kind == "code" else self._sentences(start, end, room)
            for a, b in spans:
                yield from (Piece(*span, path) for span in self._fitting(a, b, room))

    def _rows(self, start: int, end: int, path: tuple[str, ...], room: int) -> Iterator[Piece]:
        """Row by row; the first row, which names the columns, goes along with the others as their last heading."""
        lines = _lines(self._text, start, end)
        head = " ".join(self._text[slice(*lines[0])].split())[:HEAD]
        for number, (a, b) in enumerate(lines):
            below = (*path, head) if number else path
            yield from (Piece(*span, below) for span in self._fitting(a, b, room))

    def _sentences(self, start: int, end: int, room: int) -> Iterator[Span]:
        """By marks; what is too long to be one sentence and Korean by its endings: it has no marks."""
        for a, b in sentences(self._text, start, end):
            if b - a > ONE_SENTENCE and self._analysed + b - a <= ANALYSED and PROSE.search(self._text, a, b):
                self._analysed += b - a
                yield from unmarked(self._text, a, b)
            else:
                yield a, b

    def _fitting(self, start: int, end: int, room: int) -> Iterator[tuple[int, int, int]]:
        """(start, end, weight), cut between words, else between letters, where it does not fit."""
        for a, b in _not_endless(self._text, start, end):
            weight = self.weigh(a, b)
            if weight <= room:
                yield a, b, weight
                continue
            splitter = TextSplitter.from_callback(self._weigh, room)
            for offset, piece in splitter.chunk_indices(self._text[a:b]):
                c, d = trim(self._text, a + offset, a + offset + len(piece))
                if c < d:  # what is blank to Python and Unicode is not the same
                    yield c, d, self.weigh(c, d)

    def _weigh(self, piece: str) -> int:
        return max(self._count(piece), math.ceil(len(piece) / SIGNS_A_TOKEN))


def _not_endless(text: str, start: int, end: int) -> Iterator[Span]:
    """Pieces of LONGEST characters at most, cut at a blank of their second half where there is one."""
    while end - start > LONGEST:
        cut = max(text.rfind(sign, start + LONGEST // 2, start + LONGEST) for sign in " \n\t") + 1
        cut = cut or start + LONGEST
        yield trim(text, start, cut)
        start = cut
    start, end = trim(text, start, end)
    if start < end:
        yield start, end


def _lines(text: str, start: int, end: int) -> list[Span]:
    found, at = [], start
    for line in text[start:end].split("\n"):
        found.append(trim(text, at, at + len(line)))
        at += len(line) + 1
    return [span for span in found if span[0] < span[1]]
