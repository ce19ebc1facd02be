"""Lines that run along: headers, footers and page numbers that repeat from page to page."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from backend.documents.readers.pdf_lines import Line

EDGE = 0.12
"""The share of a page's height, at its top and at its foot, in which such lines stand."""
OUTERMOST = 3
"""Of the lines there, as many from the edge are looked at."""
PAGES = 3
"""On so many pages, one after another or with one between (left and right pages differ), a line must stand."""
HEADING = 1.25
"""Type larger than this, against the text's, is a heading's: running lines are seldom so large."""
_DIGITS = re.compile(r"\d+")


def running_lines(pages: Sequence[Sequence[Line]], heights: Sequence[float]) -> dict[int, set[int]]:
    """page (from 0) -> places of the lines on it that repeat.

    Digits count as equal, except in type larger than the text: "Chapter 1" and "Chapter 2" at the top of pages are
    headings. Rows of tables are not taken.
    """
    seen: dict[tuple[bool, str], list[tuple[int, int]]] = defaultdict(list)
    sizes = Counter(line.size for lines in pages for line in lines)
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    for page, (lines, height) in enumerate(zip(pages, heights, strict=True)):
        for place, above in _at_the_edges(lines, height):
            if len(lines[place].cells) <= 3:
                text = "".join(lines[place].text.split())
                plain = lines[place].size <= HEADING * body
                seen[above, _DIGITS.sub("#", text) if plain else text].append((page, place))
    repeated: dict[int, set[int]] = defaultdict(set)
    for places in seen.values():
        for page, place in _in_runs(places):
            repeated[page].add(place)
    return dict(repeated)


def _at_the_edges(lines: Sequence[Line], height: float) -> list[tuple[int, bool]]:
    by_height = sorted(range(len(lines)), key=lambda place: lines[place].y)
    feet = [(place, False) for place in by_height[:OUTERMOST] if lines[place].y < height * EDGE]
    heads = [(place, True) for place in by_height[::-1][:OUTERMOST] if lines[place].y > height * (1 - EDGE)]
    return feet + heads


def _in_runs(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those places whose pages follow one another by at most two, at least `PAGES` of them."""
    found: list[tuple[int, int]] = []
    run: list[tuple[int, int]] = []
    for place in places:
        if run and place[0] - run[-1][0] > 2:
            found += run if len({page for page, _ in run}) >= PAGES else []
            run = []
        run.append(place)
    return found + (run if len({page for page, _ in run}) >= PAGES else [])
