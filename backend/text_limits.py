"""What a text that a person typed, pasted or uploaded must be before anything is done with it."""

from __future__ import annotations

import unicodedata

from backend.errors import BadInput

TEXT_LIMIT = 200_000
"""Characters. Far beyond any context window here, far below what makes a page or a tokenizer hang."""

PLAIN_CONTROLS = frozenset("\t\n\r\f\v\x1b")  # the last one colours what is copied from a terminal
BINARY_SHARE = 0.1
"""From this share of control and replacement characters on, a text is a file somebody opened as text."""


def check_text(text: str, limit: int = TEXT_LIMIT) -> None:
    """Raises BadInput: "error.text_too_long" (length, limit) or "error.text_binary"."""
    if len(text) > limit:
        raise BadInput("error.text_too_long", length=f"{len(text):,}", limit=f"{limit:,}")
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise BadInput("error.text_binary")
    odd = sum(1 for sign in text if sign == "\ufffd" or (sign < " " and sign not in PLAIN_CONTROLS))
    if odd > BINARY_SHARE * len(text):
        raise BadInput("error.text_binary")


def clean_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """The text in NFC, so that Hangul typed on any system is the same tokens; may be empty. Raises as check_text."""
    check_text(text, limit)
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


def clean_name(text: str, limit: int, key: str) -> str:
    """A name on one line: NFC, runs of blanks made one, 1..limit characters. Raises BadInput(key, limit=)."""
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise BadInput(key, limit=limit)
    name = " ".join(unicodedata.normalize("NFC", text[: limit * 20]).split())
    if not 1 <= len(name) <= limit or any(unicodedata.category(sign) == "Cc" for sign in name):
        raise BadInput(key, limit=limit)
    return name


def writable(text: str) -> str:
    """A model's text as it is, but for half characters (lone surrogates), which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
