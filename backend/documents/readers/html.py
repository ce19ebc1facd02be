"""HTML by lxml: text, headings, lists and tables in their order. Nothing is run and nothing is fetched.

The letters are decoded before lxml sees them: told `charset=euc-kr` it stops at the first letter that only CP949 has,
and drops the rest without a word.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from backend.documents.readers.html_walk import SCRIPTS, Walk
from backend.documents.readers.packages import day
from backend.documents.readers.text import text_of
from backend.documents.reading.limits import Limits
from backend.documents.values import Block, Note, Parsed
from backend.errors import BadInput

DECLARED: Final = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
DATES: Final = frozenset(
    {"article:published_time", "date", "dc.date", "dc.date.issued", "dcterms.created", "dcterms.date", "datepublished"}
)


def read(path: Path, limits: Limits) -> Parsed:
    with path.open("rb") as file:
        declared = DECLARED.search(file.read(4096))
    text, notes = text_of(path, declared.group(1).decode("ascii", "replace") if declared else None)
    root = parsed(text)
    if root is None:
        return Parsed(blocks=(), notes=notes)
    blocks, more = _blocks(root)
    title = " ".join((root.findtext(".//title") or "").split())
    title = title or next((block.text for block in blocks if block.kind == "heading"), "")
    return Parsed(title=title, blocks=tuple(blocks), dated=_dated(root), notes=(*notes, *more))


def blocks_of(text: str) -> tuple[list[Block], list[Note]]:
    """The blocks of a page or a piece of one, and notes of what was left out."""
    root = parsed(text)
    return _blocks(root) if root is not None else ([], [])


def parsed(text: str) -> Any:
    """The root element; None where there is no element at all.

    lxml drops what is nested deeper than 255 elements, told to take much 2,048, and says so in its log only.
    Raises BadInput("error.document_nested").
    """
    from lxml import html
    from lxml.etree import ErrorTypes, ParserError

    # A declaration of an encoding that is no longer true is refused or believed; neither is wanted.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True, no_network=True)
    try:
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except ParserError:
        return None
    if any(entry.type == ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise BadInput("error.document_nested")
    return root


def _blocks(root: Any) -> tuple[list[Block], list[Note]]:
    blocks = Walk(root).blocks()
    counts = {
        "scripts_left_out": sum(1 for _ in root.iter(*SCRIPTS)),
        "images_left_out": sum(1 for _ in root.iter("img", "picture", "video", "audio")),
    }
    return blocks, [Note(name=name, details={"count": str(count)}) for name, count in counts.items() if count]


def _dated(root: Any) -> str | None:
    for meta in root.iter("meta"):
        name = meta.get("name") or meta.get("property") or meta.get("itemprop") or ""
        if name.lower() in DATES and (found := day(meta.get("content"))):
            return found
    return None
