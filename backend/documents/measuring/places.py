"""Places in a document's text: found from a quote or a page, and which passages hold them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from backend.documents.values import Laid, Parsed, Passage

ENOUGH: Final = 0.5
"""A passage that shares a few letters with a place, as overlapping ones do, does not hold it."""
QUOTES: Final = str.maketrans("“”„‘’`–—", "\"\"\"'''--")


class Place(NamedTuple):
    """What answers a question: text[start:end] of a document's laid text."""

    document_id: int
    start: int
    end: int


def find_quote(text: str, quote: str, within: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Where a quote stands: as it is, else whatever its blanks, capitals and quotation marks are; None: nowhere.

    within  offsets to look in; where it is not found there, the whole text is looked through
    """
    wanted = unicodedata.normalize("NFC", quote).strip()
    if not wanted:
        return None
    low, high = within or (0, len(text))
    at = text.find(wanted, low, high)
    if at < 0 and within is not None:
        at = text.find(wanted)
    if at >= 0:
        return at, at + len(wanted)
    found = _squeezed_find(text, low, high, wanted)
    return found if found is not None or within is None else _squeezed_find(text, 0, len(text), wanted)


def _squeezed_find(text: str, low: int, high: int, wanted: str) -> tuple[int, int] | None:
    """Offsets of `wanted` in text[low:high], blanks left out of both."""
    signs, offsets = [], []
    for at in range(low, high):
        if not text[at].isspace():
            signs.append(_plain(text[at]))
            offsets.append(at)
    sought = "".join(_plain(sign) for sign in wanted if not sign.isspace())
    found = "".join(signs).find(sought)
    return None if found < 0 or not sought else (offsets[found], offsets[found + len(sought) - 1] + 1)


def _plain(sign: str) -> str:
    """One sign for one sign, so that offsets stay true."""
    small = sign.lower().translate(QUOTES)
    return small if len(small) == 1 else sign


def page_span(parsed: Parsed, laid: Laid, page: int) -> tuple[int, int] | None:
    """The text of a page; None when nothing was read on it."""
    spans = [span for block, span in zip(parsed.blocks, laid.spans, strict=True) if block.page == page]
    return (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None


def holders(passages: Sequence[Passage], place: Place) -> frozenset[str]:
    """Ids of the passages of the place's document that hold it.

    A passage holds a place when it has at least half of it, or lies at least half within it. When a place is cut so
    that none does, those with the most of it.
    """
    shared = {
        passage: min(passage.end, place.end) - max(passage.start, place.start)
        for passage in passages
        if passage.document_id == place.document_id
    }
    touching = {passage: length for passage, length in shared.items() if length > 0}
    whole = place.end - place.start
    good = {one for one, length in touching.items() if length >= ENOUGH * min(whole, one.end - one.start)}
    if not good and touching:
        most = max(touching.values())
        good = {one for one, length in touching.items() if length == most}
    return frozenset(one.id for one in good)
