"""Named entities as the text of an answer, and back: one line "label: text" per entity, in the order of the input.

    사람: 이순신
    장소: 한산도

An input without any is answered "없음" ("none" where the input has no Hangul). Positions are not written, no model
counts characters reliably: reading looks each text up in the input. So a text that stands there twice and was marked
only the second time comes back as the first; measure an answer against `read_spans` of the expected output, not
against the marked positions, and both sides have been through the same rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from backend.examples.example import Span

NOTHING: Final = {"ko": "없음", "en": "none"}
READ_AS_NOTHING: Final = frozenset({"없음", "없습니다", "none", "nothing", "no entities"})
FURNITURE: Final = re.compile(r"^\s*(?:[-*•·]\s+|\d{1,3}[.)]\s+)?")
"""A bullet or a number that a model may put before a line."""
COLON: Final = re.compile(r"\s*[:：]\s*")
QUOTES: Final = "\"'`“”‘’「」『』"
COMMA: Final = re.compile(r"\s*[,、]\s*")
LINES: Final = 500
"""Lines of an answer that are read, and entities that one line may name: an answer that ran on is not read for ever."""
PLACES: Final = 1_000
"""Places of one mention that are told apart."""
LOOKED_UP: Final = 2_000
"""Different mentions that are looked up for one answer; what comes after them counts as not there."""


class SpansRead(NamedTuple):
    """`unfound` are entities (label, text) that the answer names and the input does not have: each one is wrong."""

    spans: tuple[Span, ...]
    unfound: tuple[tuple[str, str], ...]


def write_spans(variables: Mapping[str, str], spans: Iterable[Span]) -> str:
    """The answer that names these entities, in the order of the variables and of their places in them."""
    at = {name: number for number, name in enumerate(variables)}
    ordered = sorted(spans, key=lambda span: (at.get(span.variable, len(at)), span.start, -span.end))
    lines = [f"{span.label}: {_text_of(variables, span)}" for span in ordered if _text_of(variables, span)]
    return "\n".join(lines) or nothing_for(variables.values())


def _text_of(variables: Mapping[str, str], span: Span) -> str:
    return " ".join(variables.get(span.variable, "")[span.start : span.end].split())


def nothing_for(texts: Iterable[str]) -> str:
    """What answers an input without entities, in its language."""
    return NOTHING["ko" if any(re.search("[가-힣]", text) for text in texts) else "en"]


def read_spans(text: str, answer: str, labels: Sequence[str] = (), variable: str = "input") -> SpansRead | None:
    """Find the entities that an answer names in `text`; None when the answer does not hold to the format at all.

    Lines that are no "label: text" are passed over as long as one is. `labels` are the task's: their spelling is
    taken over from them, an unknown one stays as it is written. Each entity is placed at its first mention after
    the one before it, mentions at the edges of words first; the same place is never taken twice for one label.
    """
    known, looked = {label.casefold(): label for label in labels}, _LookedUp(text)
    # White space of any length makes the patterns quadratic.
    lines = (" ".join(line.split()) for line in answer.splitlines() if line.strip())
    named = [entity for line in islice(lines, LINES) for entity in _entities(line, looked, known)]
    if not named:
        return SpansRead((), ()) if _says_nothing(answer) else None
    found: list[Span] = []
    unfound = []
    for label, mention in named[:LINES]:
        place = looked.take(mention)
        if place is None:
            unfound.append((label, mention))
        else:
            found.append(Span(start=place[0], end=place[1], label=label, variable=variable))
    return SpansRead(tuple(sorted(found, key=lambda span: (span.start, -span.end))), tuple(unfound))


def _says_nothing(answer: str) -> bool:
    return answer.strip().strip(QUOTES + ".。!()[]").strip().casefold() in READ_AS_NOTHING


def _entities(line: str, looked: _LookedUp, known: Mapping[str, str]) -> list[tuple[str, str]]:
    """The entities of one line: mostly one; several after one label when commas part texts that the input has."""
    head = FURNITURE.sub("", line, count=1)
    label, colon, rest = _parted(head, known)
    mention = rest.strip().strip(QUOTES).strip()
    if not colon or not label or not mention or _says_nothing(mention):
        return []
    parts = [part.strip(QUOTES) for part in COMMA.split(mention, LINES)]
    if len(parts) > 1 and not looked.places(mention) and all(part and looked.places(part) for part in parts):
        return [(label, part) for part in parts]
    return [(label, mention)]


def _parted(line: str, known: Mapping[str, str]) -> tuple[str, bool, str]:
    """Label, whether there is a colon, and what follows; a known label may have colons of its own."""
    longest = max(map(len, known), default=0) + len(QUOTES)
    for sign in COLON.finditer(line[: 2 * longest]):
        label = line[: sign.start()].strip().strip(QUOTES + "*").strip()
        if label.casefold() in known:
            return known[label.casefold()], True, line[sign.end() :]
    sign_or_none = COLON.search(line)
    if sign_or_none is None:
        return "", False, ""
    return line[: sign_or_none.start()].strip().strip(QUOTES + "*").strip(), True, line[sign_or_none.end() :]


class _LookedUp:
    """A text in which mentions are looked up, each one once, and which of its places are taken by now."""

    def __init__(self, text: str) -> None:
        self._text = text
        words = list(re.finditer(r"\S+", text))
        self._plain = " ".join(word[0] for word in words)
        # The place in the text of each character of the plain one; the space after a word stands for any white space.
        self._at = [place for word in words for place in range(word.start(), word.end() + 1)]
        self._places: dict[str, list[tuple[int, int]]] = {}
        self._taken: set[tuple[int, int]] = set()
        self._covered = bytearray(len(text))
        self._after = 0

    def places(self, mention: str) -> list[tuple[int, int]]:
        """The places of a mention, letter by letter the same; white space may be any."""
        plain = " ".join(mention.split())
        if plain not in self._places:
            more = bool(plain) and len(self._places) < LOOKED_UP
            self._places[plain] = list(islice(self._each(plain), PLACES)) if more else []
        return self._places[plain]

    def _each(self, plain: str) -> Iterator[tuple[int, int]]:
        start = self._plain.find(plain)
        while start >= 0:
            yield self._at[start], self._at[start + len(plain) - 1] + 1
            start = self._plain.find(plain, start + 1)

    def take(self, mention: str) -> tuple[int, int] | None:
        """The best place of a mention that was not taken before; None when there is none (left)."""
        free = (place for place in self.places(mention) if place not in self._taken)
        place = min(free, key=self._rank, default=None)
        if place is not None:
            start, self._after = place
            self._taken.add(place)
            self._covered[start : self._after] = b"\1" * (self._after - start)
        return place

    def _rank(self, place: tuple[int, int]) -> tuple[bool, bool, bool, int]:
        overlaps = self._covered.find(1, *place) >= 0
        return overlaps, place[0] < self._after, not _at_edges(self._text, place), place[0]


def _at_edges(text: str, place: tuple[int, int]) -> bool:
    """Whether a mention begins a word, and does not stop inside of a Latin one (Korean particles may follow)."""
    start, end = place
    begins = start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())
    last = text[end - 1]
    stops = end == len(text) or not (last.isascii() and last.isalnum() and text[end].isascii() and text[end].isalnum())
    return begins and stops
