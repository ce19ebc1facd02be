"""Units filled into passages: as many as fit, from their own beginning or from the end of the passage before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backend.documents.splitting.sentences import Span, sentences
from backend.documents.splitting.settings import SplitSettings
from backend.documents.splitting.units import SIGNS_A_TOKEN, Cutter, Unit

WORD: Final = re.compile(r"\S+")


@dataclass(frozen=True)
class Packed:
    """text[start:end] is a passage; its ends stand in the units `first` and `last`, and it is about `body`."""

    start: int
    end: int
    tokens: int
    first: Unit
    last: Unit
    body: Unit


def groups(units: Iterable[Unit]) -> Iterator[list[Unit]]:
    """Units that may share passages: a heading and what follows up to the next one."""
    group: list[Unit] = []
    for unit in units:
        only_headings = all(before.kind == "heading" for before in group)
        if group and (unit.joins == "never" or (unit.joins == "after_headings" and not only_headings)):
            yield group
            group = []
        group.append(unit)
    if group:
        yield group


class Packer:
    """`text` is the document's, `cutter` weighs."""

    def __init__(self, text: str, settings: SplitSettings, cutter: Cutter) -> None:
        self._text, self._cutter = text, cutter
        self._size, self._overlap = settings.size, settings.overlap

    def pack(self, group: Sequence[Unit]) -> Iterator[Packed]:
        at, start = 0, group[0].start
        while at < len(group):
            start, after = self._filled(group, at, start)
            taken = group[at:after]
            first = next(unit for unit in group if unit.end > start)
            body = next((unit for unit in taken if unit.kind != "heading"), taken[-1])
            end = taken[-1].end
            yield Packed(start, end, self._cutter.tokens(start, end), first, taken[-1], body)
            at = after
            if at < len(group):
                room = min(self._overlap, self._size - group[at].weight)
                start = self._tail(taken, room) or group[at].start

    def _filled(self, group: Sequence[Unit], at: int, start: int) -> tuple[int, int]:
        """(where the passage starts, index after its last unit). Weights of parts need not add up to that of all."""
        total = self._cutter.weigh(start, group[at].start) if start < group[at].start else 0
        after = at
        while after < len(group) and total + group[after].weight <= self._size:
            total += group[after].weight
            after += 1
        after = max(after, at + 1)
        while self._cutter.weigh(start, group[after - 1].end) > self._size:
            if after > at + 1:
                after -= 1
            elif start < group[at].start:
                start = group[at].start
            else:
                break
        return start, after

    def _tail(self, taken: Sequence[Unit], room: int) -> int | None:
        """Where the last sentences begin that weigh `room` at most, else the last words; None when nothing does.

        Never all of the passage, and no headings or rows.
        """
        end, low = taken[-1].end, None
        for unit in reversed(taken):
            if unit.kind != "text":
                break
            low = unit.start
        if low is None or room <= 0:
            return None
        low = max(low, end - room * SIGNS_A_TOKEN)
        return self._earliest(sentences(self._text, low, end)[1:], room) or self._earliest(self._words(low, end), room)

    def _words(self, low: int, end: int) -> list[Span]:
        return [match.span() for match in WORD.finditer(self._text, low, end)][1:]

    def _earliest(self, pieces: Sequence[Span], room: int) -> int | None:
        """Where the last pieces begin that weigh `room` at most: each is weighed once, and all of them at the end."""
        fitting: list[int] = []
        left = room
        for start, end in reversed(pieces):
            left -= self._cutter.weigh(start, end)
            if left < 0:
                break
            fitting.append(start)
        while fitting and self._cutter.weigh(fitting[-1], pieces[-1][1]) > room:
            fitting.pop()
        return fitting[-1] if fitting else None
