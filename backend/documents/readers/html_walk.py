"""Over the elements of a page in their order, without recursion: pages nest as deep as whoever made them likes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from backend.documents.readers.grid import Cell, placed, table
from backend.documents.values import Block, BlockKind

SCRIPTS: Final = ("script", "object", "embed", "applet", "iframe")
DROPPED: Final = frozenset(
    {*SCRIPTS, "style", "noscript", "template", "head", "svg", "math", "canvas", "nav", "select", "textarea", "button"}
)
HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
LISTS: Final = frozenset({"ul", "ol", "menu"})
APART: Final = (
    frozenset(
        {
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "caption",
            "center",
            "dd",
            "details",
            "dialog",
            "div",
            "dl",
            "dt",
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "form",
            "header",
            "hgroup",
            "hr",
            "html",
            "li",
            "main",
            "p",
            "pre",
            "section",
            "summary",
            "table",
            "tbody",
            "td",
            "tfoot",
            "th",
            "thead",
            "tr",
        }
    )
    | frozenset(HEADINGS)
    | LISTS
)
"""What begins and ends a block."""
SPANNED: Final = 1_000
MOST_CELLS: Final = 5_000_000


class Walk:
    """Gathers text until an element that stands apart begins or ends; then that text is a block."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._found: list[Block] = []
        self._text: list[str] = []
        self._lists = 0
        self._items = 0
        self._pre = 0
        self._whole: list[bool] = []
        """Of each open table whether it was read as a whole."""

    def blocks(self) -> list[Block]:
        from lxml.etree import iterwalk

        steps = iterwalk(self._root, events=("start", "end"))
        for event, element in steps:
            if event == "start" and self._passed_over(element):
                steps.skip_subtree()
            elif event == "start":
                self._begin(element)
            elif element.tag not in DROPPED:
                self._end(element)
            if event == "end":
                self._say(element.tail)
        self._flush("paragraph")
        return self._found

    def _passed_over(self, element: Any) -> bool:
        """What is left out, and tables, which are read as a whole here where they are tables."""
        if element.tag in DROPPED:
            return True
        if element.tag != "table":
            return False
        self._whole.append(not is_layout(element))
        if not self._whole[-1]:
            return False
        self._flush("list" if self._items else "paragraph")
        for caption in element.findall("caption"):
            self._found.append(Block(kind="caption", text=_line(caption), level=0))
        if block := table(_rows(element)):
            self._found.append(block)
        return True

    def _begin(self, element: Any) -> None:
        tag = element.tag
        if tag in APART:
            self._flush("list" if self._items else "paragraph")
        self._lists += tag in LISTS
        self._items += tag == "li"
        self._pre += tag == "pre"
        if tag == "br":
            self._text.append("\n")
        elif tag == "img":
            self._say(element.get("alt"))
        self._say(element.text)

    def _end(self, element: Any) -> None:
        tag = element.tag
        if tag == "table" and self._whole.pop():
            return
        if tag in HEADINGS:
            self._flush("heading", HEADINGS[tag])
        elif tag == "pre":
            self._flush("code")
        elif tag in {"caption", "figcaption"}:
            self._flush("caption")
        elif tag in APART:
            self._flush("list" if self._items else "paragraph")
        self._lists -= tag in LISTS
        self._items -= tag == "li"
        self._pre -= tag == "pre"

    def _say(self, text: str | None) -> None:
        if text:
            self._text.append(text if self._pre else _blank(text))

    def _flush(self, kind: BlockKind, level: int = 0) -> None:
        text = "".join(self._text)
        self._text = []
        if not self._pre:
            text = "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()
        elif kind == "paragraph":
            kind = "code"
        if text.strip():
            depth = min(max(self._lists, 1), 9) if kind == "list" else level
            self._found.append(Block(kind=kind, text=text, level=depth))


def _blank(text: str) -> str:
    """Line ends of the source are blanks; only `<br>` ends a line."""
    return text.replace("\n", " ").replace("\t", " ")


def is_layout(element: Any) -> bool:
    """Whether a table only arranges the page: another table or headings in it, or a single column."""
    if next(element.iterdescendants("table", *HEADINGS), None) is not None or element.get("role") == "presentation":
        return True
    return all(sum(1 for _ in row.iterchildren("td", "th")) < 2 for row in element.iter("tr"))


def _rows(element: Any) -> list[list[str]]:
    cells: list[Cell] = []
    taken: dict[int, int] = {}
    """Until which row a column is held by a cell that spans rows."""
    for at, row in enumerate(element.iter("tr")):
        column = 0
        for cell in row.iterchildren("td", "th"):
            while taken.get(column, 0) > at:
                column += 1
            rows, wide = _span(cell, "rowspan"), _span(cell, "colspan")
            cells.append(Cell(at, column, _line(cell), rows))
            if rows > 1:
                taken.update(dict.fromkeys(range(column, column + wide), at + rows))
            column += wide
    return placed(cells, MOST_CELLS)


def _span(cell: Any, name: str) -> int:
    said = (cell.get(name) or "").strip()
    return min(max(int(said), 1), SPANNED) if said.isascii() and said.isdigit() and len(said) < 9 else 1


def _line(element: Any) -> str:
    """All text of an element on one line; elements that stand apart, and line breaks, are blanks."""
    return " ".join("".join(_said(element)).split())


def _said(element: Any) -> Iterator[str]:
    from lxml.etree import iterwalk

    steps = iterwalk(element, events=("start", "end"))
    for event, part in steps:
        if event == "start" and part.tag in DROPPED:
            steps.skip_subtree()
        elif event == "start":
            yield " " if part.tag in APART or part.tag == "br" else ""
            yield (part.get("alt") or "" if part.tag == "img" else part.text) or ""
        else:
            yield " " if part.tag in APART else ""
            yield (part.tail or "") if part is not element else ""
