"""Which sentences of an answer the passages support, by the words they share. Quick, and no proof.

A sentence is supported when some three sentences in a row of a passage hold at least THRESHOLD of its words (as the
index counts words), and when no number of two digits or more in it is missing from every passage. Overlap sees neither
negation nor a wrong connection between right words: what is flagged deserves a look, what is not flagged may be wrong.

Measured with five passages, the right one among them or the five that BM25 finds instead of it (share of supported
sentences that are not flagged / of unsupported ones that are): 250 sentences of Korean answers over 720 pages of
reports (AutoRAG's Korean set) 0.83 / 0.87; 250 English claims of SciFact 0.90 / 0.33, whose other abstracts speak of
the same things. At 0.55 it would be 0.72 / 0.89 and 0.82 / 0.52: to flag what is right costs more trust.

What counts as "the documents do not tell" (see `unknowing`) was measured on 42 held-out sentences written for it
before its patterns: 22 claims with a negation, most of them with a citation, and 20 ways of not knowing, half of each
Korean. Claims taken as such 22 of 22, not knowing 20 of 20; with the former pattern, one for cited sentences and
others alike, 3 of 22 and 19 of 20. The claims were written to be mistaken. On the real sentences above, each with a
citation, both leave every one a claim: 258 Korean ones 0.82 / 0.87 before and after, 82 further English ones
0.91 / 0.34.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.documents.grounding.citing import MARK, citations, without_citations
from backend.documents.grounding.unknowing import says_unknown
from backend.documents.grounding.values import Checked, Citation, Quoted, Support
from backend.documents.index.analysis import tokens
from backend.documents.splitting.sentences import sentences

THRESHOLD: Final = 0.5
NEAR_BEST: Final = 0.1
"""A passage that holds nearly as much of a sentence as the best one supports it, too."""
IN_A_ROW: Final = 3
WINDOW_CHARACTERS: Final = 700
FEWEST_WORDS: Final = 3
"""A sentence with fewer says nothing that could be looked up: "Yes.", "다음과 같습니다.\""""

NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
LISTED: Final = re.compile(r"^\s*(?:[-*•+]|\(?\d{1,3}[.)]|[가-하][.)])\s+")
GLUED: Final = re.compile(rf"[.!?…。][\"'”’)]*(?:{MARK.pattern})+(?=\s)", re.IGNORECASE)
"""Citations that stand right after the full stop: "…합니다.[1] 그리고"; the sentence ends behind them."""


@dataclass(frozen=True)
class _Material:
    """A passage as its words: those of every few sentences in a row."""

    number: int
    windows: tuple[frozenset[str], ...]

    def share(self, words: Sequence[str]) -> float:
        return max((sum(word in window for word in words) / len(words) for window in self.windows), default=0.0)

    def holds(self, word: str) -> bool:
        return any(word in window for window in self.windows)


def supported(answer: str, quoted: Sequence[Quoted]) -> tuple[Checked, ...]:
    """Every sentence of the answer, in order. Code and tables are sentences like any other."""
    left = [one for one in quoted if not one.removed]
    materials = [_material(one) for one in left]
    numbers = {number for one in left for number in _numbers(f"{one.document} {one.shown}")}
    cited = citations(answer, quoted)
    found = (_checked(answer, start, end, materials, numbers, cited) for start, end in _with_marks(answer))
    return tuple(found) if len(left) == len(quoted) else tuple(map(_not_judged, found))


def _not_judged(one: Checked) -> Checked:
    """What a removed passage may have supported is not told as unsupported."""
    return one.model_copy(update={"support": "removed", "missing": ()}) if one.support == "unsupported" else one


def _checked(
    answer: str,
    start: int,
    end: int,
    materials: Sequence[_Material],
    known: set[str],
    citations_: Sequence[Citation],
) -> Checked:
    told = without_citations(answer[start:end])
    cited = tuple(dict.fromkeys(one.number for one in citations_ if start <= one.start < end))
    body = LISTED.sub("", told).strip()
    words = list(dict.fromkeys(tokens(body)))
    if says_unknown(told, bool(cited)):
        return Checked(start=start, end=end, support="unknown", cited=cited)
    if len(words) < FEWEST_WORDS or body.endswith(("?", "？", ":", "：")) or body.startswith("#"):
        return Checked(start=start, end=end, support="no_claim", cited=cited)
    shares = sorted(((one.share(words), one.number) for one in materials), key=lambda pair: (-pair[0], pair[1]))
    best = shares[0][0] if shares else 0.0
    bound = max(THRESHOLD, best - NEAR_BEST)
    missing = tuple(number for number in dict.fromkeys(_numbers(body)) if len(number) > 1 and number not in known)
    support: Support = "supported" if best >= THRESHOLD and not missing else "unsupported"
    return Checked(
        start=start,
        end=end,
        support=support,
        share=round(best, 3),
        numbers=tuple(number for share, number in shares if share >= bound),
        cited=cited,
        missing=missing,
    )


def _material(one: Quoted) -> _Material:
    text = one.shown
    spans = sentences(text) or [(0, len(text))]
    windows = []
    for at in range(max(1, len(spans) - IN_A_ROW + 1)):
        start, end = spans[at][0], spans[min(at + IN_A_ROW, len(spans)) - 1][1]
        pieces = range(start, max(start + 1, end - WINDOW_CHARACTERS // 2), WINDOW_CHARACTERS // 2)
        windows += [frozenset(tokens(text[place : min(place + WINDOW_CHARACTERS, end)])) for place in pieces]
    named = frozenset(tokens(" ".join([one.document, *one.passage.headings])))
    return _Material(one.number, tuple(window | named for window in windows))


def _numbers(text: str) -> list[str]:
    """As people write them: 1,000 and 1000 are one."""
    return [number.replace(",", "").rstrip(".") for number in NUMBER.findall(text)]


def _with_marks(answer: str) -> list[tuple[int, int]]:
    """The sentences; citations after a full stop belong to the sentence before it."""
    spans: list[tuple[int, int]] = []
    ends = [found.end() for found in GLUED.finditer(answer)]
    pieces = zip([0, *ends], [*ends, len(answer)], strict=True)
    for start, end in (span for first, last in pieces for span in sentences(answer, first, last)):
        while spans and (mark := MARK.match(answer, start)) is not None and "\n" not in answer[spans[-1][1] : start]:
            spans[-1] = (spans[-1][0], mark.end())
            start = mark.end() + len(answer[mark.end() : end]) - len(answer[mark.end() : end].lstrip(" ."))
        if start < end:
            spans.append((start, end))
    return spans
