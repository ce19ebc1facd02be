"""Control characters in what is brought in: they show nothing, and break prompts, pages and spreadsheets."""

from __future__ import annotations

import re
from typing import Final

CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
"""Control characters but tab and line ends; halves of characters and stray byte order marks too."""

COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""What colours a text that was copied from a terminal."""


def readable(text: str, keep_places: bool = False) -> str:
    """The text without control characters; with `keep_places` each becomes a blank, so that marked places still fit."""
    if text.isprintable():
        return text
    if keep_places:
        return CONTROL.sub(" ", text)
    return CONTROL.sub("", COLOUR.sub("", text.replace("\r\n", "\n")))
