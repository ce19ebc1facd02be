"""Which script a text is written in: enough to see that one of a thousand Korean examples is English."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

SCRIPTS: Final = MappingProxyType(
    {
        "hangul": re.compile("[가-힣ㄱ-ㆎᄀ-ᇿ]"),
        "kana": re.compile("[ぁ-ヿ]"),
        "han": re.compile("[㐀-鿿]"),
        "cyrillic": re.compile("[Ѐ-ӿ]"),
        "arabic": re.compile("[؀-ۿ]"),
        "latin": re.compile("[A-Za-zÀ-ɏ]"),
    }
)
LOOKED_AT: Final = 1_000
FEWEST: Final = 6
"""Letters below which nothing is said."""
SHARE: Final = 0.3
"""Hangul and kana stand among foreign names and signs: a smaller share of them decides."""


def script(text: str) -> str | None:
    """A name out of SCRIPTS; None of a text with hardly any letters."""
    head = text[:LOOKED_AT]
    if head.isascii():
        letters = sum(sign.isalpha() for sign in head)
        return "latin" if letters >= FEWEST else None
    counts = {name: len(pattern.findall(head)) for name, pattern in SCRIPTS.items()}
    total = sum(counts.values())
    if total < FEWEST:
        return None
    for name in ("hangul", "kana"):
        if counts[name] >= SHARE * total:
            return name
    return max(counts, key=lambda name: counts[name])
