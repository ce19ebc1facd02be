"""Which words of a passage the question asked for, and the stretch of a passage that shows most of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final

from backend.documents.index.analysis import keywords, tokens

RUN: Final = re.compile(r"[가-힣]+|[^\W_가-힣]+")
EXCERPT: Final = 260
"""Characters of a passage that stand on a card; the whole opens below."""

Spans = Sequence[tuple[int, int]]


def found_words(text: str, question: str) -> list[tuple[int, int]]:
    """Where a text holds the question's words, in order.

    English by stems, as BM25 counts. Korean by what is written alike from its beginning, two syllables at least, since
    endings and particles cling to it: of "보상합니까" and "보상한다" it is "보상".
    """
    asked = keywords(question)
    korean = [word for word in asked if _is_korean(word)]
    stems = set(tokens(" ".join(word for word in asked if not _is_korean(word))))
    known: dict[str, tuple[int, int] | None] = {}
    found = []
    for run in RUN.finditer(text):
        word = run.group().lower()
        if word not in known:
            known[word] = _korean(word, korean) if _is_korean(word) else _stemmed(word, stems)
        at = known[word]
        if at is not None:
            found.append((run.start() + at[0], run.start() + at[1]))
    return found


def _is_korean(word: str) -> bool:
    return "가" <= word[:1] <= "힣"


def _stemmed(word: str, stems: set[str]) -> tuple[int, int] | None:
    return (0, len(word)) if stems.intersection(tokens(word)) else None


def _korean(word: str, asked: Sequence[str]) -> tuple[int, int] | None:
    """The longest stretch of a word that the question holds."""
    best: tuple[int, int] | None = None
    for one in asked:
        at = word.find(one)
        if at >= 0 and (len(one) > 1 or word == one):
            span = (at, at + len(one))
        else:
            same = _alike(word, one)
            if same < 2:
                continue
            span = (0, same)
        if best is None or span[1] - span[0] > best[1] - best[0]:
            best = span
    return best


def _alike(word: str, other: str) -> int:
    """How many characters the two have in common from their beginning."""
    return next(
        (at for at, (one, two) in enumerate(zip(word, other, strict=False)) if one != two), len(word[: len(other)])
    )


def closed_up(html: str) -> str:
    """Without empty lines, which would make a card twice as high."""
    return re.sub(r"\n\s*\n", "\n", html)


def excerpt(text: str, spans: Spans, longest: int = EXCERPT) -> tuple[int, int]:
    """(start, end) of the stretch that holds most of the marks; the beginning when there are none."""
    if len(text) <= longest:
        return 0, len(text)
    best, most = 0, 0
    for start, _ in spans:
        held = sum(1 for left, right in spans if left >= start and right <= start + longest)
        if held > most:
            best, most = start, held
    lead = max(0, best - longest // 6)
    start = _word_border(text, lead) if lead else 0
    return start, min(len(text), start + longest)


def _word_border(text: str, at: int) -> int:
    """The next beginning of a word, if it is near."""
    near = re.compile(r"\s\S").search(text, max(0, at - 1), at + 30)
    return near.start() + 1 if near else at


def marked(text: str, spans: Spans, start: int = 0, end: int | None = None) -> str:
    """text[start:end] as HTML with the spans marked; an ellipsis where something is left out."""
    stop = len(text) if end is None else end
    drawn, at = ["… " if start else ""], start
    for left, right in spans:
        left, right = max(left, at), min(right, stop)
        if left < right:
            drawn += [escape(text[at:left]), f"<mark>{escape(text[left:right])}</mark>"]
            at = right
    drawn += [escape(text[at:stop]), " …" if stop < len(text) else ""]
    return "".join(drawn)
