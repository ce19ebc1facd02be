"""Which units go to train, dev and test: stratified over labels, whole groups at a time. Pure, quick for many labels.

scikit-learn's StratifiedGroupKFold holds a table of groups times labels (4 GB for 100,000 examples of 5,000 labels),
and its StratifiedShuffleSplit knows no groups and refuses a label with one example. Here a unit goes where its label
lacks the most, larger units first, after Sechidis, Tsoumakas, Vlahavas (2011), "On the stratification of multi-label
data".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, get_args

from backend.examples.example import Split

SPLITS: Final[tuple[Split, ...]] = get_args(Split)
TIES: Final[dict[Split, int]] = {"test": 2, "dev": 1, "train": 0}
Shares = dict[Split, float]

RARE: Final = 2
RARE_SHARE: Final = 0.1
"""Labels with one or two examples go to train first, as long as they are no more than this share of everything."""

PULL: Final = 1.0
"""By how many examples a label may be off its shares so that the whole keeps them."""


@dataclass(frozen=True)
class Unit:
    """Examples that stay together. `order` decides among equals, `allowed` says where it may go."""

    label: str
    weight: int
    order: bytes
    allowed: tuple[Split, ...] = SPLITS


def assign(units: Sequence[Unit], shares: Shares) -> list[Split]:
    """Where each unit goes; the same units and shares give the same answer."""
    found: list[Split] = ["train"] * len(units)
    total: Counter[Split] = Counter()
    by_label: defaultdict[str, Counter[Split]] = defaultdict(Counter)
    free: defaultdict[str, list[int]] = defaultdict(list)
    size: Counter[str] = Counter()
    for index, unit in enumerate(units):
        size[unit.label] += unit.weight
        if len(unit.allowed) > 1:
            free[unit.label].append(index)
            continue
        found[index] = unit.allowed[0]
        total[found[index]] += unit.weight
        by_label[unit.label][found[index]] += unit.weight
    told = _effective(units, shares, total)
    spare_rare = sum(weight for weight in size.values() if weight <= RARE) <= RARE_SHARE * sum(size.values())
    seen = sum(total.values())
    for label in sorted(free, key=lambda label: (size[label], label)):
        got = by_label[label]
        pull = 0.0 if spare_rare and size[label] <= RARE else PULL
        for index in sorted(free[label], key=lambda index: (-units[index].weight, units[index].order)):
            unit = units[index]
            seen += unit.weight
            lacks = {
                split: told[split] * size[label] - got[split] + _clamp(told[split] * seen - total[split], pull)
                for split in unit.allowed
            }
            best = max(
                unit.allowed, key=lambda split: (round(lacks[split], 6), told[split] * seen - total[split], TIES[split])
            )
            found[index] = best
            got[best] += unit.weight
            total[best] += unit.weight
    return found


def _clamp(lack: float, most: float) -> float:
    return max(-most, min(most, lack))


def _effective(units: Sequence[Unit], shares: Shares, fixed: Counter[Split]) -> Shares:
    """The shares, where the data fixed a whole split already: the others share what is left as they were asked to."""
    everything = sum(unit.weight for unit in units)
    open_to = {split for unit in units if len(unit.allowed) > 1 for split in unit.allowed}
    closed = {split: fixed[split] / everything for split in SPLITS if split not in open_to}
    asked = sum(shares[split] for split in open_to)
    left = 1.0 - sum(closed.values())
    return {split: closed[split] if split in closed else shares[split] * left / max(asked, 1e-9) for split in SPLITS}
