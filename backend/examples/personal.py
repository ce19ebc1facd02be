"""Personal data in texts: where it is, and the text without it. Found by shape and check digit, not by understanding.

rrn    resident registration numbers and those of foreigners. Written with a dash, any that begins with a date of birth:
       since October 2020 the last six digits are drawn at random and carry no check digit. Thirteen digits in a row
       may be a barcode or an order, so there the check digit must be right, or the birth after that month.
phone  Korean mobile and landline numbers, and numbers with a country's code
email  addresses
card   14 to 19 digits of a card issuer's range whose last one is right (Luhn, ISO/IEC 7812)
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

PersonalKind = Literal["rrn", "phone", "email", "card"]

WRITTEN: Final = MappingProxyType(
    {
        "rrn": ("[주민등록번호]", "[resident number]"),
        "phone": ("[전화번호]", "[phone]"),
        "email": ("[이메일]", "[email]"),
        "card": ("[카드번호]", "[card number]"),
    }
)
"""What stands in the place of a masked piece, in a Korean text and in others."""

RANDOM_SINCE: Final = date(2020, 10, 1)
RRN: Final = re.compile(r"(?<![\d-])(\d{6})( ?[-–‐] ?|)([1-8]\d{6})(?![\d-])", re.ASCII)
CARD: Final = re.compile(r"(?<![\d-])(?:\d[ -]?){13,18}\d(?![\d-])", re.ASCII)
ISSUERS: Final = re.compile(r"4|5[1-5]|2[2-7]|3[47]|35|6011|64|65|62|9[0-9]")
PHONE: Final = re.compile(
    r"""(?<![\d.+-])(?:
        01[016789][-. ]?\d{3,4}[-. ]?\d{4}                     # mobile
      | (?:0(?:2|[3-6]\d|70|50\d|80)[-. ]|\(0(?:2|[3-6]\d)\)[ ]?)\d{3,4}[-. ]\d{4}  # landline, its parts apart
      | \+\d{1,3}[-. ]?(?:\(?\d{1,4}\)?[-. ]?){2,4}\d{3,4}       # with the country's code
      | \(\d{3}\)[ ]?\d{3}-\d{4} | \d{3}-\d{3}-\d{4}             # North America
    )(?![\d-]*\d)""",
    re.ASCII | re.VERBOSE,
)
EMAIL: Final = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)
HANGUL: Final = re.compile("[가-힣]")
DIGITS: Final = re.compile(r"\d.*\d.*\d.*\d.*\d.*\d.*\d", re.ASCII)


@dataclass(frozen=True)
class Personal:
    """Characters start..end (end not included) of a text are somebody's."""

    kind: PersonalKind
    start: int
    end: int


@dataclass(frozen=True)
class Masked:
    """A text without what is personal; `places` are those of what stands for each piece that was found."""

    text: str
    found: tuple[Personal, ...]
    places: tuple[tuple[int, int], ...] = ()

    def moved(self, place: int) -> int:
        """Where a place of the old text is now; one inside of a masked piece is at the end of what stands for it."""
        at = bisect_right([piece.start for piece in self.found], place - 1) - 1
        if at < 0:
            return place
        return self.places[at][1] + max(place - self.found[at].end, 0)


def find_personal(text: str) -> list[Personal]:
    """In the order of the text; pieces do not overlap."""
    found: list[Personal] = []
    for pieces in _candidates(text):  # each kind in the order of the text, so that a kind is merged in one go
        starts = [other.start for other in found]
        found += [piece for piece in pieces if _free(piece, found, starts)]
        found.sort(key=lambda piece: piece.start)
    return found


def _free(piece: Personal, found: Sequence[Personal], starts: Sequence[int]) -> bool:
    """Whether a piece touches none of those found before, which are apart and in order: only its neighbour can."""
    at = bisect_left(starts, piece.end)
    return at == 0 or found[at - 1].end <= piece.start


def mask(text: str, korean: bool | None = None) -> str:
    """The text with each piece of personal data replaced by its kind; in Korean if the text is, or as `korean` says."""
    return masked(text, korean).text


def masked(text: str, korean: bool | None = None) -> Masked:
    """`mask`, with what was found and where everything went."""
    found = find_personal(text)
    if not found:
        return Masked(text, ())
    language = 0 if (is_korean(text) if korean is None else korean) else 1
    pieces, places, at, length = [], [], 0, 0
    for piece in found:
        word = WRITTEN[piece.kind][language]
        length += piece.start - at
        places.append((length, length + len(word)))
        pieces += [text[at : piece.start], word]
        length, at = length + len(word), piece.end
    return Masked("".join([*pieces, text[at:]]), tuple(found), tuple(places))


def is_korean(text: str) -> bool:
    return HANGUL.search(text) is not None


def _candidates(text: str) -> Iterator[list[Personal]]:
    """By kind, what is likelier first: a resident number may look like a card, a card like a telephone number."""
    if "@" in text:
        yield [Personal("email", *match.span()) for match in EMAIL.finditer(text)]
    if sum(sign.isdigit() for sign in text[:2_000]) < 7 and (len(text) <= 2_000 or not DIGITS.search(text)):
        return
    numbers = [match for match in RRN.finditer(text) if _is_rrn(match[1], match[3], apart=bool(match[2]))]
    yield [Personal("rrn", *match.span()) for match in numbers]
    yield [Personal("card", *match.span()) for match in CARD.finditer(text) if _is_card(match[0])]
    yield [Personal("phone", *match.span()) for match in PHONE.finditer(text) if _is_phone(match[0])]


def _is_rrn(front: str, back: str, apart: bool) -> bool:
    from stdnum.exceptions import ValidationError
    from stdnum.kr import rrn

    try:
        born = rrn.get_birth_date(front + back, allow_future=False)
    except ValidationError:
        return False
    return apart or born >= RANDOM_SINCE or rrn.calc_check_digit((front + back)[:-1]) == back[-1]


def _is_card(text: str) -> bool:
    from stdnum import luhn

    digits = re.sub(r"\D", "", text)
    return bool(ISSUERS.match(digits)) and len(set(digits)) > 1 and luhn.is_valid(digits)


def _is_phone(text: str) -> bool:
    return 9 <= sum(sign.isdigit() for sign in text) <= 15


def kinds_in(texts: Sequence[str]) -> list[PersonalKind]:
    """Which kinds stand in these texts, each piece once."""
    return [piece.kind for text in texts for piece in find_personal(text)]
