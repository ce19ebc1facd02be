"""Tables with rules on a PDF page: pdfplumber's way from rules to cells, over the rules and the text that PDFium gives.

pdfplumber reading the page itself takes 0.3 to 2.3 s; the way is that of Anssi Nurminen's thesis (2013) and Tabula.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pypdfium2 as pdfium

from backend.documents.readers import grid
from backend.documents.readers.pdf_lines import HYPHEN, Line, Turn
from backend.documents.readers.pdf_rules import Rule, page_rules

SNAP = 3.0
MOST_RULES = 1_500
MOST_CROSSINGS = 2_500
"""Above these the search for cells takes seconds: a drawing, or squared paper."""
RECORDS = 4
"""Cells of so many lines, most of them, are many rows without rules between them."""
MOST_COMPARED = 300
NARROWEST = 60.0

Box = tuple[float, float, float, float]
"""left, top, right, bottom"""


@dataclass(frozen=True)
class Ruled:
    """A table: its cells' boxes (points as shown, y from the foot) and its rows."""

    boxes: tuple[Box, ...]
    rows: tuple[tuple[str, ...], ...]

    def holds(self, line: Line) -> bool:
        """Whether all of a line stands in cells."""
        y = line.y + 0.3 * line.size
        if (
            line.left < min(box[0] for box in self.boxes) - SNAP
            or line.right > max(box[2] for box in self.boxes) + SNAP
        ):
            return False
        return all(
            any(
                left <= (cell.left + cell.right) / 2 <= right and low <= y <= high
                for left, high, right, low in self.boxes
            )
            for cell in line.cells
        )


def page_tables(page: pdfium.PdfPage, most_cells: int) -> list[Ruled]:
    """The tables of a page with at least two rows and two columns, the upper first."""
    rules = page_rules(page)
    if len(rules) < 4:
        return []
    turn = Turn.of(page)
    text_page = page.get_textpage()
    try:
        return [
            ruled for cells in _cells(rules, turn.shown_height) if (ruled := _ruled(text_page, turn, cells, most_cells))
        ]
    finally:
        text_page.close()


def _cells(rules: Sequence[Rule], height: float) -> Iterator[list[Box]]:
    from pdfplumber import table as ruling

    edges = ruling.merge_edges([_edge(rule, height) for rule in rules], SNAP, SNAP, SNAP, SNAP)
    edges = ruling.merge_edges([*edges, *_open_sides(edges)], SNAP, SNAP, SNAP, SNAP)
    if len(edges) > MOST_RULES:
        return
    crossings = ruling.edges_to_intersections(edges, SNAP, SNAP)
    if len(crossings) <= MOST_CROSSINGS:
        yield from ruling.cells_to_tables(ruling.intersections_to_cells(crossings))


def _open_sides(edges: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Sides that many tables leave out: where three rules across or more begin and end alike."""
    alike: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for edge in edges:
        if edge["orientation"] == "h" and edge["x1"] - edge["x0"] >= NARROWEST:
            alike[round(edge["x0"] / SNAP), round(edge["x1"] / SNAP)].append(edge)
    for group in alike.values():
        if len(group) >= 3:
            top, bottom = min(edge["top"] for edge in group), max(edge["top"] for edge in group)
            side = {"top": top, "bottom": bottom, "width": 0.0, "height": bottom - top, "orientation": "v"}
            for x in (group[0]["x0"], group[0]["x1"]):
                yield side | {"x0": x, "x1": x}


def _edge(rule: Rule, height: float) -> dict[str, Any]:
    """A rule in pdfplumber's words."""
    (left, low), (right, high) = rule
    flat = "h" if right - left > high - low else "v"
    return {
        "x0": left,
        "x1": right,
        "top": height - high,
        "bottom": height - low,
        "width": right - left,
        "height": high - low,
        "orientation": flat,
    }


def _ruled(text_page: pdfium.PdfTextPage, turn: Turn, cells: Sequence[Box], most_cells: int) -> Ruled | None:
    tops = sorted({cell[1] for cell in cells})
    lefts = sorted({cell[0] for cell in cells})
    if len(tops) < 2 or len(lefts) < 2:
        return None
    texts = [_text(text_page, turn, cell) for cell in cells]
    filled = [text for text in texts if text]
    if len(filled) < 3 or _is_frame(filled) or _overlap(cells):
        return None
    placed = [
        grid.Cell(
            tops.index(box[1]), lefts.index(box[0]), " ".join(text.split()), sum(box[1] <= top < box[3] for top in tops)
        )
        for box, text in zip(cells, texts, strict=True)
    ]
    rows = grid.placed(placed, most_cells)
    if sum(any(row) for row in rows) < 2 or sum(any(column) for column in zip(*rows, strict=True)) < 2:
        return None
    height = turn.shown_height
    boxes = tuple((left, height - top, right, height - bottom) for left, top, right, bottom in cells)
    return Ruled(boxes, tuple(tuple(row) for row in rows))


def _is_frame(texts: Sequence[str]) -> bool:
    """Whether the cells hold many lines each (records without rules between them), or one holds most of the text."""
    lines = [text.count("\n") + 1 for text in texts]
    many = sum(count >= RECORDS for count in lines)
    return 2 * many > len(lines) or (max(lines) >= RECORDS and 2 * max(lines) > sum(lines))


def _overlap(cells: Sequence[Box]) -> bool:
    """Whether a cell lies within another: frames, not a table."""
    return any(
        min(one[2], other[2]) - max(one[0], other[0]) > SNAP and min(one[3], other[3]) - max(one[1], other[1]) > SNAP
        for one, other in combinations(cells[:MOST_COMPARED], 2)
    )


def _text(text_page: pdfium.PdfTextPage, turn: Turn, cell: Box) -> str:
    """What stands in a cell, its lines by line breaks; characters that only touch its rules left out."""
    left, top, right, bottom = cell
    inset = min(1.5, (right - left) / 4, (bottom - top) / 4)
    one = turn.back(left + inset, turn.shown_height - bottom + inset)
    other = turn.back(right - inset, turn.shown_height - top - inset)
    xs, ys = sorted((one[0], other[0])), sorted((one[1], other[1]))
    text = text_page.get_text_bounded(xs[0], ys[0], xs[1], ys[1])
    return "\n".join(filter(None, (line.strip() for line in text.replace(HYPHEN, "").splitlines())))
