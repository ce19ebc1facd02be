"""The numbers of headings and list items of a Hangul document: "1.", "가.", "제3조".

As in Word's documents they are made when a page is drawn, and people ask for them. (OWPML, KS X 6101: numbering,
paraHead.) A kind of number that is not known here gives no label rather than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from backend.documents.readers.wordnumbers import lettered, one_of, roman

Element = Any
PLACE: Final = re.compile(r"\^(10|[1-9])")
SYLLABLES: Final = "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허"
"""After 하 comes 거, as the rules for official documents have it."""
CONSONANTS: Final = "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"


FORMATS: Final[Mapping[str, Callable[[int], str]]] = {
    "DIGIT": str,
    "CIRCLED_DIGIT": one_of("".join(map(chr, range(0x2460, 0x2474)))),
    "ROMAN_CAPITAL": lambda number: roman(number).upper(),
    "ROMAN_SMALL": roman,
    "LATIN_CAPITAL": lambda number: lettered(number).upper() if 0 < number <= 26 else "",
    "LATIN_SMALL": lambda number: lettered(number) if 0 < number <= 26 else "",
    "HANGUL_SYLLABLE": one_of(SYLLABLES),
    "HANGUL_JAMO": one_of(CONSONANTS),
    "CIRCLED_HANGUL_SYLLABLE": one_of("".join(map(chr, range(0x326E, 0x327C)))),
    "CIRCLED_HANGUL_JAMO": one_of("".join(map(chr, range(0x3260, 0x326E)))),
}


class Head(NamedTuple):
    start: int
    format: str
    text: str


class Numbers:
    """Counts through one document, paragraph by paragraph in its order. Levels count from 1."""

    def __init__(self, headers: Iterable[Element]) -> None:
        self._lists = {
            numbering.get("id"): {whole(head.get("level")): told(head) for head in numbering.iter("{*}paraHead")}
            for header in headers
            for numbering in header.iter("{*}numbering")
        }
        self._counts: dict[str, dict[int, int]] = {}

    def label(self, name: str, level: int) -> str:
        """The number of the next paragraph at `level` of list `name`; "" where it is unknown."""
        heads = self._lists.get(name, {})
        if level not in heads:
            return ""
        counts = self._counts.setdefault(name, {})
        counts[level] = counts.get(level, heads[level].start - 1) + 1
        for deeper in [at for at in counts if at > level]:
            del counts[deeper]
        said = heads[level].text
        for place in {int(found) for found in PLACE.findall(said)}:
            make = FORMATS.get(heads[place].format) if place in heads else None
            number = make(counts[place]) if make is not None and place in counts else ""
            if not number:
                return ""
            said = re.sub(rf"\^{place}(?!\d)", number, said)
        return "" if "^" in said else " ".join(said.split())


def told(head: Element) -> Head:
    return Head(whole(head.get("start"), 1), head.get("numFormat") or "DIGIT", head.text or "")


def whole(written: str | None, otherwise: int = 0) -> int:
    plain = written or ""
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 9 else otherwise
