"""Places in a document's text: found from a quote or a page, found again after it changed; which passages hold them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from backend.documents.values import Laid, Parsed, Passage

if TYPE_CHECKING:
    from backend.documents.shelf.store import Document
    from backend.projects.folder import Project

ENOUGH: Final = 0.5
"""A passage that shares a few letters with a place, as overlapping ones do, does not hold it."""
QUOTES: Final = str.maketrans("“”„‘’`–—", "\"\"\"'''--")


QUOTE_LIMIT: Final = 1_000
SURE: Final = 6
"""Letters of a quote that stands in a text several times and is still looked for: "10" is everywhere."""


class Place(NamedTuple):
    """What answers a question: text[start:end] of a document's laid text.

    quote  what stands there (of a longer place its beginning), by which it is found again in a new version of the
           document; "" where nobody kept it. A place that was not found again is lost: start and end are 0.
    """

    document_id: int
    start: int
    end: int
    quote: str = ""

    @property
    def lost(self) -> bool:
        return self.end == 0

    def quoted(self, text: str) -> Place:
        """With the words that stand there."""
        return self._replace(quote=text[self.start : self.end][:QUOTE_LIMIT])


class Refound(NamedTuple):
    """What became of the places in a document that was read anew, counted."""

    same: int = 0
    moved: int = 0
    lost: int = 0


def refind(project: Project, document: Document) -> Refound:
    """Look for the places in a document again, by their quotes; for whoever has read it anew, before it is searched.

    Cheap where no question is about it. Raises NotFound("error.documents_not_read") when there is no text of it.
    """
    if not project.questions.about(document.id):
        return Refound()
    text = project.documents.laid(document).text
    before, after = project.questions.move(document.id, lambda place: found_again(text, place))
    lost = sum(place.lost for place in after)
    same = sum(old[:3] == new[:3] and not new.lost for old, new in zip(before, after, strict=True))
    return Refound(same, len(after) - same - lost, lost)


def found_again(text: str, place: Place) -> Place:
    """The place in another version of its text: where its quote stands, of several the nearest; else it is lost.

    One whose words nobody kept stays where it is as long as the text is that long.
    """
    if not place.quote:
        return place if place.end <= len(text) else Place(place.document_id, 0, 0)
    if not place.lost and place.quoted(text).quote == place.quote:
        return place
    found = _nearest(text, place.quote, place.start)
    if found is None:
        return Place(place.document_id, 0, 0, place.quote)
    cut_off = place.end - place.start > QUOTE_LIMIT
    end = min(len(text), found[0] + place.end - place.start) if cut_off else found[1]
    return Place(place.document_id, found[0], end).quoted(text)


def _nearest(text: str, quote: str, at: int) -> tuple[int, int] | None:
    """Of a quote that stands there several times, the one nearest to an offset; None: nowhere, or too short to tell."""
    starts, start = [], text.find(quote)
    while start >= 0:
        starts.append(start)
        start = text.find(quote, start + 1)
    if not starts:
        return find_quote(text, quote)
    if len(starts) > 1 and len(quote) < SURE:
        return None
    nearest = min(starts, key=lambda one: abs(one - at))
    return nearest, nearest + len(quote)


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
