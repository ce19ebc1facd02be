"""Examples as units to be shared out: what each is counted as, and where it may go."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

from backend.examples.example import Split
from backend.examples.stratify import SPLITS, Unit
from backend.examples.task import LABELLED, TaskKind
from backend.examples.together import Light

LABEL_LENGTH: Final = 60
PER_LABEL: Final = 2
"""Without a task, outputs are taken for labels when they are short and stand for so many examples each."""

PROTECTED: Final[tuple[Split, ...]] = ("test", "dev", "train")
"""An example that is nearly the same as one of several splits belongs to the first of these."""


def labelled(light: Sequence[Light], kind: TaskKind | None) -> bool:
    """Whether the outputs are labels: the task says so, or they look like it."""
    if kind is not None:
        return kind in LABELLED
    different = {one.output for one in light}
    return len(different) * PER_LABEL <= len(light) and max(map(len, different), default=0) <= LABEL_LENGTH


def strata(light: Sequence[Light], kind: TaskKind | None) -> list[str]:
    """What each example is counted as: its label, the kinds of span in it, or nothing."""
    if kind == "entities":
        return [",".join(sorted({span["label"] for span in json.loads(one.spans or "[]")})) for one in light]
    return [one.output for one in light] if labelled(light, kind) else [""] * len(light)


def units_of(
    light: Sequence[Light], counted: Sequence[str], groups: Iterable[Sequence[int]], seed: int, keep: bool
) -> tuple[list[Unit], list[Sequence[int]]]:
    """The units, and the indices of the examples in each. With `keep` an example stays in the split it is in."""
    members: list[tuple[Sequence[int], tuple[Split, ...]]] = []
    grouped: set[int] = set()
    for group in groups:
        grouped.update(group)
        members += _parts(light, group) if keep else [(group, SPLITS)]
    for index, one in enumerate(light):
        if index not in grouped:
            members.append(((index,), (one.split,) if keep and one.split else SPLITS))
    units = [_unit(light, counted, indices, allowed, seed) for indices, allowed in members]
    return units, [indices for indices, _allowed in members]


def _parts(light: Sequence[Light], group: Sequence[int]) -> list[tuple[Sequence[int], tuple[Split, ...]]]:
    """A group of which some have their split: each stays, and the others go with the one to be protected most."""
    by_split: defaultdict[Split | None, list[int]] = defaultdict(list)
    for index in group:
        by_split[light[index].split].append(index)
    free = by_split.pop(None, [])
    if not by_split:
        return [(group, SPLITS)]
    first = next(split for split in PROTECTED if split in by_split)
    by_split[first] += free
    return [(indices, (split,)) for split, indices in by_split.items() if split is not None]


def _unit(
    light: Sequence[Light], counted: Sequence[str], indices: Sequence[int], allowed: tuple[Split, ...], seed: int
) -> Unit:
    """Its order follows from its content and the seed, so that the same data is split alike in another project."""
    label = counted[indices[0]]
    if len(indices) > 1:
        label = min(Counter(counted[index] for index in indices).items(), key=lambda pair: (-pair[1], pair[0]))[0]
    name = min(light[index].input_key for index in indices)
    return Unit(label, len(indices), blake2b(f"{seed} {name}".encode(), digest_size=8).digest(), allowed)


def borrowing(units: Sequence[Unit]) -> tuple[list[Unit], list[Split]]:
    """Where the data names splits but not all three, the train split lends to those that nothing can go to."""
    reached = {split for unit in units for split in unit.allowed}
    lacking: list[Split] = [split for split in SPLITS if split not in reached]
    if not lacking or "train" in lacking:
        return list(units), []
    wider: tuple[Split, ...] = ("train", *lacking)
    return [
        Unit(unit.label, unit.weight, unit.order, wider) if unit.allowed == ("train",) else unit for unit in units
    ], lacking
