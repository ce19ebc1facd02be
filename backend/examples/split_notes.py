"""What to know about a plan before the splits are made."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backend.examples.example import Split
from backend.examples.notes import Note
from backend.examples.stratify import SPLITS
from backend.examples.together import Light, Together

FEW: Final = 30
"""Test examples below which a share's 95 % interval is wider than plus and minus 17 points."""

NAMED: Final = 5
"""Labels that are told by name."""


@dataclass(frozen=True)
class Findings:
    """A plan with what it was made of. `sides` and groups hold indices into `light`; `counted` is None without labels.

    borrowed  splits that the data lacked and that were taken from its train split
    kept      examples were left in the split that they were in
    anew      splits had been made before
    """

    light: Sequence[Light]
    counted: Sequence[str] | None
    sides: Mapping[Split, Sequence[int]]
    together: Together
    borrowed: Sequence[Split]
    kept: bool
    anew: bool

    def per_label(self) -> dict[str, dict[Split, int]]:
        """Examples of each label per split, the most frequent label first."""
        if self.counted is None:
            return {}
        per_split = {split: Counter(self.counted[index] for index in self.sides[split]) for split in SPLITS}
        labels = Counter(self.counted).most_common()
        return {label: {split: per_split[split][label] for split in SPLITS} for label, _count in labels}


def notes(found: Findings) -> list[Note]:
    """The gravest first."""
    return [*_anew(found), *_sizes(found), *_labels(found), *_given(found), *_groups(found)]


def _anew(found: Findings) -> Iterator[Note]:
    if not found.anew:
        return
    known = sum(found.light[index].split in ("train", "dev") for index in found.sides["test"])
    yield Note("examples.split.anew", {"count": f"{known:,}"})


def _sizes(found: Findings) -> Iterator[Note]:
    for split in SPLITS:
        if not found.sides[split]:
            yield Note(f"examples.split.no_{split}")
    count = len(found.sides["test"])
    if 0 < count < FEW:
        yield Note("examples.split.small_test", {"count": count, "points": _points(count)})


def _points(count: int) -> int:
    """Half the width of Wilson's 95 % interval when half of the answers are right, in points of a hundred."""
    z = 1.959964
    return round(100 * z * math.sqrt(0.25 / count + z**2 / (4 * count**2)) / (1 + z**2 / count))


def _labels(found: Findings) -> Iterator[Note]:
    per_label = found.per_label()
    if len(per_label) == 1:
        yield Note("examples.split.one_label", {"label": next(iter(per_label))})
    for split in ("test", "train"):
        lacking = [label for label, counts in per_label.items() if not counts[split]]
        if lacking and found.sides[split]:
            named = ", ".join(label[:40] for label in lacking[:NAMED])
            yield Note(f"examples.split.labels_without_{split}", {"count": f"{len(lacking):,}", "labels": named})


def _given(found: Findings) -> Iterator[Note]:
    if not found.kept or not (given := sum(one.split is not None for one in found.light)):
        return
    yield Note("examples.split.given", {"count": f"{given:,}"})
    for split in found.borrowed:
        yield Note(f"examples.split.{split}_from_train")
    side = {index: split for split, mine in found.sides.items() for index in mine}
    apart = [group for group in found.together.groups if len({side[index] for index in group}) > 1]
    if apart:
        yield Note("examples.split.given_leak", {"count": f"{sum(map(len, apart)):,}"})


def _groups(found: Findings) -> Iterator[Note]:
    if found.together.groups:
        count = sum(map(len, found.together.groups))
        yield Note("examples.split.together", {"count": f"{count:,}", "groups": f"{len(found.together.groups):,}"})
    if found.together.chained:
        yield Note("examples.split.chained", {"count": f"{found.together.chained:,}"})
