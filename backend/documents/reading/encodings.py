"""From the bytes of a document to its letters, and letters made fit to be searched."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Final

BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SAMPLE: Final = 400_000
ODD: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff"
    "\U000e0000-\U000e007f]"
)
"""Control characters, signs without a shape (of hyphenation, of direction, tags), lone surrogates and byte order marks:
nothing that anybody reads or types. Within a word they keep it from being found; tags carry words that only a model
sees."""
CONTROLS: Final = re.compile("[\x01-\x08\x0e-\x19\x1c-\x1f]")
"""Of those what even old texts have no use for."""
ENDS: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
SEVEN_BIT: Final = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$B", "iso2022_jp_2"), (b"\x1b$@", "iso2022_jp_2"))
FORGIVEN: Final = 0.02
"""The share of broken letters at which what a file says of its own encoding is still believed."""
STATISTICS: Final = 32 * 1024
OTHERS: Final = ("cp932", "euc_jp", "gb18030", "big5", "cp1252", "cp1251")
"""Told apart by statistics; asked for more, they take French for Polish."""
FEW: Final = 12
"""Syllables below which nothing can be said of their commonness."""
SURELY: Final = 0.2
"""How Korean a text must look that says it is Latin-1, which servers and mail programs say of whatever they send."""
COMMON: Final = frozenset(
    "이다는을가의에한고은로를지도사하어기나있인그자대서리시아해것들일으만정라보게전수상부제주여국화과성장면니원조적소신우공"
)
"""The commonest Korean syllables."""
KANA: Final = re.compile("[ぁ-ヿ]")
KNOWN: Final = re.compile(
    "[\t\r\n\x20-\u024f\u2000-\u206f\u20ac\u2190-\u27bf\u3000-\u318f\u4e00-\u9fff가-힣\uff00-\uffef]"
)
"""Of a text in UTF-16 nearly all; of other bytes read as such about half."""
# The names of Korean and Chinese sets in files mean, in practice, the larger set of the same family.
LARGER: Final = {
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "x-windows-949": "cp949",
    "windows-949": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "windows-950": "cp950",
    "shift_jis": "cp932",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
}


def codec_named(name: str) -> str | None:
    """Python's codec for a name met in a file (`charset=ks_c_5601-1987`), or None where it knows none."""
    plain = name.strip().strip("\"'").lower()
    found = LARGER.get(plain, LARGER.get(plain.replace("_", "-"), plain))
    try:
        b"a".decode(found, errors="replace")  # refuses what is no text encoding, such as rot13
        return codecs.lookup(found).name
    except (LookupError, ValueError):
        return None


def decode(raw: bytes, declared: str | None = None) -> tuple[str, str]:
    """(text, encoding). Letters that cannot be read stand as U+FFFD; nothing is raised.

    A byte order mark wins, then strict UTF-8, then `declared` (what the file says of itself), then the likeliest.
    """
    for mark, encoding in BOMS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace"), encoding
    if raw.count(0) > len(raw) // 40 and (found := _unmarked_wide(raw)):
        return raw.decode(found, errors="replace"), found
    told = codec_named(declared) if declared else None
    if seven := _seven_bit(raw, told):
        return raw.decode(seven, errors="replace"), seven
    if told == "cp1252" and _strict(raw, "utf-8") is None and _korean(raw[:SAMPLE].decode("cp949", "replace")) > SURELY:
        return raw.decode("cp949", errors="replace"), "cp949"
    for likely in ("utf-8", told):
        if likely and (text := _strict(raw, likely)) is not None:
            return text, likely
    if told and _share_lost(mended := raw.decode(told, errors="replace")) <= FORGIVEN:
        return mended, told
    return _likeliest(raw, told)


def _seven_bit(raw: bytes, told: str | None) -> str | None:
    """Sets that write every letter in bytes of ASCII and would pass for UTF-8: by the name told, or by their signs."""
    if told and (told.startswith("iso2022") or told in {"utf-7", "hz"}):
        return told
    return next((codec for sign, codec in SEVEN_BIT if sign in raw[:SAMPLE]), None)


