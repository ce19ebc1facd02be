"""A document in, its passages out."""

from __future__ import annotations

from backend.documents.languages import language_of
from backend.documents.splitting.packing import Packed, Packer, groups
from backend.documents.splitting.settings import SplitSettings
from backend.documents.splitting.units import Count, Cutter
from backend.documents.values import Laid, Parsed, Passage, lay


def split(parsed: Parsed, laid: Laid, settings: SplitSettings, count: Count, document_id: int = 0) -> list[Passage]:
    """Cut a document, laid by `lay(parsed)`; every sign of its text that is no blank is in a passage.

    count  tokens of a text, as the index's embedding model counts them
    A passage starts at a heading, a slide, a sheet or a table that does not fit into one; its `headings` are those that
    its text stands under, and of a table's later pieces the row that names the columns besides. Paragraphs are whole
    where they fit, then sentences, then words. `tokens` is at most `settings.size`, its headings not counted.
    """
    cutter = Cutter(parsed, laid, settings.size, count)
    packer = Packer(laid.text, settings, cutter)
    packed = (found for group in groups(cutter.units()) for found in packer.pack(group))
    return [_passage(laid, found, number, document_id) for number, found in enumerate(packed)]


def preview(parsed: Parsed, settings: SplitSettings, count: Count) -> list[Passage]:
    """How a document would be cut, to look at before an index is made anew."""
    return split(parsed, lay(parsed), settings, count)


def _passage(laid: Laid, found: Packed, number: int, document_id: int) -> Passage:
    text = laid.text[found.start : found.end]
    return Passage(
        document_id=document_id,
        number=number,
        text=text,
        start=found.start,
        end=found.end,
        page=found.first.page,
        page_end=found.last.page,
        headings=found.body.path,
        tokens=found.tokens,
        language=language_of(text),
    )
