"""Where examples go that came after the splits were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.examples.example import Split
from backend.examples.leakage import near
from backend.examples.stratify import SPLITS, Unit, assign
from backend.examples.task import TaskKind
from backend.examples.together import Light, groups_of
from backend.examples.units import PROTECTED, strata, units_of

LOOKED_AT: Final = 200_000
"""Placed examples that new ones are compared with, the test split first; inputs that are the same are always found."""

MOST: Final = 5


@dataclass(frozen=True)
class Placed:
    """How many new examples went where."""

    train: int = 0
    dev: int = 0
    test: int = 0


def placed(
    light: Sequence[Light], kind: TaskKind | None, shares: tuple[float, float, float], seed: int
) -> dict[Split, list[int]]:
    """The ids of the examples in no split, by the split that each shall be in."""
    new = [one for one in light if one.split is None]
    old = [one for one in light if one.split is not None]
    sides: dict[Split, list[int]] = {split: [] for split in SPLITS}
    if not new:
        return sides
    drawn = _drawn(new, old)
    held = [
        Light(one.id, one.input_key, one.output, one.text, one.spans, split)
        for one, split in zip(new, drawn, strict=True)
    ]
    counted = strata([*old, *held], kind)  # together, so that one example's answer is still seen to be a label
    before, after = counted[: len(old)], counted[len(old) :]
    units, members = units_of(held, after, groups_of(held).groups, seed, keep=True)
    free: tuple[Split, ...] = ("train", "dev")
    units = [Unit(unit.label, unit.weight, unit.order, free) if len(unit.allowed) > 1 else unit for unit in units]
    there = Counter(zip(before, (one.split for one in old), strict=True))
    fixed = [Unit(label, count, b"", (split,)) for (label, split), count in there.items() if split is not None]
    found = assign([*fixed, *units], dict(zip(SPLITS, shares, strict=True)))[len(fixed) :]
    for split, mine in zip(found, members, strict=True):
        sides[split].extend(held[index].id for index in mine)
    return sides


def _drawn(new: Sequence[Light], old: Sequence[Light]) -> list[Split | None]:
    """The split that each new example is drawn to by what is there; None when nothing there is like it."""
    rank = {split: place for place, split in enumerate(PROTECTED)}
    first = sorted(old, key=lambda one: rank[one.split or "train"])
    exact: dict[str, Split | None] = {}
    for one in first:
        exact.setdefault(one.input_key, one.split)
    found = [exact.get(one.input_key) for one in new]
    looked_at = first[:LOOKED_AT]
    for match in near([one.text for one in looked_at], [one.text for one in new], MOST):
        split, before = looked_at[match.text].split, found[match.query]
        if split is not None and (before is None or rank[split] < rank[before]):
            found[match.query] = split
    return found
