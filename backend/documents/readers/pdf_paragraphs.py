"""Lines of a page put together to paragraphs, list items, headings and tables without rules."""

from __future__ import annotations

import re
import statistics
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from backend.documents.readers.grid import table
from backend.documents.readers.pdf_headings import Style
from backend.documents.readers.pdf_joining import Joining
from backend.documents.readers.pdf_lines import Cell, Line
from backend.documents.values import Block

_BULLET = re.compile(r"[•●○◦▪■□◆◇▶►‣※·ㆍ∙–—*-]\s+\S|[•●○◦▪■□◆▶►‣※]\S|[①-⑳㉮-㉻]")
_NUMBER = re.compile(r"(?:\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4}|[가-하])[.)]|제\s?\d+\s?[조항])\s")
_FINISHED = re.compile(r"[.?!。:;…][\"'”’)\]]*$")


def page_blocks(page: int, lines: Sequence[Line], style: Style, joining: Joining) -> Iterator[Block]:
    """The blocks of one page (from 0) in the order of its lines."""
    for group in _groups(lines):
        block = table(_rows(group), page + 1)
        if block is not None:
            yield block
            continue
        level = style.level(page, group)
        text = joining.joined(group)
        if level:
            yield Block(kind="heading", text=text, level=level, page=page + 1)
        elif _is_item(text):
            yield Block(kind="list", text=text, level=1, page=page + 1)
        else:
            yield Block(kind="paragraph", text=text, page=page + 1)


def _groups(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines that belong together: a paragraph, or rows one under another."""
    lines = list(_plain(lines))
    pitch, rights = _pitch(lines), _rights(lines)
    group: list[Line] = []
    for line in lines:
        if group and _parts(group, line, pitch, rights):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _plain(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines, a single one with a wide gap between lines without as running text: words set far apart to fill it."""
    for before, line, after in zip([None, *lines], lines, [*lines[1:], None], strict=False):
        alone = all(other is None or len(other.cells) == 1 for other in (before, after))
        if alone and len(line.cells) == 2:
            yield replace(line, cells=(Cell(line.left, line.right, line.text),))
        else:
            yield line


def _pitch(lines: Sequence[Line]) -> float:
    """The usual distance of two lines of a page in type sizes."""
    drops = [
        (one.y - other.y) / max(one.size, 1)
        for one, other in pairwise(lines)
        if one.size == other.size and 0.7 * one.size < one.y - other.y < 3 * one.size
    ]
    return statistics.median(drops) if drops else 1.3


def _rights(lines: Sequence[Line]) -> dict[int, float]:
    """Where the lines end that begin about there: bucket of the left edge -> the farthest right edge."""
    rights: dict[int, float] = {}
    for line in lines:
        rights[_bucket(line)] = max(rights.get(_bucket(line), 0.0), line.right)
    return rights


def _bucket(line: Line) -> int:
    return int(line.left // 36)


def _parts(group: Sequence[Line], line: Line, pitch: float, rights: dict[int, float]) -> bool:
    """Whether a new block begins with this line."""
    before = group[-1]
    drop = before.y - line.y
    rows = len(group[0].cells) > 1
    if rows != (len(line.cells) > 1):
        return not (rows and 0.5 * line.size < drop < 1.8 * line.size and _goes_on(group, line))
    if rows:  # their head may be in bold or larger
        return not 0.5 * line.size < drop < 2.2 * pitch * line.size
    finished = bool(_FINISHED.search(before.text))
    ended = finished or _short(before, rights)
    apart = ended or not 0 < drop <= 1.15 * pitch * max(line.size, before.size)
    if _other_type(before, line, apart) or _BULLET.match(line.text):
        return True
    if drop <= 0.5 * line.size:
        return finished or drop > -3 * line.size  # a new column goes on with an unfinished sentence
    if drop > 1.3 * pitch * line.size:
        return True
    if ended and _NUMBER.match(line.text):  # within a sentence "3." or "다." may begin a line by chance
        return True
    return _indented(group, line) or (finished and _short(before, rights))


def _other_type(before: Line, line: Line, apart: bool) -> bool:
    """Whether two lines differ in weight or size. Capitals set smaller within a paragraph do not count."""
    if before.bold != line.bold:
        return True
    smaller, larger = sorted((before.size, line.size))
    return larger - smaller > 0.75 and (apart or larger > 1.3 * smaller)


def _goes_on(group: Sequence[Line], line: Line) -> bool:
    """Whether a line below a row goes on within one of its cells after the first."""
    row = next(before for before in reversed(group) if len(before.cells) > 1)
    return row.cells[1].left - line.size < line.left and line.right < max(before.right for before in group) + line.size


def _is_item(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBER.match(text))


def _indented(group: Sequence[Line], line: Line) -> bool:
    step = 0.8 * line.size
    if _is_item(group[0].text):  # it may hang, or begin further in than it goes on
        return line.left < group[-1].left - step and (len(group) > 1 or bool(_FINISHED.search(group[0].text)))
    if len(group) == 1:
        return line.left > group[0].left + step and bool(_FINISHED.search(group[0].text))
    return abs(line.left - group[-1].left) > step


def _short(line: Line, rights: dict[int, float]) -> bool:
    right = rights[_bucket(line)]
    return line.right < right - 0.2 * max(right - line.left, 1.0)


def _rows(group: Sequence[Line]) -> list[list[str]]:
    """The cells of lines that stand in columns, or nothing.

    At least two rows of three columns, or three of two.
    """
    if len(group) < 2 or len(group[0].cells) < 2:
        return []
    columns: list[tuple[float, float]] = []
    rows = [line for line in group if len(line.cells) > 1]
    for left, right in sorted((cell.left, cell.right) for line in rows for cell in line.cells):
        if columns and left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], right))
        else:
            columns.append((left, right))
    if len(columns) < 2 or len(rows) + len(columns) < 5:
        return []
    starts = [left for left, _ in columns]
    table: list[list[str]] = []
    for line in group:
        if len(line.cells) > 1 or not table:
            table.append([""] * len(starts))
        for cell in line.cells:  # a single one goes on with what stands above it, in the row above
            place = max(bisect_right(starts, cell.left + 1.0) - 1, 0)
            table[-1][place] = f"{table[-1][place]} {cell.text}".strip()
    return table
