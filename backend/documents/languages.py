"""Which language a text is in, as far as finding passages needs it: by its letters.

A Hangul syllable holds about as much as two and a half Latin letters. Told apart this way are scripts: German counts
as English, which the index analyses like it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

Language = Literal["ko", "en", "mixed", "other"]

HANGUL: Final = re.compile(r"[가-힣ㄱ-ㆎ]")
LATIN: Final = re.compile(r"[A-Za-zÀ-ɏ]")
LETTER: Final = re.compile(r"[^\W\d_]")
KOREAN_FROM: Final = 0.75
ENGLISH_TO: Final = 0.1


def language_of(text: str) -> Language:
    """ "mixed" is Korean with English in it; "other" another script, or no letters at all."""
    korean, latin = len(HANGUL.findall(text)), 0.4 * len(LATIN.findall(text))
    letters = len(LETTER.findall(text))
    if korean + latin == 0 or 2 * (korean + 2.5 * latin) < letters:
        return "other"
    share = korean / (korean + latin)
    return "ko" if share >= KOREAN_FROM else "en" if share <= ENGLISH_TO else "mixed"


def language_of_all(passages: Iterable[tuple[Language, int]]) -> Language:
    """Of a document, from (language, characters) of its passages: the one of two thirds, else mixed."""
    counts: Counter[Language] = Counter()
    for language, characters in passages:
        counts[language] += characters
    total = counts.total()
    if not total:
        return "other"
    (most, share), *_ = counts.most_common(1)
    told = [language for language in ("ko", "en", "mixed") if counts[language]]
    return most if 3 * share >= 2 * total or len(told) < 2 else "mixed"
