"""Headings of documents that have none: lines that look like the headings of Korean official and legal writing.

Many real Hangul and Word documents set no outline level anywhere and write "제1장 총칙", "Ⅱ. 추진 배경" or
"1. 개정이유" as plain paragraphs. Such a line is taken for a heading only if the document has no real one, if it is
short and no sentence, and if something else than its like stands around it (a run of such lines is a list).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from backend.documents.values import Block

RANKS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        r"제\s*\d+\s*편\s",
        r"제\s*\d+\s*장(?=\s)",
        r"제\s*\d+\s*절(?=\s)",
        r"제\s*\d+\s*관(?=\s)",
        r"(?:[Ⅰ-Ⅻ]|[IVX]{1,4})\s*\.\s",
        r"제\s*\d+\s*조(?:의\s*\d+)?(?=\s|\()",
        r"\d{1,2}(?:\.\d{1,2})*\.?\s(?=\S*[가-힣A-Za-z])",
        r"[가-하]\.\s",
    )
)
"""Outermost first."""
OF_LAWS = {at for at, pattern in enumerate(RANKS) if pattern.pattern.startswith("제")}
LONGEST = 60
SENTENCE = re.compile(r"(?:[.,:;?!。]|다|요|음|함|됨|임|까)$")


def rank(text: str) -> int | None:
    """Which kind of numbering a line begins with, where it could be a heading."""
    line = text.strip()
    if "\n" in line or len(line) > LONGEST or SENTENCE.search(line):
        return None
    return next((at for at, pattern in enumerate(RANKS) if pattern.match(line)), None)


def ranked(block: Block) -> int | None:
    """Of an item of a list only the numbering of laws counts: "제1조" is a heading though a list made the number."""
    found = rank(block.text) if block.kind in {"paragraph", "list"} else None
    return found if block.kind == "paragraph" or found in OF_LAWS else None


def with_guessed_headings(blocks: Sequence[Block]) -> list[Block]:
    """The same blocks, lines that look like headings made headings; unchanged where the document tells its own."""
    if any(block.kind == "heading" for block in blocks):
        return list(blocks)
    ranks = [ranked(block) for block in blocks]
    heads = headings(ranks)
    levels = {at: level for level, at in enumerate(sorted({at for at in heads if at is not None}), 1)}
    return [
        block if at is None else block.model_copy(update={"kind": "heading", "level": min(levels[at], 6)})
        for block, at in zip(blocks, heads, strict=True)
    ]


def headings(ranks: Sequence[int | None]) -> list[int | None]:
    """The ranks that are headings: something else follows, and something else stands before or the rank is proven."""
    if not ranks:
        return []
    before, after = [None, *ranks[:-1]], [*ranks[1:], None]
    clear = [at if at not in {None, was, comes} else None for was, at, comes in zip(before, ranks, after, strict=True)]
    clear[-1:] = [None]  # nothing follows the last line
    proven = {at for at, times in Counter(clear).items() if at is not None and times > 1}
    last = len(ranks) - 1
    return [
        sure if sure is not None else at if at in proven and at != comes and place != last else None
        for place, (sure, at, comes) in enumerate(zip(clear, ranks, after, strict=True))
    ]
