"""The straight lines that a PDF page draws: rules of tables, frames, underlines."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from backend.documents.readers.pdf_lines import Turn

Point = tuple[float, float]
Map = Callable[[float, float], Point]
Rule = tuple[Point, Point]
"""Both ends, in points as shown (x from the left, y from the foot), the lower and more leftward first."""

MOST_OBJECTS = 20_000
"""A page that draws more is a map or a drawing: no tables are looked for."""
THIN = 2.5
SHORT = 3.0
DEPTH = 6


def page_rules(page: pdfium.PdfPage) -> list[Rule]:
    """Horizontal and vertical lines at least `SHORT` long, sides of boxes among them; nothing of a drawing."""
    rules: list[Rule] = []
    for number, path in enumerate(_paths(page.raw, Turn.of(page), 0)):
        if number > MOST_OBJECTS or len(rules) > MOST_OBJECTS:
            return []
        if path is not None:
            rules += _rules_of(*path)
    return rules


def _paths(parent: object, place: Map, depth: int) -> Iterator[tuple[object, Map] | None]:
    """The painted paths of a page or a form in it, each with the way from its points to the page; None for others."""
    count, get = (
        (pdfium_c.FPDFPage_CountObjects, pdfium_c.FPDFPage_GetObject)
        if depth == 0
        else (pdfium_c.FPDFFormObj_CountObjects, pdfium_c.FPDFFormObj_GetObject)
    )
    for number in range(count(parent)):
        item = get(parent, number)
        kind = pdfium_c.FPDFPageObj_GetType(item)
        if kind == pdfium_c.FPDF_PAGEOBJ_PATH and _painted(item):
            yield item, _through(item, place)
        elif kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < DEPTH:
            yield from _paths(item, _through(item, place), depth + 1)
        else:
            yield None


def _painted(path: object) -> bool:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium_c.FPDFPath_GetDrawMode(path, fill, stroke)
    return bool(fill.value or stroke.value)


def _through(item: object, place: Map) -> Map:
    """An object's own matrix, then the place of what holds it."""
    matrix = pdfium_c.FS_MATRIX()
    if not pdfium_c.FPDFPageObj_GetMatrix(item, matrix):
        return place
    a, b, c, d, e, f = matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f
    return lambda x, y: place(a * x + c * y + e, b * x + d * y + f)


def _rules_of(path: object, place: Map) -> list[Rule]:
    corners = list(_corners(path, place))
    xs = [x for part in corners for x, _ in part]
    ys = [y for part in corners for _, y in part]
    if xs and len(xs) <= 6 and (max(xs) - min(xs) <= THIN or max(ys) - min(ys) <= THIN):
        corners = [[(min(xs), min(ys)), (max(xs), max(ys))]]  # a line drawn as a thin box
    sides = ((one, other) for part in corners for one, other in pairwise(part))
    return [rule for one, other in sides if (rule := _straight(one, other))]


def _corners(path: object, place: Map) -> Iterator[list[Point]]:
    """The corners of each part of a path; a curve ends the part."""
    x, y = ctypes.c_float(), ctypes.c_float()
    part: list[Point] = []
    for number in range(min(pdfium_c.FPDFPath_CountSegments(path), 4_000)):
        segment = pdfium_c.FPDFPath_GetPathSegment(path, number)
        pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
        if pdfium_c.FPDFPathSegment_GetType(segment) != pdfium_c.FPDF_SEGMENT_LINETO:
            yield part
            part = []
        part.append(place(x.value, y.value))
        if pdfium_c.FPDFPathSegment_GetClose(segment):
            part.append(part[0])
    yield part


def _straight(one: Point, other: Point) -> Rule | None:
    wide, high = abs(one[0] - other[0]), abs(one[1] - other[1])
    if high <= THIN and wide >= SHORT:
        y = (one[1] + other[1]) / 2
        return (min(one[0], other[0]), y), (max(one[0], other[0]), y)
    if wide <= THIN and high >= SHORT:
        x = (one[0] + other[0]) / 2
        return (x, min(one[1], other[1])), (x, max(one[1], other[1]))
    return None
