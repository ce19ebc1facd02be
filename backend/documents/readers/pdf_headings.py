"""Which lines of a PDF are headings: by the file's own outline where it has one, else by type size and weight.

A PDF knows no headings, so this is a guess: a size well above that of most of the text, used for little of it;
after these, short lines in bold where the text itself is not. Running heads are taken out before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.documents.readers.pdf_lines import Line

LARGER = 1.15
"""A heading's size is at least this times the body's."""
RARER = 0.15
"""and holds less than this share of the text."""
LONGEST = 120
SHORT = 40
DEEPEST = 6
_NAMED = re.compile(
    r"제\s?\d{1,3}\s?([편장절관조])(?:의\s?\d+)?(?![가-힣])|(?:Chapter|Part|Section|Article)\s+(?:\d+|[IVX]+)\b"
)
_DEPTHS = {"편": 1, "장": 1, "절": 2, "관": 2, "조": 3}
_SENTENCE_ENDS = ".,;:?!。…"


@dataclass(frozen=True)
class Outlined:
    """An entry of the file's own outline (bookmarks): page from 0, level from 1."""

    title: str
    page: int
    level: int


@dataclass(frozen=True)
class Style:
    """What the whole document tells of its type.

    sizes        those of headings, the largest first; a heading's level is its place here, from 1
    bold_counts  bold sets headings apart (most of the text is not bold)
    outlined     (page, title without blanks) -> level; when it is there, sizes and bold are not asked
    """

    body: float = 0.0
    sizes: tuple[float, ...] = ()
    bold_counts: bool = False
    outlined: tuple[tuple[int, str, int], ...] = ()

    def level(self, page: int, lines: Sequence[Line]) -> int:
        """The level 1..6 of lines that form one block on a page (from 0), or 0."""
        text = " ".join(line.text for line in lines)
        if len(text) > LONGEST or not any(map(str.isalpha, text)):
            return 0
        if self.outlined:
            return self._outlined_level(page, text)
        if lines[0].size in self.sizes:
            return self.sizes.index(lines[0].size) + 1
        if (
            self.bold_counts
            and all(line.bold and len(line.cells) == 1 for line in lines)
            and text[-1] not in _SENTENCE_ENDS
        ):
            return min(len(self.sizes) + 1, DEEPEST)
        return self._named_level(lines)

    def _named_level(self, lines: Sequence[Line]) -> int:
        """Of a short line that calls itself a chapter, section or article, and is not one of a table of contents."""
        text = lines[0].text
        named = _NAMED.match(text)
        if named is None or len(lines) > 1 or len(text) > SHORT or text[-1] in _SENTENCE_ENDS or text[-1].isdigit():
            return 0
        return min(len(self.sizes) + _DEPTHS.get(named[1] or "", 1), DEEPEST)

    def _outlined_level(self, page: int, text: str) -> int:
        key = _squeezed(text)
        for at, title, level in self.outlined:
            # "1.2 Title" stands in the text where the outline says "Title", or the other way round.
            if at == page and (key == title or (len(title) >= 4 and key.endswith(title) and len(key) < len(title) + 9)):
                return level
        return 0


def style_of(pages: Sequence[Sequence[Line]], outline: Iterable[Outlined] = ()) -> Style:
    """The style of a document, from all lines of all pages."""
    weights: Counter[float] = Counter()
    bold = 0
    for line in (line for lines in pages for line in lines):
        weights[line.size] += len(line.text)
        bold += len(line.text) if line.bold else 0
    total = weights.total()
    if not total:
        return Style()
    body = weights.most_common(1)[0][0]
    sizes = [size for size in sorted(weights, reverse=True) if size >= body * LARGER and weights[size] < total * RARER]
    return Style(body, tuple(sizes[:DEEPEST]), bold < total * 0.2, _found(pages, outline))


def _found(pages: Sequence[Sequence[Line]], outline: Iterable[Outlined]) -> tuple[tuple[int, str, int], ...]:
    """The outline, if at least half of its entries stand as lines on their pages; else nothing."""
    entries = [(entry.page, _squeezed(entry.title), min(entry.level, DEEPEST)) for entry in outline]
    entries = [entry for entry in entries if entry[1] and 0 <= entry[0] < len(pages)]
    if len(entries) < 3:
        return ()
    texts = {page: "\n".join(_squeezed(line.text) for line in pages[page]) for page in {entry[0] for entry in entries}}
    there = sum(title in texts[page] for page, title, _ in entries)
    return tuple(entries) if there * 2 >= len(entries) else ()


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold()
