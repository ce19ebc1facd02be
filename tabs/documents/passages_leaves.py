"""A document's text in leaves: its own pages where it has them, else pieces of a readable length. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from backend.documents.values import Laid, Parsed, Passage

LONGEST: Final = 9_000
"""Characters on one leaf. A longer page goes on over several: ten megabytes in one line are a page too."""


@dataclass(frozen=True)
class Leaf:
    """What is looked at in one go: text[start:end]; `part` of `parts` where one page fills several leaves, from 1."""

    page: int | None
    start: int
    end: int
    part: int = 1
    parts: int = 1


@dataclass(frozen=True)
class Piece:
    """A run of characters that the same passages hold: text[start:end], `holders` their numbers in order.

    opens  the passages that begin here
    """

    start: int
    end: int
    holders: tuple[int, ...]
    opens: tuple[int, ...]


def leaves(parsed: Parsed, laid: Laid) -> list[Leaf]:
    """All leaves of a document, in reading order; none of an empty one."""
    found: list[Leaf] = []
    for page, spans in _pages(parsed, laid):
        cuts = _cuts(spans)
        starts = [spans[0][0], *cuts]
        ends = [*cuts, spans[-1][1]]
        parts = len(starts)
        found += [
            Leaf(page, start, end, part, parts)
            for part, (start, end) in enumerate(zip(starts, ends, strict=True), start=1)
        ]
    return found


def _pages(parsed: Parsed, laid: Laid) -> list[tuple[int | None, list[tuple[int, int]]]]:
    """The spans of the blocks, page by page. A block that does not say its page stands on the one before it."""
    pages: list[tuple[int | None, list[tuple[int, int]]]] = []
    for block, span in zip(parsed.blocks, laid.spans, strict=True):
        if not pages or (block.page is not None and block.page != pages[-1][0]):
            pages.append((block.page, []))
        pages[-1][1].append(span)
    return pages


def _cuts(spans: Sequence[tuple[int, int]]) -> list[int]:
    """Where a page that is too long goes on: between two blocks if it can be, else within one."""
    cuts, begun = [], spans[0][0]
    for start, end in spans:
        if end - begun > LONGEST and start > begun:
            cuts.append(start)
            begun = start
        while end - begun > LONGEST:
            begun += LONGEST
            cuts.append(begun)
    return cuts


def leaf_at(found: Sequence[Leaf], offset: int) -> int:
    """The index of the leaf that holds this character; the last one before it when it stands between two."""
    before = [number for number, leaf in enumerate(found) if leaf.start <= offset]
    return before[-1] if before else 0


def cut_of(parsed: Parsed, laid: Laid, leaf: Leaf, cut: Callable[[Parsed, Laid], Sequence[Passage]]) -> list[Passage]:
    """The passages of one leaf, cut as if it were the whole document; offsets count in the whole text."""
    both = zip(parsed.blocks, laid.spans, strict=True)
    here = [(block, span) for block, span in both if span[0] < leaf.end and span[1] > leaf.start]
    if not here:
        return []
    start, end = here[0][1][0], here[-1][1][1]
    part = parsed.model_copy(update={"blocks": tuple(block for block, _ in here)})
    spans = tuple((left - start, right - start) for _, (left, right) in here)
    found = cut(part, Laid(text=laid.text[start:end], spans=spans))
    return [one.model_copy(update={"start": one.start + start, "end": one.end + start}) for one in found]


def pieces(start: int, end: int, passages: Sequence[Passage]) -> list[Piece]:
    """text[start:end] cut wherever a passage begins or ends. Passages may overlap; what none holds has no holders."""
    here = [one for one in passages if one.start < end and one.end > start]
    borders = {start, end, *(one.start for one in here), *(one.end for one in here)}
    at = sorted(border for border in borders if start <= border <= end)
    return [
        Piece(
            left,
            right,
            tuple(one.number for one in here if one.start <= left and one.end >= right),
            tuple(one.number for one in here if one.start == left),
        )
        for left, right in pairwise(at)
    ]
