"""Citations in an answer: [1], [2, 3], [1-3], [자료 1]. A number that no passage has is a citation of nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from backend.documents.grounding.values import Citation, Quoted

_NUMBER: Final = r"\d{1,3}(?:\s*[-–—~]\s*\d{1,3})?"
MARK: Final = re.compile(
    rf"[\[【［]\s*(?:자료|문서|출처|근거|material|passage|source|document|no\.?)?\s*"
    rf"({_NUMBER}(?:\s*[,;·]\s*{_NUMBER})*)\s*[\]】］](?!\()",
    re.IGNORECASE,
)
"""Not followed by "(": that is a link. Four digits are a year."""
CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
LONGEST_RANGE: Final = 50


def citations(answer: str, quoted: Sequence[Quoted]) -> tuple[Citation, ...]:
    """Every number that the answer names, in order; start and end are of the whole mark, brackets included."""
    known = {one.number: one.passage.id for one in quoted}
    code = [found.span() for found in CODE.finditer(answer)]
    return tuple(
        Citation(number=number, start=mark.start(), end=mark.end(), passage_id=known.get(number))
        for mark in MARK.finditer(answer)
        if not any(start <= mark.start() < end for start, end in code)
        for number in numbers(mark[1], known)
    )


def numbers(inside: str, known: Mapping[int, str]) -> Iterator[int]:
    """The numbers between the brackets, each once. Of a range those that there are, or its ends when there are none."""
    told: dict[int, None] = {}
    for part in re.split(r"[,;·]", inside):
        ends = [int(end) for end in re.findall(r"\d+", part)]
        first, last = ends[0], ends[-1]
        within = [number for number in range(first, min(last, first + LONGEST_RANGE) + 1) if number in known]
        told |= dict.fromkeys(within or ends)
    yield from told


def without_citations(text: str) -> str:
    """The words alone."""
    return MARK.sub("", text)
