"""The numbers of headings and list items of a Word document: "제3조", "1.2", "가."

Word makes them when it draws a page; people ask for articles by them, so they have to stand in the text.
Counting follows ECMA-376 part 1, 17.9: all lists of one abstract definition count together, a level starts again
after a higher one, an override starts a list anew once. A kind of number that is not known here gives no label rather
than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

Element = Any
W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
PLACE: Final = re.compile(r"%([1-9])")
SYLLABLES: Final = "가나다라마바사아자차카타파하"
CONSONANTS: Final = "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
ROMAN: Final = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
ROMAN_SMALL: Final = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


def roman(number: int) -> str:
    said = ""
    for worth, letters in (*ROMAN, *ROMAN_SMALL):
        said += letters * (number // worth)
        number %= worth
    return said


def lettered(number: int) -> str:
    """a..z, then aa..zz: Word repeats the letter."""
    return chr(97 + (number - 1) % 26) * ((number - 1) // 26 + 1)


def one_of(letters: str) -> Callable[[int], str]:
    return lambda number: letters[number - 1] if 0 < number <= len(letters) else ""


FORMATS: Final[Mapping[str, Callable[[int], str]]] = {
    "decimal": str,
    "decimalZero": lambda number: f"{number:02d}",
    "upperRoman": lambda number: roman(number).upper(),
    "lowerRoman": roman,
    "upperLetter": lambda number: lettered(number).upper(),
    "lowerLetter": lettered,
    "ganada": one_of(SYLLABLES),
    "chosung": one_of(CONSONANTS),
    "decimalEnclosedCircle": lambda number: chr(0x2460 + number - 1) if number <= 20 else str(number),
}


class Level(NamedTuple):
    start: int
    format: str
    text: str
    restarts: bool
    legal: bool
    """All its numbers are written in digits."""
    style: str
    """Id of the paragraph style that stands for this level."""


class Numbers:
    """Counts through one document, paragraph by paragraph in its order."""

    def __init__(self, root: Element | None) -> None:
        self._levels: dict[str, dict[int, Level]] = {}
        self._lists: dict[str, str] = {}
        self._starts: dict[tuple[str, int], int] = {}
        self._counts: dict[str, dict[int, int]] = {}
        for abstract in root.iterchildren(f"{W}abstractNum") if root is not None else ():
            self._levels[abstract.get(f"{W}abstractNumId")] = dict(map(level, abstract.iterchildren(f"{W}lvl")))
        for one in root.iterchildren(f"{W}num") if root is not None else ():
            self._list(one)

    def _list(self, one: Element) -> None:
        name, abstract = one.get(f"{W}numId"), told(one, "abstractNumId")
        if any(True for _ in one.iterfind(f"{W}lvlOverride/{W}lvl")):  # levels of its own: another list altogether
            own = dict(map(level, one.iterfind(f"{W}lvlOverride/{W}lvl")))
            self._levels[f"{abstract}/{name}"] = {**self._levels.get(abstract, {}), **own}
            abstract = f"{abstract}/{name}"
        self._lists[name] = abstract
        for override in one.iterchildren(f"{W}lvlOverride"):
            if told(override, "startOverride").isdigit():
                depth = override.get(f"{W}ilvl") or "0"
                self._starts[name, int(depth) if depth.isdigit() else 0] = int(told(override, "startOverride"))

    def depth_of(self, name: str, style: str) -> int:
        """The level of list `name` that paragraph style `style` stands for; 0 where none does."""
        levels = self._levels.get(self._lists.get(name, ""), {})
        return next((depth for depth, one in levels.items() if style and one.style == style), 0)

    def label(self, name: str, depth: int) -> str:
        """The number of the next paragraph at `depth` (from 0) of list `name`; "" of bullets and of what is unknown."""
        abstract = self._lists.get(name, "")
        levels = self._levels.get(abstract, {})
        if depth not in levels:
            return ""
        counts = self._counts.setdefault(abstract, {})
        anew = self._starts.pop((name, depth), None)
        counts[depth] = anew if anew is not None else counts.get(depth, levels[depth].start - 1) + 1
        for deeper in [at for at in counts if at > depth and levels[at].restarts]:
            del counts[deeper]
        return written(levels, counts, depth)


def written(levels: Mapping[int, Level], counts: Mapping[int, int], depth: int) -> str:
    here = levels[depth]
    if here.format in {"bullet", "none"}:
        return ""
    said = here.text
    for place in {int(found) - 1 for found in PLACE.findall(here.text)}:
        if place not in levels:
            return ""
        number = counts.get(place, levels[place].start)
        make = FORMATS.get("decimal" if here.legal else levels[place].format)
        label = make(number) if make is not None and (number > 0 or make is str) else ""
        if not label:
            return ""
        said = said.replace(f"%{place + 1}", label)
    return " ".join(said.split())


def level(element: Element) -> tuple[int, Level]:
    depth, start = element.get(f"{W}ilvl") or "0", told(element, "start")
    return int(depth) if depth.isdigit() else 0, Level(
        start=int(start) if start.isdigit() and len(start) < 9 else 0,
        format=told(element, "numFmt") or "decimal",
        text=told(element, "lvlText"),
        restarts=told(element, "lvlRestart") != "0",
        legal=element.find(f"{W}isLgl") is not None,
        style=told(element, "pStyle"),
    )


def told(element: Element, name: str) -> str:
    found = element.find(f"{W}{name}")
    return "" if found is None else str(found.get(f"{W}val") or "")
