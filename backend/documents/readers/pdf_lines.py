"""The lines of a PDF page, each with its place, type size and weight, in the order in which the page draws them.

The text comes in one call; sizes and places are then asked for a few characters of each line only: asking
for every character costs some ten times as much.
"""

from __future__ import annotations

import ctypes
import re
import statistics
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

HYPHEN = "\ufffe"  # PDFium's mark of a word that was divided at the end of a line
WIDE_GAP = 1.3  # times the type size: a space as wide as this parts two cells, not two words
_BREAK = re.compile(rf"\r\n|[\r\n{HYPHEN}]")
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\uffef]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BOLD = re.compile(rb"bold|black|heavy|demi|headline", re.IGNORECASE)
_UNWANTED = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xAD, 0x200B, 0xFEFF, 0xFFFF))


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of a line without a wide gap; places in points, as shown, from the page's left edge."""

    left: float
    right: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is seen. `y` is its baseline in points from the page's lower edge.

    divided  its last word goes on in the next line; spaced: a blank stands at its end
    cells    its stretches between wide gaps; one for running text
    """

    text: str
    size: float
    bold: bool
    y: float
    cells: tuple[Cell, ...]
    divided: bool = False
    spaced: bool = False

    @property
    def left(self) -> float:
        return self.cells[0].left

    @property
    def right(self) -> float:
        return self.cells[-1].right


def page_lines(page: pdfium.PdfPage) -> list[Line]:
    """The page's lines that hold anything; characters of no meaning left out, Unicode composed (NFC)."""
    text_page = page.get_textpage()
    try:
        return list(_lines(_Glyphs(page, text_page)))
    finally:
        text_page.close()


class _Glyphs:
    """What PDFium knows of the characters of one page, asked by their place in `text` (UTF-16 units)."""

    def __init__(self, page: pdfium.PdfPage, text_page: pdfium.PdfTextPage) -> None:
        self.raw = text_page.raw
        self.turn = Turn.of(page)
        count = text_page.count_chars()
        buffer = (ctypes.c_ushort * (2 * count + 2))()
        units = pdfium_c.FPDFText_GetText(self.raw, 0, count, buffer) - 1 if count > 0 else 0
        # One character per unit, so that places in the text are PDFium's; pairs of surrogates join in `tidy`.
        self.text = "".join(map(chr, buffer[: max(units, 0)]))
        self._alike = units == count  # every character has its one unit: places need no translation
        self._numbers = [ctypes.c_double() for _ in range(4)]
        self._matrix = pdfium_c.FS_MATRIX()
        self._name = ctypes.create_string_buffer(96)

    def _index(self, place: int) -> int:
        return place if self._alike else int(pdfium_c.FPDFText_GetCharIndexFromTextIndex(self.raw, place))

    def box(self, place: int) -> tuple[float, float]:
        """Left and right edge of a character as shown."""
        left, right, bottom, top = self._numbers
        if not pdfium_c.FPDFText_GetCharBox(self.raw, self._index(place), left, right, bottom, top):
            return 0.0, 0.0
        if self.turn.quarter == 0:
            return left.value - self.turn.left, right.value - self.turn.left
        one, other = self.turn(left.value, bottom.value)[0], self.turn(right.value, top.value)[0]
        return min(one, other), max(one, other)

    def evenly(self, start: int, stop: int, size: float) -> bool:
        """Whether a stretch holds no wide gap, as far as a few questions tell: most lines need no more of them.

        No gap between its runs, and as wide as so many letters are (half the size, Hangul the whole of it).
        """
        left, right, bottom, top = self._numbers
        if self.turn.quarter:
            return False
        edge = None
        for run in range(pdfium_c.FPDFText_CountRects(self.raw, self._index(start), stop - start)):
            pdfium_c.FPDFText_GetRect(self.raw, run, left, top, right, bottom)
            if edge is not None and left.value - edge > 0.8 * WIDE_GAP * size:
                return False
            edge = right.value
        text = self.text[start:stop]
        wide = len(_WIDE.findall(text))
        most = (0.62 * (len(text) - wide) + 1.1 * wide) * size
        return self.box(stop - 1)[1] - self.box(start)[0] <= most

    def baseline(self, place: int) -> float:
        x, y = self._numbers[:2]
        pdfium_c.FPDFText_GetCharOrigin(self.raw, self._index(place), x, y)
        return self.turn(x.value, y.value)[1]

    def size(self, place: int) -> float:
        """Type size in points, to the half; many files keep it in the matrix and say 1 as the font's size."""
        index = self._index(place)
        size = float(pdfium_c.FPDFText_GetFontSize(self.raw, index))
        if pdfium_c.FPDFText_GetMatrix(self.raw, index, self._matrix):
            size *= (self._matrix.c**2 + self._matrix.d**2) ** 0.5
        return round(size * 2) / 2

    def bold(self, place: int) -> bool:
        flags = ctypes.c_int()
        index = self._index(place)
        length = pdfium_c.FPDFText_GetFontInfo(self.raw, index, self._name, len(self._name), flags)
        return bool(length and _BOLD.search(self._name.raw[: min(length, len(self._name))]))


