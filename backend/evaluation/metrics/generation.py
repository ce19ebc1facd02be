"""chrF and BLEU by sacrebleu, ROUGE-L by rouge-score; Korean is cut into morphemes by Kiwi first.

chrF counts characters and needs no cutting (Popović 2015). BLEU counts words, and Korean words carry their particles:
both texts are cut into morphemes by Kiwi and compared as they are, in place of sacrebleu's `ko-mecab`, which needs a
program outside of Python. rouge-score's own tokenizer throws every Hangul syllable away (its ROUGE of two equal
Korean texts is 0), so it is handed one that cuts by Kiwi.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from backend.evaluation.metrics.overlap import is_korean

if TYPE_CHECKING:
    from collections.abc import Sequence

CHRF_ORDER: Final = 6
BLEU_ORDER: Final = 4
LONGEST: Final = 20_000
"""Characters of a text that are measured: ROUGE's time grows with the product of both lengths."""
LONGEST_LCS: Final = 2_000
"""Tokens of a text that ROUGE-L compares."""


@cache
def _kiwi() -> Any:
    """The morpheme analyser, loaded once per process (2 s, about 500 MB)."""
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=1)


@cache
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


@cache
def _bleu(korean: bool) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize="none" if korean else "13a", force=True)


@cache
def _rouge() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], tokenizer=_Tokens())


class _Tokens:
    """rouge-score's tokenizer interface: texts come tokenised already, one token per line."""

    def tokenize(self, text: str) -> list[str]:
        return text.split("\n") if text else []


def morphemes(text: str) -> list[str]:
    """The surface of each morpheme: "학교에 갔다" gives 학교, 에, 가, 었, 다."""
    return [token.form for token in _kiwi().tokenize(unicodedata.normalize("NFC", text))]


def _words(text: str, korean: bool) -> list[str]:
    """Tokens of ROUGE: Korean morphemes that are letters or digits, or rouge-score's own tokens of English."""
    if korean:
        return [word.lower() for word in morphemes(text) if any(sign.isalnum() for sign in word)]
    from rouge_score.tokenize import tokenize

    words: list[str] = tokenize(text, None)
    return words


def chrf_counts(expected: str, answer: str) -> tuple[float, ...]:
    """18 numbers that add up over examples: n-grams of the answer, of the expected text, in common, for n = 1..6."""
    return _counts(_chrf(), expected[:LONGEST], answer[:LONGEST])


def bleu_counts(expected: str, answer: str) -> tuple[float, ...]:
    """10 numbers that add up: both lengths, n-grams in common for n = 1..4, n-grams of the answer for n = 1..4."""
    korean = is_korean(expected)
    expected, answer = expected[:LONGEST], answer[:LONGEST]
    if korean:
        expected, answer = " ".join(morphemes(expected)), " ".join(morphemes(answer))
    return _counts(_bleu(korean), expected, answer)


def _counts(metric: Any, expected: str, answer: str) -> tuple[float, ...]:
    counts: Sequence[int] = metric._extract_corpus_statistics([answer], [[expected]])[0]
    return tuple(float(count) for count in counts)


def rouge_l(expected: str, answer: str) -> float:
    """F of the longest common subsequence (Lin 2004)."""
    korean = is_korean(expected)
    wanted = _words(expected[:LONGEST], korean)[:LONGEST_LCS]
    given = _words(answer[:LONGEST], korean)[:LONGEST_LCS]
    if not wanted or not given:
        return float(wanted == given)
    score: float = _rouge().score("\n".join(wanted), "\n".join(given))["rougeL"].fmeasure
    return score
