"""From the bytes of a text file to its letters: UTF-8, UTF-16 and CP949 told apart without asking the person."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from backend.errors import BadInput

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OTHERS = ["cp949", "cp932", "gb18030", "big5", "cp1252", "cp1251", "johab"]
SAMPLE = 200_000
LOST_SHARE = 0.01
"""A file of which at most this share of the letters is broken is still read, and said to be so."""


@dataclass(frozen=True)
class Decoded:
    """`lost` counts the letters that could not be read and stand as U+FFFD."""

    text: str
    encoding: str
    lost: int = 0


def decode(raw: bytes, name: str) -> Decoded:
    """Raises BadInput("error.table_binary" | "error.table_encoding", name=)."""
    for mark, encoding in BOMS:
        if raw.startswith(mark):
            return _mended(raw, encoding) or _refuse("error.table_encoding", name)
    if b"\0" in raw:
        return _unmarked_utf16(raw) or _refuse("error.table_binary", name)
    if (text := _strict(raw, "utf-8")) is not None:
        return _plain(Decoded(text, "utf-8"), name)
    # Short Korean texts mislead statistics (three syllables pass for Big5), so the likeliest is tried by its rules.
    if (text := _strict(raw, "cp949")) is not None and hangul_share(text) >= 0.3:
        japanese = _strict(raw, "cp932")
        if japanese and _share(japanese, "ぁ", "ヿ") >= 0.3:
            return _plain(Decoded(japanese, "cp932"), name)
        return _plain(Decoded(text, "cp949"), name)
    for encoding in ("utf-8", "cp949"):
        mended = _mended(raw, encoding)
        if mended and (encoding == "utf-8" or hangul_share(mended.text) >= 0.5):
            return _plain(mended, name)
    return _plain(_by_statistics(raw) or _refuse("error.table_encoding", name), name)


def hangul_share(text: str) -> float:
    """The share of Hangul among the letters beyond ASCII, 0..1."""
    return _share(text, "가", "힣") + _share(text, "ㄱ", "ㆎ")


def _share(text: str, first: str, last: str) -> float:
    beyond = [letter for letter in text[:SAMPLE] if letter > "\x7f" and letter != "\ufffd"]
    return sum(first <= letter <= last for letter in beyond) / max(len(beyond), 1)


def _strict(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _mended(raw: bytes, encoding: str) -> Decoded | None:
    """Read with the few broken letters marked, e.g. of a file cut in the middle of one; None when there are many."""
    text = raw.decode(encoding, errors="replace")
    lost = text.count("\ufffd")
    return Decoded(text, encoding, lost) if lost <= max(1, int(LOST_SHARE * len(text))) else None


def _unmarked_utf16(raw: bytes) -> Decoded | None:
    """UTF-16 without its mark, in Korean or a Western language; the zero bytes of ASCII lie on one side mostly.

    Chinese is left out: any two ASCII letters make a Chinese one, so that a broken text file would pass for it.
    """
    sides = [raw[0::2].count(0), raw[1::2].count(0)]
    encoding = "utf-16-le" if sides[1] > sides[0] else "utf-16-be"
    text = _strict(raw, encoding)
    if text is None or "\0" in text:
        return None
    head = text[:SAMPLE]
    known = sum(letter < "\u0250" or "가" <= letter <= "힣" or "\u3000" <= letter <= "\u318f" for letter in head)
    return _plain(Decoded(text, encoding), "") if known > 0.9 * len(head) else None


def _by_statistics(raw: bytes) -> Decoded | None:
    from charset_normalizer import from_bytes

    best = from_bytes(raw[:SAMPLE], cp_isolation=OTHERS).best()
    text = _strict(raw, best.encoding) if best else None
    return Decoded(text, best.encoding) if best and text is not None else None


def _plain(found: Decoded, name: str) -> Decoded:
    """Refuses what decodes but is no text: pictures and programs are full of control characters."""
    head = found.text[:SAMPLE]
    odd = sum(letter < " " and letter not in "\t\r\n\f\v\x1a\x1b" for letter in head)
    return found if odd <= 0.01 * len(head) else _refuse("error.table_binary", name)


def _refuse(key: str, name: str) -> Decoded:
    raise BadInput(key, name=name)
