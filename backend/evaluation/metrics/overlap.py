"""How much of a short expected answer an answer has: exact match and F1, after SQuAD and KorQuAD.

English is tidied as SQuAD's evaluation script does (Rajpurkar et al. 2016: lower case, no punctuation, no articles).
Korean loses its punctuation and brackets as in KorQuAD 1.0 (Lim et al. 2019), and has no articles to lose. Token F1
counts words, character F1 counts characters without white space, as KorQuAD does: Korean particles hang on words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Final

HANGUL: Final = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ]")
ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")


def is_korean(text: str) -> bool:
    """Whether a text has any Hangul: what decides the treatment of one example, by its expected output."""
    return HANGUL.search(text) is not None


def normalised(text: str, korean: bool) -> str:
    """Lower case, no punctuation or symbols, one space between words; English without articles."""
    lower = unicodedata.normalize("NFC", text).lower()
    bare = "".join(_kept(sign, korean) for sign in lower)
    return " ".join((bare if korean else ARTICLES.sub(" ", bare)).split())


def _kept(sign: str, korean: bool) -> str:
    if unicodedata.category(sign)[0] not in "PS":
        return sign
    # KorQuAD makes brackets and quotes into spaces; SQuAD's script takes ASCII punctuation out without one.
    return " " if korean else ""


def exact_match(expected: str, answer: str) -> float:
    korean = is_korean(expected)
    return float(normalised(expected, korean) == normalised(answer, korean))


def token_f1(expected: str, answer: str) -> float:
    korean = is_korean(expected)
    return _f1(normalised(expected, korean).split(), normalised(answer, korean).split())


def char_f1(expected: str, answer: str) -> float:
    korean = is_korean(expected)
    return _f1(normalised(expected, korean).replace(" ", ""), normalised(answer, korean).replace(" ", ""))


def _f1(expected: Iterable[str], answer: Iterable[str]) -> float:
    """F1 of two bags; two empty ones agree (SQuAD 2.0: no answer expected, none given)."""
    wanted, given = Counter(expected), Counter(answer)
    if not wanted or not given:
        return float(wanted == given)
    same = (wanted & given).total()
    return 2 * same / (wanted.total() + given.total())
