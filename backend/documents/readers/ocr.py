"""Text recognition by Tesseract, where a person has installed it: https://tesseract-ocr.github.io/tessdoc/.

It runs as a program of its own, with the picture through a pipe and a time limit. Nothing is fetched.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL import Image

PROGRAM: Final = "tesseract"
WANTED: Final = ("kor", "eng")
DOTS_PER_INCH: Final = 300
MOST_PIXELS: Final = 25_000_000
"""Of one picture; a larger one is made smaller first. A4 at 300 dpi has 8.7 million."""
PICTURE_S: Final = 60.0
SURE: Final = 30.0
"""Words that the engine is less sure of than this (of 100) are specks and edges more often than words."""

UNSURE: Final = 60.0
"""A picture whose words are less sure than this on average may lie upside down (96 against 37 on a real one)."""


@dataclass(frozen=True)
class _Word:
    """A word, how sure the engine is of it (0..100), and its block, paragraph and line."""

    text: str
    sure: float
    line: tuple[str, str, str]


@dataclass(frozen=True)
class Engine:
    """The program that was found. languages: of `WANTED` those it has data for; turns: it can tell a turned page."""

    program: str
    languages: tuple[str, ...]
    turns: bool

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(language for language in WANTED if language not in self.languages)

    def paragraphs(self, picture: Image.Image, seconds: float = PICTURE_S) -> list[str]:
        """What stands in a picture, from the top; nothing where the engine fails or takes longer than `seconds`.

        A page with few words gives no hint which way is up: one that reads badly is tried upside down.
        """
        end = time.monotonic() + seconds
        words = self._words(picture, seconds)
        if words and _sureness(words) < UNSURE and time.monotonic() < end:
            words = max(words, self._words(picture.rotate(180), end - time.monotonic()), key=_sureness)
        return _paragraphs([word for word in words if word.sure >= SURE])

    def _words(self, picture: Image.Image, seconds: float) -> list[_Word]:
        # 1: finds out how the page is turned, then its columns; 3: columns only.
        mode = "1" if self.turns else "3"
        command = [self.program, "-", "-", "-l", "+".join(self.languages), "--psm", mode]
        try:
            done = subprocess.run(
                [*command, "--dpi", str(DOTS_PER_INCH), "tsv"],
                input=_as_png(picture),
                capture_output=True,
                timeout=seconds,
                check=True,
                env=os.environ | {"OMP_THREAD_LIMIT": "1"},
            )
        except (subprocess.SubprocessError, OSError):
            return []
        return list(_read(done.stdout.decode("utf-8", "replace")))


def find_engine() -> Engine | None:
    """Tesseract with the data of at least one of the wanted languages; None where it is not installed."""
    program = shutil.which(PROGRAM)
    if program is None:
        return None
    try:
        told = subprocess.run([program, "--list-langs"], capture_output=True, timeout=20, check=True)
    except (subprocess.SubprocessError, OSError):
        return None
    there = set((told.stdout + told.stderr).decode("utf-8", "replace").split())
    languages = tuple(language for language in WANTED if language in there)
    return Engine(program, languages, "osd" in there) if languages else None


def smaller(picture: Image.Image, most: int = MOST_PIXELS) -> Image.Image:
    """The picture with at most so many pixels."""
    share = (most / max(picture.width * picture.height, 1)) ** 0.5
    return picture if share >= 1 else picture.resize((int(picture.width * share), int(picture.height * share)))


def _as_png(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    smaller(picture).save(data, "PNG", compress_level=1)
    return data.getvalue()


def _read(table: str) -> Iterator[_Word]:
    """The words of Tesseract's table (level 5), its reading order kept."""
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row.get("text") or "").strip()
        if row.get("level") == "5" and text:
            yield _Word(text, float(row["conf"]), (row["block_num"], row["par_num"], row["line_num"]))


def _sureness(words: Sequence[_Word]) -> float:
    return sum(word.sure for word in words) / len(words) if words else 0.0


def _paragraphs(words: Sequence[_Word]) -> list[str]:
    """Words joined by line and paragraph; a hyphen at a line's end joins two lines."""
    return [
        _joined([" ".join(word.text for word in line) for _, line in groupby(paragraph, key=lambda word: word.line)])
        for _, paragraph in groupby(words, key=lambda word: word.line[:2])
    ]


def _joined(lines: Sequence[str]) -> str:
    text = ""
    for line in lines:
        divided = len(text) > 1 and text[-1] == "-" and text[-2].isalpha() and line[:1].islower()
        text = text[:-1] + line if divided else f"{text} {line}".strip()
    return text
