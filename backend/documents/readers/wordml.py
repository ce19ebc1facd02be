"""The body of a Word document (WordprocessingML, ECMA-376 part 1, 17) as blocks in reading order.

The tree is walked here because python-docx's own `paragraphs` and `text` leave out text boxes, content controls,
equations, nested tables and inserted text, all of which a reader sees. Deleted and moved-away text is left out.
Numbers of headings and list items, which Word makes when it draws a page, are counted along (wordnumbers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from backend.documents.readers.grid import Cell, is_frame, placed, table
from backend.documents.readers.wordnumbers import Numbers
from backend.documents.values import Block

Element = Any
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

WRAPS = {f"{W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag")}
NOT_SAID = {f"{W}{name}" for name in ("del", "moveFrom", "txbxContent", "pPr", "rPr")} | {f"{MC}Fallback"}
STANDS_FOR = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
WRITTEN_BEFORE = {f"{M}den": "/", f"{M}sup": "^", f"{M}sub": "_"}
"""Of an equation on one line: 10⁻⁶ must not read as 10-6."""
REFERENCES = {f"{W}footnoteReference": "footnote", f"{W}endnoteReference": "endnote"}


class Item(NamedTuple):
    """A place in a list: `name` "0" takes a paragraph out of its list, None says nothing; `depth` from 0."""

    name: str | None = None
    depth: int | None = None


class Style(NamedTuple):
    """What a paragraph style says of a paragraph. `level` 0: no heading."""

    level: int = 0
    item: Item = Item()
    contents: bool = False
    """A line of a table of contents: the headings over again, with page numbers."""
    listed: str = ""
    """Id of the style, its own or one it is based on, that put it into a list."""


PLAIN = Style()


class Walk:
    """Goes through the parts of one document.

    styles   style's id -> Style
    numbers  counts along with the paragraphs
    notes    ("footnote" | "endnote", id) -> the note's element; a note is read after the paragraph that points at it
    """

    def __init__(
        self,
        styles: Mapping[str, Style],
        numbers: Numbers,
        notes: Mapping[tuple[str, str], Element],
        most_cells: int,
    ) -> None:
        self.styles = styles
        self.numbers = numbers
        self.notes = dict(notes)
        self.most_cells = most_cells

    def blocks(self, container: Element) -> Iterator[Block]:
        for child in container:
            if child.tag == f"{W}p":
                yield from self.paragraph(child)
            elif child.tag == f"{W}tbl":
                yield from self.table(child)
            elif child.tag in WRAPS:
                yield from self.blocks(child)

    def paragraph(self, paragraph: Element) -> Iterator[Block]:
        style = self.style(paragraph)
        words = "".join(said(paragraph)).strip()
        depth, label = self.place(style)
        if words and not style.contents:
            words = f"{label} {words}" if label else words
            if style.level:
                yield Block(kind="heading", text=" ".join(words.split()), level=min(style.level, 6))
            else:
                yield Block(kind="list" if depth else "paragraph", text=words, level=min(depth, 9))
        for box in boxes(paragraph):
            yield from self.blocks(box)
        for reference in paragraph.iter(*REFERENCES):
            note = self.notes.pop((REFERENCES[reference.tag], reference.get(f"{W}id")), None)
            if note is not None:
                yield from self.blocks(note)

    def style(self, paragraph: Element) -> Style:
        """The paragraph's own words about itself before those of its style."""
        own = paragraph.find(f"{W}pPr")
        if own is None:
            return self.styles.get("", PLAIN)
        named = self.styles.get(value(own.find(f"{W}pStyle")) or "", PLAIN)
        level, item = outline(own), numbered(own)
        name = named.item.name if item.name is None else item.name
        depth = named.item.depth if item.depth is None and item.name is None else item.depth
        return named._replace(level=named.level if level is None else level, item=Item(name, depth))

    def place(self, style: Style) -> tuple[int, str]:
        """(depth from 1, number) of a paragraph's place in its list; (0, "") of one in none. Counts it."""
        name, depth = style.item
        if name is None or name == "0":
            return 0, ""
        depth = self.numbers.depth_of(name, style.listed) if depth is None else depth
        return depth + 1, self.numbers.label(name, depth)

    def table(self, element: Element) -> Iterator[Block]:
        """A table with its merged cells; one that only frames or arranges paragraphs is read as those."""
        laid: list[Cell] = []
        inside: list[list[Block]] = []
        above: dict[int, int] = {}  # column -> place in `laid` of the cell that reaches down in it
        for row, tr in enumerate(rows(element)):
            column = number(tr.find(f"{W}trPr/{W}gridBefore"), 0)
            for tc in within(tr, f"{W}tc"):
                if continues(tc) and column in above:
                    top = laid[above[column]]
                    laid[above[column]] = top._replace(rows=row - top.row + 1)
                else:
                    above[column] = len(laid)
                    inside.append(list(self.blocks(tc)))
                    laid.append(Cell(row, column, "\n".join(block.text for block in inside[-1])))
                column += number(tc.find(f"{W}tcPr/{W}gridSpan"), 1)
        if is_frame([(cell.column, blocks) for cell, blocks in zip(laid, inside, strict=True)]):
            yield from (block for blocks in inside for block in blocks)
            return
        made = table(placed(laid, self.most_cells))
        if made is not None:
            yield made


def said(element: Element) -> Iterator[str]:
    """The words of a paragraph, equations in their place; not those of boxes that hang on it."""
    for child in element:
        if child.tag in NOT_SAID:
            continue
        if child.tag in {f"{W}t", f"{M}t"}:
            yield child.text or ""
        elif child.tag in STANDS_FOR:
            yield STANDS_FOR[child.tag]
        else:
            words = "".join(said(child))
            yield WRITTEN_BEFORE.get(child.tag, "") + words if words else ""


def boxes(element: Element) -> Iterator[Element]:
    """Contents of the text boxes of a paragraph, each once (older Words' copy in mc:Fallback is passed over)."""
    for child in element:
        if child.tag == f"{W}txbxContent":
            yield child
        elif child.tag not in {f"{MC}Fallback", f"{W}del", f"{W}moveFrom"}:
            yield from boxes(child)


def rows(element: Element) -> Iterator[Element]:
    return (row for row in within(element, f"{W}tr") if row.find(f"{W}trPr/{W}del") is None)


def within(element: Element, tag: str) -> Iterator[Element]:
    """Children of one kind, also those in content controls."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in WRAPS:
            yield from within(child, tag)


def value(element: Element | None) -> str | None:
    found = None if element is None else element.get(f"{W}val")
    return None if found is None else str(found)


def number(element: Element | None, otherwise: int) -> int:
    written = value(element) or ""
    return int(written) if written.isascii() and written.isdigit() and len(written) < 6 else otherwise


def continues(tc: Element) -> bool:
    merge = tc.find(f"{W}tcPr/{W}vMerge")
    return merge is not None and value(merge) != "restart"


def outline(properties: Element) -> int | None:
    """Heading level from 1 that `properties` set; 0 for "body text"; None where they say nothing."""
    mark = properties.find(f"{W}outlineLvl")
    if mark is None:
        return None
    level = number(mark, 9)
    return level + 1 if level < 9 else 0


def numbered(properties: Element) -> Item:
    """The place in a list that `properties` set."""
    mark = properties.find(f"{W}numPr")
    if mark is None:
        return Item()
    depth = mark.find(f"{W}ilvl")
    return Item(value(mark.find(f"{W}numId")), None if depth is None else number(depth, 0))
