"""The order in which a page is read, where the order in which it was drawn cannot be it.

Most programs draw a page as it is read, column after column, and that order is kept. It is given up where a later line
stands above an earlier one of the same column, or where two columns were drawn row by row as one. Then the page is
cut at its white stripes: Nagy and Seth, "Hierarchical representation of optically scanned documents" (1984).
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from backend.documents.readers.pdf_lines import Line

GUTTER = 0.8
"""times the type size: the narrowest white stripe between two columns"""
ROWS = 6
"""So many lines with two stretches of text are needed to call them columns,"""
NOTES = 0.92
"""times the type size of the text: the largest type of footnotes"""
MOST = 250_000
"""So many pairs of lines are compared to find footnotes; a page of more is no page of prose."""
WORDY = 14
"""with so many characters to a stretch on average: shorter ones are a table."""


def in_reading_order(lines: Sequence[Line], in_table: Callable[[Line], bool]) -> list[Line]:
    """The lines of a page as they are read; lines in tables stay whole."""
    gutter = _gutter([line for line in lines if not in_table(line)])
    if gutter is not None:
        lines = [part for line in lines for part in ([line] if in_table(line) else _halves(line, gutter))]
    return _notes_last(list(_cut(lines)) if gutter is not None or _goes_back(lines) else list(lines))


def _notes_last(lines: list[Line]) -> list[Line]:
    """Footnotes come after the text of the page, of all its columns: they would part its sentences."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    share = 0.25 * sizes.total()  # on some pages the footnotes are more than the text
    most = NOTES * max((size for size, letters in sizes.items() if letters >= share), default=0.0)
    text = [(place, line) for place, line in enumerate(lines) if line.size > most]
    small = [place for place, line in enumerate(lines) if line.size <= most]
    if len(small) * len(text) > MOST:
        return lines
    notes = {place for place in small if _too_early(place, lines[place], text)}
    return [line for place, line in enumerate(lines) if place not in notes] + [lines[place] for place in sorted(notes)]


def _too_early(place: int, line: Line, text: Sequence[tuple[int, Line]]) -> bool:
    """Whether a line stands below the text of its column (but for a page number), with text above it still to come."""
    column = [(at, other) for at, other in text if min(line.right, other.right) > max(line.left, other.left)]
    above = sum(len(other.text) for _, other in column if other.y > line.y)
    later = any(at > place and other.y > line.y for at, other in text)
    return later and above > 0.9 * sum(len(other.text) for _, other in column)


def _goes_back(lines: Sequence[Line]) -> bool:
    return any(
        line.y > before.y + 1.5 * max(line.size, before.size)
        and min(line.right, before.right) - max(line.left, before.left) > 0.5 * min(_width(line), _width(before))
        for before, line in pairwise(lines)
    )


def _width(line: Line) -> float:
    return line.right - line.left


def _gutter(lines: Sequence[Line]) -> float | None:
    """Where two columns drawn row by row part (x), or None."""
    rows = [line for line in lines if len(line.cells) == 2]
    if len(rows) < ROWS or 2 * len(rows) < len(lines):
        return None
    middle = statistics.median((line.cells[0].right + line.cells[1].left) / 2 for line in rows)
    parted = [line for line in rows if line.cells[0].right < middle < line.cells[1].left]
    if len(parted) < 0.8 * len(rows):
        return None
    # Of a key and its value the key is short; prose fills both sides.
    wordy = all(statistics.mean(len(line.cells[side].text) for line in parted) >= WORDY for side in (0, 1))
    return middle if wordy else None


def _halves(line: Line, gutter: float) -> Iterator[Line]:
    if line.left >= gutter or line.right <= gutter:
        yield line
        return
    for cells in (
        tuple(cell for cell in line.cells if cell.right <= gutter),
        tuple(cell for cell in line.cells if cell.right > gutter),
    ):
        if cells:
            last = cells[-1] is line.cells[-1]
            text = " ".join(cell.text for cell in cells)
            yield replace(line, text=text, cells=cells, divided=line.divided and last, spaced=line.spaced or not last)


def _cut(lines: Sequence[Line]) -> Iterator[Line]:
    """Columns from the left, else stripes from the top, each cut again; lines that cannot be parted by height."""
    if len(lines) < 2:
        yield from lines
        return
    columns = _columns(lines)
    parts = columns if len(columns) > 1 else _stripes(lines)
    if len(parts) > 1:
        for part in parts:
            yield from _cut(part)
    else:
        yield from sorted(lines, key=lambda line: (-round(line.y), line.left))


def _columns(lines: Sequence[Line]) -> list[list[Line]]:
    ordered = sorted(lines, key=lambda line: line.left)
    narrow = GUTTER * statistics.median(line.size for line in lines)
    parts, right = [[ordered[0]]], ordered[0].right
    for line in ordered[1:]:
        if line.left - right > narrow:
            parts.append([])
        parts[-1].append(line)
        right = max(right, line.right)
    # A single line beside others is a label or a number of a row, not a column.
    return parts if all(len(part) > 1 for part in parts) else [list(lines)]


def _stripes(lines: Sequence[Line]) -> list[list[Line]]:
    """Parted at the widest white stripes across (all that are nearly as wide as the widest)."""
    ordered = sorted(lines, key=lambda line: -line.y)
    gaps, foot = [0.0], ordered[0].y - 0.25 * ordered[0].size
    for line in ordered[1:]:
        gaps.append(foot - (line.y + 0.75 * line.size))
        foot = min(foot, line.y - 0.25 * line.size)
    widest = max(gaps)
    if widest <= 0:
        return [list(lines)]
    parts: list[list[Line]] = [[]]
    for gap, line in zip(gaps, ordered, strict=True):
        if gap >= 0.9 * widest:
            parts.append([])
        parts[-1].append(line)
    return [part for part in parts if part]
