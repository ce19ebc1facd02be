"""The tree of a Hangul document (OWPML, KS X 6101) as blocks in reading order.

HWP 5 and HWPX are one tree after python-hwpx opened them. The tree is walked here, not asked for its text: the
library's `paragraph.text` is empty where the words stand in a text box, and rows of converted HWP tables are not
always grouped right, so a cell stands where its `cellAddr` says. Deleted text of tracked changes is left out.
Numbers of headings and list items, which Hangul makes when it draws a page, are counted along (owpmlnumbers).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from backend.documents.readers.grid import Cell, is_frame, placed, table
from backend.documents.readers.owpmlnumbers import Numbers, whole
from backend.documents.values import Block, BlockKind

Element = Any
"""lxml's element: its stubs are not installed."""

STANDS_FOR = {"tab": "\t", "lineBreak": "\n", "nbSpace": " ", "fwSpace": " ", "hyphen": "-"}
BOXES = {"rect", "ellipse", "polygon", "arc", "curve", "container", "pic", "ole", "connectLine", "line", "textart"}
NOTES = {"footNote", "endNote"}
EDGES = {"header", "footer"}


def local(element: Element) -> str:
    """The name of an element without its namespace ("" of comments and instructions)."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


class Mark(NamedTuple):
    """What a paragraph's shape says it is: OUTLINE, NUMBER or BULLET, of which list, at which level from 1."""

    kind: str
    list: str
    level: int


def marks(headers: Iterable[Element]) -> dict[str, Mark]:
    """Paragraph shape's id -> its mark, of the shapes that have one."""
    return {
        shape.get("id"): Mark(mark.get("type"), mark.get("idRef") or "", whole(mark.get("level")) + 1)
        for header in headers
        for shape in header.iter()
        if local(shape) == "paraPr"
        for mark in shape
        if local(mark) == "heading" and mark.get("type") in {"OUTLINE", "NUMBER", "BULLET"}
    }


class Walk:
    """Goes through one document once: it carries what lasts longer than a paragraph.

    `edges` collects headers and footers, which stand in the file where they were set and not where they are read.
    """

    def __init__(self, shapes: Mapping[str, Mark], numbers: Numbers, most_cells: int) -> None:
        self.shapes = shapes
        self.numbers = numbers
        self.outline = ""
        self.most_cells = most_cells
        self.deleting = 0
        self.edges: list[Block] = []

    def section(self, section: Element) -> Iterator[Block]:
        """A section says which list its headings count in."""
        own = next(section.iter("{*}secPr"), None)
        self.outline = (own.get("outlineShapeIDRef") if own is not None else None) or self.outline
        yield from self.blocks(child for child in section if local(child) == "p")

    def blocks(self, paragraphs: Iterable[Element], kind: BlockKind = "paragraph") -> Iterator[Block]:
        for paragraph in paragraphs:
            if local(paragraph) == "p":
                yield from self.paragraph(paragraph, kind)

    def paragraph(self, paragraph: Element, kind: BlockKind) -> Iterator[Block]:
        """Its own text, apart where a table stands in it; then what hangs on it: boxes, captions, notes."""
        mark = self.shapes.get(paragraph.get("paraPrIDRef")) if kind == "paragraph" else None
        text, later = self.label(mark), list[Block]()
        bare = text  # a number without words is not said
        for part in (part for run in paragraph if local(run) == "run" for part in run):
            if local(part) == "tbl":
                if text.strip() != bare.strip():
                    yield from said(text, kind, mark)
                    text = bare = ""
                yield from self.table(part)
                later += self.below(part, only="caption")
            else:
                text += self.inline(part)
                later += self.hanging(part)
        if text.strip() != bare.strip():
            yield from said(text, kind, mark)
        yield from later

    def label(self, mark: Mark | None) -> str:
        """The number of a paragraph and a blank after it; counted once for each paragraph, with words or without."""
        if mark is None or mark.kind == "BULLET":
            return ""
        number = self.numbers.label(self.outline if mark.kind == "OUTLINE" else mark.list, mark.level)
        return f"{number} " if number else ""

    def inline(self, part: Element) -> str:
        """The words that stand in the line itself."""
        name = local(part)
        if name == "t":
            return self.text(part)
        if name == "equation":
            return " ".join("".join(script.itertext()) for script in part if local(script) == "script")
        if name == "dutmal":  # ruby: the words, and what stands small above them
            return " ".join("".join(piece.itertext()) for piece in part if local(piece) in {"mainText", "subText"})
        return str(part.get("composeText") or "") if name == "compose" else ""

    def text(self, element: Element) -> str:
        """A `t`'s words; what was deleted under tracked changes is left out, from mark to mark across runs."""
        said = "" if self.deleting else element.text or ""
        for child in element:
            name = local(child)
            if name == "deleteBegin":
                self.deleting += 1
            elif name == "deleteEnd":
                self.deleting = max(0, self.deleting - 1)
            if not self.deleting:
                said += STANDS_FOR.get(name, "") + (child.tail or "")
        return said

    def hanging(self, part: Element) -> list[Block]:
        """Blocks of what hangs on a place in the line: boxes and pictures, notes; headers and footers go to `edges`."""
        name = local(part)
        if name in BOXES or name == "equation":
            return list(self.below(part))
        found: list[Block] = []
        for control in part if name == "ctrl" else ():
            if local(control) in NOTES:
                found += self.below(control)
            elif local(control) in EDGES:
                self.edges += (block for block in self.below(control) if block not in self.edges)
        return found

    def below(self, element: Element, kind: BlockKind = "paragraph", only: str = "") -> Iterator[Block]:
        """Blocks of the lists of paragraphs below an element, those in a caption as captions."""
        for child in element:
            name = local(child)
            if name == "subList":
                yield from self.blocks(child, kind)
            elif name != "parameters" and (not only or name == only):
                yield from self.below(child, "caption" if name == "caption" else kind)

    def table(self, element: Element) -> Iterator[Block]:
        """A table by the addresses of its cells; one that only frames or arranges paragraphs is read as those."""
        found = [
            (address(cell), [block for part in cell if local(part) == "subList" for block in self.blocks(part)])
            for row in element
            if local(row) == "tr"
            for cell in row
            if local(cell) == "tc"
        ]
        if is_frame([(place.column, blocks) for place, blocks in found]):
            for _, blocks in sorted(found, key=lambda one: one[0][:2]):
                yield from blocks
            return
        cells = [place._replace(text="\n".join(block.text for block in blocks)) for place, blocks in found]
        made = table(placed(cells, self.most_cells))
        if made is not None:
            yield made


def said(text: str, kind: BlockKind, mark: Mark | None) -> Iterator[Block]:
    words = text.strip()
    if not words:
        return
    if mark is None:
        yield Block(kind=kind, text=words, level=0)
    elif mark.kind == "OUTLINE":
        yield Block(kind="heading", text=" ".join(words.split()), level=min(mark.level, 6))
    else:
        yield Block(kind="list", text=words, level=min(mark.level, 9))


def address(element: Element) -> Cell:
    """Where a cell stands, as yet without its text."""
    parts = {local(part): part for part in element}
    place, span = parts.get("cellAddr", {}), parts.get("cellSpan", {})
    row, column = int(place.get("rowAddr") or 0), int(place.get("colAddr") or 0)
    return Cell(row, column, "", int(span.get("rowSpan") or 1))
