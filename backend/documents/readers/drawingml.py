"""What stands in a slide's shapes (DrawingML, ECMA-376 part 1, 20-21): words, tables, charts, diagrams.

The elements are read here because python-pptx leaves out equations and every shape that newer Office wraps in
mc:AlternateContent, and raises on 3-D charts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backend.documents.readers.grid import Cell, placed, table
from backend.documents.readers.sheets import written
from backend.documents.values import Block

Element = Any
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"

WRITTEN_BEFORE = {f"{M}den": "/", f"{M}sup": "^", f"{M}sub": "_"}


def words(element: Element) -> str:
    """The text of a paragraph, equations in their place; a line break is a line break."""
    return "".join(said(element)).strip()


def said(element: Element) -> Iterator[str]:
    for child in element:
        if child.tag in {f"{A}t", f"{M}t"}:
            yield child.text or ""
        elif child.tag == f"{A}br":
            yield "\n"
        elif isinstance(child.tag, str) and not child.tag.endswith("}Fallback"):
            inner = "".join(said(child))
            yield WRITTEN_BEFORE.get(child.tag, "") + inner if inner else ""


def paragraphs(body: Element, page: int, listed: bool = False) -> Iterator[Block]:
    """The paragraphs of a text body; `listed` where the layout gives them bullets unless they say otherwise."""
    for paragraph in body.iterchildren(f"{A}p"):
        text = words(paragraph)
        shape = paragraph.find(f"{A}pPr")
        if not text:
            continue
        if bulleted(shape, listed):
            depth = shape.get("lvl") if shape is not None else None
            level = int(depth) + 1 if depth and depth.isdigit() and len(depth) == 1 else 1
            yield Block(kind="list", text=text, level=min(level, 9), page=page)
        else:
            yield Block(kind="paragraph", text=text, level=0, page=page)


def bulleted(shape: Element | None, otherwise: bool) -> bool:
    if shape is None:
        return otherwise
    if shape.find(f"{A}buNone") is not None:
        return False
    return otherwise or any(shape.find(f"{A}{mark}") is not None for mark in ("buChar", "buAutoNum", "buBlip"))


def rows(element: Element, page: int, most_cells: int) -> Block | None:
    """A table with its merged cells."""
    cells = [
        Cell(row, column, "\n".join(filter(None, map(words, tc.iter(f"{A}p")))), span(tc))
        for row, tr in enumerate(element.iterchildren(f"{A}tr"))
        for column, tc in enumerate(tr.iterchildren(f"{A}tc"))
        if tc.get("hMerge") not in {"1", "true"} and tc.get("vMerge") not in {"1", "true"}
    ]
    return table(placed(cells, most_cells), page)


def span(tc: Element) -> int:
    told = tc.get("rowSpan") or ""
    return int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 1


def chart(root: Element, page: int) -> Iterator[Block]:
    """A chart as the table it was drawn from: a row for each category, a column for each series."""
    title = root.find(f"{C}chart/{C}title")
    heading = " ".join(filter(None, map(words, title.iter(f"{A}p")))) if title is not None else ""
    if heading:
        yield Block(kind="caption", text=heading, level=0, page=page)
    series = [
        (name(one), points(one, "cat", "xVal"), points(one, "val", "yVal", "bubbleSize"))
        for one in root.iter(f"{C}ser")
    ]
    categories: dict[int, str] = {}
    for _, labels, values in series:
        for at in sorted({*labels, *values}):
            categories.setdefault(at, labels.get(at, ""))
    body = [[categories[at], *(values.get(at, "") for _, _, values in series)] for at in sorted(categories)]
    made = table([["", *(label for label, _, _ in series)], *body], page)
    if made is not None:
        yield made


def name(series: Element) -> str:
    found = next((value.text for value in series.iterfind(f"{C}tx//{C}v")), None)
    return " ".join((found or "").split())


def points(series: Element, *kinds: str) -> dict[int, str]:
    """Index -> value of the first of these kinds of values that a series has, as it was last drawn."""
    source = next((found for kind in kinds if (found := series.find(f"{C}{kind}")) is not None), None)
    if source is None:
        return {}
    code = next(source.iter(f"{C}formatCode"), None)
    return {
        int(point.get("idx") or 0): shown(point.findtext(f"{C}v") or "", (code.text if code is not None else "") or "")
        for point in source.iter(f"{C}pt")
    }


def shown(value: str, code: str) -> str:
    """A point's value as it would be typed; numbers that the chart shows as dates are dates."""
    from openpyxl.styles.numbers import is_date_format
    from openpyxl.utils.datetime import from_excel

    try:
        number = float(value)
        return written(from_excel(number)) if code and is_date_format(code) else written(number)
    except (ValueError, OverflowError):
        return " ".join(value.split())


def diagram(root: Element, page: int) -> Iterator[Block]:
    """The words of a SmartArt drawing, in the order they were typed."""
    for point in root.iter(f"{DGM}pt"):
        text = " ".join(filter(None, map(words, point.iterfind(f"{DGM}t/{A}p"))))
        if text:
            yield Block(kind="list", text=text, level=1, page=page)
