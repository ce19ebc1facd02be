"""Pictures: their text, by text recognition. A TIFF or GIF of several pictures has as many pages."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from backend.documents.readers.ocr import PICTURE_S, find_engine
from backend.documents.reading.limits import Limits
from backend.documents.values import Block, Note, Parsed
from backend.errors import BadInput

FORMATS = ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP")
MOST_PIXELS = 200_000_000


def read(path: Path, limits: Limits) -> Parsed:
    """The text of a picture. Raises BadInput when it is damaged or too large, has no text, or no engine is there."""
    with _opened(path) as picture:
        frames = getattr(picture, "n_frames", 1)
        if frames > limits.pages:
            raise BadInput("error.document_image_pages", pages=f"{frames:,}", most=f"{limits.pages:,}")
        engine = find_engine()
        if engine is None:
            raise BadInput("error.document_ocr_absent")
        end = time.monotonic() + 0.8 * limits.seconds
        pages: list[list[str]] = []
        for frame in ImageSequence.Iterator(picture):
            left = end - time.monotonic()
            if left <= 0:
                break
            pages.append(engine.paragraphs(_upright(frame), min(PICTURE_S, left)))
    if not any(pages):
        raise BadInput("error.document_ocr_empty")
    blocks = [
        Block(kind="paragraph", text=text, page=number, level=0)
        for number, page in enumerate(pages, 1)
        for text in page
    ]
    notes = tuple(recognition_notes([number for number, page in enumerate(pages, 1) if page], engine.missing))
    if len(pages) < frames:
        notes += (Note(name="pdf_ocr_cut", details={"done": str(len(pages))}),)
    return Parsed(blocks=tuple(blocks), page_kind="page", pages=frames, notes=notes)


def recognition_notes(pages: list[int], missing: tuple[str, ...]) -> Iterator[Note]:
    """What a person should know of pages (from 1) whose text was recognised."""
    if pages:
        yield Note(name="pdf_ocr", pages=tuple(pages))
    if pages and missing:
        yield Note(name="pdf_ocr_language", details={"missing": ", ".join(missing)})


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is looked at below
            picture = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as fault:
        raise BadInput("error.document_image_large", most=f"{MOST_PIXELS:,}") from fault
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as fault:
        raise BadInput("error.document_image_damaged") from fault
    with picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise BadInput("error.document_image_large", most=f"{MOST_PIXELS:,}")
        try:
            picture.load()
        except (OSError, SyntaxError, ValueError, EOFError) as fault:
            raise BadInput("error.document_image_damaged") from fault
        yield picture


def _upright(frame: Image.Image) -> Image.Image:
    """Grey, on white where it is transparent, turned as the camera said."""
    turned = ImageOps.exif_transpose(frame)
    if turned.mode in {"RGBA", "LA", "PA"} or "transparency" in turned.info:
        over = turned.convert("RGBA")
        paper = Image.new("RGBA", over.size, "white")
        turned = Image.alpha_composite(paper, over)
    return turned.convert("L")
