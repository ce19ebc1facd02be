"""Lines joined to running text: whether a blank belongs between two of them.

Latin words divided at the end of a line are marked by PDFium. Korean is set with lines ending anywhere in a word, or
between words only, and many programs leave no trace of which it was. So the document's own words are asked: when the
two halves stand elsewhere as one word, they are one; when both stand as words of their own, they are two. Where that
says nothing, it goes as most of the document does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from backend.documents.readers.pdf_lines import Line

_HANGUL = re.compile(r"[가-힣]")
_EDGES = "\"'“”‘’()[]{}<>「」『』〈〉《》.,;:!?·…"
FEW = 3


@dataclass(frozen=True)
class Joining:
    """What a document tells: the words within its lines, and whether its lines mostly end within words."""

    words: frozenset[str] = frozenset()
    tight: bool = False

    @classmethod
    def of(cls, pages: Sequence[Sequence[Line]]) -> Joining:
        """Learnt from all lines of a document."""
        lines = [line for page in pages for line in page]
        words = frozenset(word.strip(_EDGES) for line in lines for word in line.text.split()[1:-1])
        ends = [line.spaced for line in lines if _HANGUL.match(line.text[-1])]
        if len(ends) > FEW and 0.15 <= sum(ends) / len(ends) <= 0.9:
            return cls(words, tight=True)  # blanks are kept where words end: elsewhere none belongs
        known = cls(words)
        votes = [known._votes(one, other) for page in pages for one, other in pairwise(page)]
        return cls(words, tight=votes.count(True) > max(votes.count(False), FEW))

    def joined(self, lines: Iterable[Line]) -> str:
        """One text of the lines of a paragraph."""
        text, before = "", None
        for line in lines:
            if before is None:
                text = line.text
            else:
                text += line.text if self._together(before, line) else " " + line.text
            before = line
        return text

    def _together(self, before: Line, line: Line) -> bool:
        if before.divided or before.spaced or not _meet_in_hangul(before, line):
            return before.divided
        told = self._votes(before, line)
        return self.tight if told is None else told

    def _votes(self, before: Line, line: Line) -> bool | None:
        """Whether the last word of one line and the first of the next are one; None where the document cannot tell."""
        if before.spaced or before.divided or not _meet_in_hangul(before, line):
            return None
        tail, head = before.text.split()[-1].strip(_EDGES), line.text.split()[0].strip(_EDGES)
        if tail + head in self.words:
            return True
        return False if tail in self.words and head in self.words else None


def _meet_in_hangul(before: Line, line: Line) -> bool:
    return bool(_HANGUL.match(before.text[-1]) and _HANGUL.match(line.text[0]))