@dataclass(frozen=True, slots=True)
class Turn:
    """From a page's own coordinates to those in which it is shown: its turn and its crop taken away."""

    quarter: int
    left: float
    bottom: float
    width: float
    height: float

    @classmethod
    def of(cls, page: pdfium.PdfPage) -> Turn:
        left, bottom, right, top = page.get_bbox()
        return cls(page.get_rotation() // 90, left, bottom, right - left, top - bottom)

    def __call__(self, x: float, y: float) -> tuple[float, float]:
        x, y = x - self.left, y - self.bottom
        turned = ((x, y), (y, self.width - x), (self.width - x, self.height - y), (self.height - y, x))
        return turned[self.quarter % 4]

    def back(self, x: float, y: float) -> tuple[float, float]:
        """From what is shown to the page's own coordinates."""
        own = ((x, y), (self.width - y, x), (self.width - x, self.height - y), (y, self.height - x))[self.quarter % 4]
        return own[0] + self.left, own[1] + self.bottom

    @property
    def shown_height(self) -> float:
        return self.width if self.quarter % 2 else self.height


def tidy(text: str) -> str:
    """Without characters of no meaning, blanks single, surrogates joined, Unicode composed."""
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return unicodedata.normalize("NFC", " ".join(text.translate(_UNWANTED).split()))


def _lines(glyphs: _Glyphs) -> Iterator[Line]:
    start = 0
    for end in (*_BREAK.finditer(glyphs.text), None):
        stop = end.start() if end else len(glyphs.text)
        line = _line(glyphs, start, stop, divided=bool(end and end.group() == HYPHEN))
        if line is not None:
            yield line
        start = end.end() if end else stop


def _line(glyphs: _Glyphs, start: int, stop: int, *, divided: bool) -> Line | None:
    text = glyphs.text[start:stop]
    whole = tidy(text)
    if not whole:
        return None
    sample = _sample(text, start)
    size = statistics.median(glyphs.size(place) for place in sample)
    cells = tuple(_cells(glyphs, start, text, size, whole))
    if not cells:
        return None
    return Line(
        text=whole,
        size=size,
        bold=all(glyphs.bold(place) for place in sample),
        y=glyphs.baseline(sample[0]),
        cells=cells,
        divided=divided,
        spaced=text[-1].isspace(),
    )


def _sample(text: str, start: int) -> tuple[int, int, int]:
    """The first character that is no blank, one of the middle, and the last."""
    first, last = len(text) - len(text.lstrip()), len(text.rstrip()) - 1
    middle = (first + last) // 2
    while text[middle].isspace():
        middle -= 1
    return start + first, start + middle, start + last


def _cells(glyphs: _Glyphs, start: int, text: str, size: float, whole: str) -> Iterator[Cell]:
    words = list(re.finditer(r"\S+", text))
    begin, end = words[0].start(), words[-1].end()
    if len(words) == 1 or glyphs.evenly(start + begin, start + end, size):
        yield Cell(glyphs.box(start + begin)[0], glyphs.box(start + end - 1)[1], whole)
        return
    first = 0
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else None
        right = glyphs.box(start + word.end() - 1)[1]
        if following is not None and glyphs.box(start + following.start())[0] - right <= WIDE_GAP * size:
            continue
        content = tidy(text[words[first].start() : word.end()])
        if content:
            yield Cell(glyphs.box(start + words[first].start())[0], right, content)
        first = place + 1
