"""Word documents (DOCX): opened by python-docx, the body walked by wordml.

The format knows no pages before it is drawn, so `page` is None. Headers and footers come once, at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.documents.readers.outline import with_guessed_headings
from backend.documents.readers.packages import named, package, properties, tree
from backend.documents.readers.wordml import Item, Style, W, Walk, numbered, outline, value
from backend.documents.readers.wordnumbers import Numbers
from backend.documents.values import Note, Parsed
from backend.errors import BadInput, first_line

if TYPE_CHECKING:
    from docx.document import Document

    from backend.documents.reading.limits import Limits

DEEPEST = 20
"""Styles that a style may be based on in turn; a damaged file may go in circles."""


def read(path: Path, limits: Limits) -> Parsed:
    """Raises BadInput: damaged, locked, or larger inside than the limits allow."""
    with named(path), package(path, limits) as opened:
        title, dated = properties(opened)
        document = load(path)
        numbers = Numbers(next(parts(document, "numbering"), None))
        walk = Walk(styles(document), numbers, dict(noted(document)), limits.cells)
        blocks = list(walk.blocks(document.element.body))
        edges = dict.fromkeys(block for part in parts(document, "header", "footer") for block in walk.blocks(part))
        blocks += (block for block in edges if any(letter.isalpha() for letter in block.text))
        comments = sum(len(part) for part in parts(document, "comments"))
        notes = (Note(name="comments_left_out", details={"count": str(comments)}),) if comments else ()
        return Parsed(title=title, blocks=tuple(with_guessed_headings(blocks)), dated=dated, notes=notes)


def load(path: Path) -> Document:
    from docx import Document as opened
    from docx.opc.exceptions import OpcError

    try:
        return opened(str(path))
    except (OpcError, ValueError, AttributeError) as fault:  # the last two: another Office file, or parts mixed up
        raise BadInput("error.document_damaged", detail=first_line(fault)) from fault


def parts(document: Document, *kinds: str) -> Iterator[Any]:
    """Roots of the parts that the body points at, by the last word of their relationship."""
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.rpartition("/")[2] in kinds:
            yield tree(relation.target_part.blob)


def noted(document: Document) -> Iterator[tuple[tuple[str, str], Any]]:
    """(kind, id) -> element of the notes; the lines that separate them from the text are notes of a `type`."""
    for root in parts(document, "footnotes", "endnotes"):
        for note in root:
            if note.get(f"{W}type") in {None, "normal"}:
                yield (str(note.tag).removeprefix(W), note.get(f"{W}id")), note


def styles(document: Document) -> dict[str, Style]:
    """Paragraph style's id -> what it makes of a paragraph, itself or the styles it is based on; "" is the default."""
    found = {style.get(f"{W}styleId"): style for root in parts(document, "styles") for style in root.iter(f"{W}style")}
    made = {name: resolved(name, found) for name in found}
    for name, style in found.items():
        if style.get(f"{W}default") in {"1", "true"} and style.get(f"{W}type") == "paragraph":
            made[""] = made[name]
    return made


def resolved(name: str, found: dict[str, Any]) -> Style:
    """Built-in styles keep their English name in the file whatever language Word speaks; their ids do not."""
    level, item, contents, listed = None, Item(), False, ""
    style, last = found.get(name), name
    for _ in range(DEEPEST):
        if style is None:
            break
        called = (value(style.find(f"{W}name")) or "").lower()
        contents = contents or re.fullmatch(r"toc \d", called) is not None
        shape = style.find(f"{W}pPr")
        level = outline(shape) if level is None and shape is not None else level
        if shape is not None and (own := numbered(shape)) != Item() and item.name is None:
            item, listed = Item(own.name, own.depth if item.depth is None else item.depth), last
        if level is None and (called == "title" or (heading := re.fullmatch(r"heading (\d)", called))):
            level = 1 if called == "title" else int(heading[1] if heading else 1)
        last = value(style.find(f"{W}basedOn")) or ""
        style = found.get(last)
    return Style(level or 0, item, contents, listed)
