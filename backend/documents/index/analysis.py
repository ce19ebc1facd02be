"""Words of a text as the index counts them: what BM25 and the keyword match compare. Korean, English, mixed.

Hangul has no spelling of its own for a word's stem, and a particle clings to nearly every noun. BM25 therefore counts
pairs of syllables inside each run of Hangul and marks of its first one and two; other runs are words, the English ones
stemmed (Snowball, Porter 2) and without the 33 words that Lucene leaves out. That is the analysis "syllables".

"morphemes" counts beside them what Kiwi finds in Hangul: nouns, stems of verbs and adjectives, adverbs, roots,
prefixes and suffixes, but neither particles nor endings, so that 도와 and 돕는 are one word.

Chosen on half of ParaKQC and on Korean news, told on what was held out (nDCG@10, BM25, distinct words of the question):

    what                             ParaKQC odd   AutoRAG ko   docs: Visual Studio, Kubernetes   XQuAD en
    syllables                        0.875         0.938        0.740   0.756                     0.965
    morphemes (the default)          0.883         0.932        0.750   0.761                     0.965
    Kiwi's content morphemes         0.860         0.933        0.745   0.766                     0.965
    pairs of syllables alone         0.812         0.920        0.736   0.759                     0.965
    words as they stand              0.636         0.804        0.683   0.671                     0.958

(The last two with repeated words, which costs 0.01.) Morphemes are better by 0.010 on all of ParaKQC and on Visual
Studio (95 % of bootstraps: 0.007 to 0.012, 0.005 to 0.015); elsewhere it is chance (AutoRAG -0.019 to 0.006). They take
35 times as long, 0.14 instead of 4.8 MB of text in a second of one core (MiniLM takes about ten times that), and up to
500 MB of memory once there is Hangul: syllables are for machines without that room.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

Analysis = Literal["syllables", "morphemes"]
"""Ways to count words. What one made is never asked with the other: they are different indexes."""
SYLLABLES: Final = "syllables"
MORPHEMES: Final = "morphemes"

RUN: Final = re.compile(r"[가-힣]+|[a-z0-9]+|[^\W_a-z0-9가-힣]+")
SAYS_NOTHING: Final = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with"
)
STOP: Final = frozenset(SAYS_NOTHING.split())
"""The words that Lucene leaves out of English text."""
LONGEST: Final = 64
"""Characters of a word that tell it from others; what is longer is data rather than a word."""

CLINGING: Final = (
    "은 는 이 가 을 를 의 에 와 과 도 만 로 나 야 께 랑 에서 에게 한테 으로 이나 이랑 까지 부터 조차 마저 처럼 "
    "보다 라도 이라도 라고 이라고 라는 이라는 하고 에는 에도 에의 에서는 에서도 에게는 에게서 으로는 으로도 "
    "로는 로도 와의 과의 으로서 로서 으로써 로써 만의 만을 만이 들은 들이 들을 들의 께서 이며 이고 인 입니다 "
    "이다 이란 란 한 할 하는 하여 하면 해야 해서 했다 했던 한다 합니다 하며 하지 하기 된 될 되는 되어 되면 "
    "됐다 된다 됩니다"
)
PARTICLES: Final = tuple(sorted(CLINGING.split(), key=len, reverse=True))
"""What clings to a Korean noun, the longest first: particles, and the commonest forms of 이다, 하다 and 되다."""


CONTENT: Final = re.compile("NNG|NNP|NNB|NR|NP|VV|VA|VX|VCN|MM|MAG|MAJ|IC|XR|XPN|XSN|UN|UNT")
"""Kiwi's tags of what says something. To those of stems it adds "-I" or "-R"."""
MARK: Final = "="
"""Before a morpheme, so that 계약 as a noun is not taken for the pair of syllables."""


def counted(analysis: Analysis) -> Callable[[str], list[str]]:
    """The function that makes the words of an index."""
    return with_morphemes if analysis == MORPHEMES else tokens


def with_morphemes(text: str) -> list[str]:
    """`tokens`, and beside them the morphemes of the Hangul that say something.

    Words that are not Hangul are counted twice, for else they weigh too little beside it: 0.01 where texts hold many.
    """
    found = tokens(text)
    words = [MARK + one for one in found if one[0] != "^" and not "가" <= one[0] <= "힣"]
    plain = unicodedata.normalize("NFKC", text).lower()
    if not any("가" <= letter <= "힣" for letter in plain):
        return found + words
    morphemes = (one for one in kiwi().tokenize(plain) if CONTENT.fullmatch(one.tag.partition("-")[0]))
    return found + words + [MARK + one.form for one in morphemes]


@cache
def kiwi() -> Kiwi:
    """The Korean analyser, loaded once in a process, at first need: some 4 s and 500 MB."""
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=1)


def tokens(text: str) -> list[str]:
    """What BM25 counts, in the order of the text."""
    from Stemmer import Stemmer

    stem = Stemmer("english").stemWord
    found: list[str] = []
    for run in _runs(text):
        if "가" <= run[0] <= "힣":
            found += _syllables(run)
        elif run not in STOP:
            found.append(stem(run[:LONGEST]) if run[0].isascii() else run[:LONGEST])
    return found


def keywords(text: str) -> list[str]:
    """The words as people type them into a search box, each once: small letters, Korean ones without their particle.

    Words that say nothing are left out, unless there are no others.
    """
    words = list(dict.fromkeys(_bare(run) for run in _runs(text)))
    return [word for word in words if word not in STOP] or words


def _runs(text: str) -> list[str]:
    """Runs of Hangul, of Latin letters and digits, and of other letters; compatible spellings made one (NFKC)."""
    return RUN.findall(unicodedata.normalize("NFKC", text).lower())


def _syllables(run: str) -> list[str]:
    if len(run) == 1:
        return ["^" + run, run]
    return ["^" + run[0], "^" + run[:2], *(run[at : at + 2] for at in range(len(run) - 1))]


def _bare(run: str) -> str:
    """A Korean word without what clings to it, where at least two syllables stay.

    Taken off again and again: 고양이는 and 고양이 must come to the same, though 이 may be a particle or not.
    """
    if not "가" <= run[0] <= "힣":
        return run[:LONGEST]
    while particle := next((one for one in PARTICLES if run.endswith(one) and len(run) - len(one) >= 2), ""):
        run = run[: -len(particle)]
    return run[:LONGEST]
