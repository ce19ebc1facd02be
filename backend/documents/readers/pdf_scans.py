"""Pages of a PDF that hold no text: recognised where an engine is installed, told of where none is."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from backend.documents.readers.image import recognition_notes
from backend.documents.readers.ocr import DOTS_PER_INCH, MOST_PIXELS, PICTURE_S, Engine, find_engine
from backend.documents.readers.pdf_lines import Line
from backend.documents.values import Note

DRAWN = 60
"""A page without text that draws so many shapes may be text turned to outlines."""
GARBLED = 0.3
"""Letters without meaning (private or unknown characters), as a share of a page's letters."""

_UNKNOWN = re.compile("[\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")


@dataclass
class Scans:
    """Finds and recognises such pages, one after the other, within `seconds` of recognition in all."""

    seconds: float
    recognised: list[int] = field(default_factory=list)
    textless: list[int] = field(default_factory=list)
    garbled: list[int] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)
    cut: bool = False
    _engine: Engine | None = None
    _looked: bool = False

    def paragraphs(self, page: pdfium.PdfPage, number: int, lines: Sequence[Line]) -> list[str] | None:
        """The recognised text of page `number` (from 1); None when its own text stands (or it is blank)."""
        garbled = bool(lines) and _share_unknown(lines) > GARBLED
        if not garbled and (lines or not _drawn(page)):
            return None
        engine = self._find_engine()
        texts = self._recognise(engine, page) if engine and self.seconds > 0 else []
        self.cut = self.cut or bool(engine and self.seconds <= 0)
        if texts:
            self.recognised.append(number)
            return texts
        missed = self.garbled if garbled else self.empty if engine and not self.cut else self.textless
        missed.append(number)
        return None

    def _find_engine(self) -> Engine | None:
        if not self._looked:
            self._engine, self._looked = find_engine(), True
        return self._engine

    def _recognise(self, engine: Engine, page: pdfium.PdfPage) -> list[str]:
        began = time.monotonic()
        width, height = page.get_size()
        scale = min(DOTS_PER_INCH / 72, (MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
        bitmap = page.render(scale=scale, grayscale=True)
        try:
            return engine.paragraphs(bitmap.to_pil(), min(PICTURE_S, self.seconds))
        finally:
            bitmap.close()
            self.seconds -= time.monotonic() - began

    @property
    def engine_missing(self) -> bool:
        return self._looked and self._engine is None

    def notes(self) -> Iterator[Note]:
        yield from recognition_notes(self.recognised, self._engine.missing if self._engine else ())
        if self.cut:
            yield Note(name="pdf_ocr_cut", details={"done": str(len(self.recognised))}, pages=tuple(self.textless))
        elif self.textless:
            yield Note(name="pages_without_text", pages=tuple(self.textless))
        if self.empty:
            yield Note(name="pdf_ocr_failed", pages=tuple(self.empty))
        if self.garbled:
            yield Note(name="pdf_no_unicode", pages=tuple(self.garbled))


def _share_unknown(lines: Sequence[Line]) -> float:
    return sum(len(_UNKNOWN.findall(line.text)) for line in lines) / sum(len(line.text) for line in lines)


def _drawn(page: pdfium.PdfPage) -> bool:
    """Whether a page without text shows a picture, or letters as shapes, or text in a font that names no letters."""
    weights = {pdfium_c.FPDF_PAGEOBJ_PATH: 1, pdfium_c.FPDF_PAGEOBJ_TEXT: 3}
    shapes = 0
    for item in page.get_objects(max_depth=4):
        if item.type in {pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_SHADING}:
            return True
        shapes += weights.get(item.type, 0)
        if shapes >= DRAWN:
            return True
    return False