def _share_lost(text: str) -> float:
    return text.count("\ufffd") / max(sum(letter > "\x7f" for letter in text[:SAMPLE]), 1)


def _strict(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _unmarked_wide(raw: bytes) -> str | None:
    """UTF-16 or UTF-32 without its mark: in which of four places the zero bytes of ASCII lie."""
    head = raw[: SAMPLE - SAMPLE % 4]
    zeros = [head[place::4].count(0) / max(len(head) // 4, 1) for place in range(4)]
    low, high = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if len(raw) % 4 == 0 and min(zeros[2:]) > 0.9 and zeros[0] < 0.5:
        found = "utf-32-le"
    elif len(raw) % 4 == 0 and min(zeros[:2]) > 0.9 and zeros[3] < 0.5:
        found = "utf-32-be"
    elif max(low, high) < 0.1 or min(low, high) > 0.5 * max(low, high):
        return None  # zeros strewn over a text, or no text
    else:
        found = "utf-16-le" if high > low else "utf-16-be"
    text = head.decode(found, errors="replace")
    return found if len(KNOWN.findall(text)) > 0.9 * len(text) else None


def _likeliest(raw: bytes, declared: str | None) -> tuple[str, str]:
    """No UTF: Korean by its own rules first, since statistics take three syllables for Big5; else statistics."""
    from charset_normalizer import from_bytes

    # A sample that ends within a letter would be refused by a strict reader; no set uses a line's end within one.
    sample = raw if len(raw) <= SAMPLE else raw[:SAMPLE].rpartition(b"\n")[0] or raw[:SAMPLE]
    korean = max((_korean(sample.decode(encoding, errors="replace")), encoding) for encoding in ("cp949", "johab"))
    if korean[0] > 0:
        return raw.decode(korean[1], errors="replace"), korean[1]
    for japanese in ("cp932", "euc_jp"):
        if (text := _strict(sample, japanese)) and len(KANA.findall(text)) >= 0.3 * sum(c > "\x7f" for c in text) > 0:
            return raw.decode(japanese, errors="replace"), japanese
    sample = sample if len(sample) <= STATISTICS else sample[:STATISTICS].rpartition(b"\n")[0] or sample[:STATISTICS]
    best = from_bytes(sample, cp_isolation=list(OTHERS)).best()
    encoding = best.encoding if best else declared or "utf-8"
    return raw.decode(encoding, errors="replace"), encoding


def _korean(text: str) -> float:
    """How much a text read by a Korean set looks it: 0 is not at all, else more with more of its syllables in use.

    Johab or Chinese read as CP949 gives rare syllables and Chinese letters; of real Korean some 40 % is of the
    commonest, and all but a few of the 2,350 of KS X 1001, which EUC-KR writes in two bytes.
    """
    beyond = [letter for letter in text if letter > "\x7f"]
    lost = text.count("\ufffd")
    hangul = [letter for letter in beyond if "가" <= letter <= "힣" or "ㄱ" <= letter <= "ㆎ"]
    common = sum(letter in COMMON for letter in hangul) / max(len(hangul), 1)
    if lost > len(beyond) // 100 + 1 or len(hangul) < 0.5 * len(beyond):
        return 0.0
    used = sum(len(letter.encode("euc_kr", "ignore")) == 2 for letter in hangul) / max(len(hangul), 1)
    return common + 0.1 * used + 0.01 if common >= 0.1 or len(hangul) < FEW else 0.0


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are of a text, in whatever encoding; zeros strewn over one are forgiven."""
    text, _ = decode(head)
    return len(CONTROLS.findall(text)) <= max(2, len(text) // 100) and text.count("\0") <= len(text) // 10


def clean(text: str) -> str:
    """Composed (NFC) letters, `\\n` as the only line end, no control characters, no blanks at the ends of lines."""
    text = ODD.sub("", ENDS.sub("\n", text).replace("\u2061", " "))  # between a function and what it is of
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.replace("\xa0", " "))
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
