"""Which examples must stay on one side of a split: those with the same input, or nearly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.examples.example import Split
from backend.examples.filters import live
from backend.examples.near_duplicates import THRESHOLD, near_duplicates
from backend.projects.tables import ExampleRow

CHAIN: Final = 50
CHAIN_SHARE: Final = 0.1
"""A group larger than both is a chain through many in-between texts (forms, templates); it cannot go to one side."""

STRICTER: Final = 0.9


@dataclass(frozen=True, slots=True)
class Light:
    """What splitting needs to know of an example; `text` is its whole input, `spans` JSON text."""

    id: int
    input_key: str
    output: str
    text: str
    spans: str | None
    split: Split | None


@dataclass(frozen=True)
class Together:
    """Groups of two or more indices. `near` of them hold different inputs; `chained` examples were in chains cut up."""

    groups: list[list[int]]
    near: int
    chained: int


def read_light(session: Session) -> list[Light]:
    """All examples that are there, in the order in which they came."""
    wanted = (ExampleRow.id, ExampleRow.input_key, ExampleRow.output, ExampleRow.variables, ExampleRow.spans)
    rows = session.execute(select(*wanted, ExampleRow.split).where(live()).order_by(ExampleRow.id))
    return [Light(row.id, row.input_key, row.output, _text(row.variables), row.spans, row.split) for row in rows]


def _text(variables: str) -> str:
    return "\n".join(json.loads(variables).values())


def groups_of(light: Sequence[Light]) -> Together:
    """Groups by the same input, then by nearly the same (see near_duplicates)."""
    same: dict[str, list[int]] = {}
    for index, one in enumerate(light):
        same.setdefault(one.input_key, []).append(index)
    alike = list(same.values())
    texts = [light[indices[0]].text for indices in alike]
    limit = max(CHAIN, int(CHAIN_SHARE * len(light)))
    found, chained = _cut(texts, limit)
    groups = [sorted(index for place in group for index in alike[place]) for group in found]
    taken = {place for group in found for place in group}
    groups += [indices for place, indices in enumerate(alike) if len(indices) > 1 and place not in taken]
    return Together(groups, len(found), chained)


def _cut(texts: Sequence[str], limit: int) -> tuple[list[list[int]], int]:
    """Groups of near-duplicates, chains cut up at a stricter threshold, and how many texts were in chains."""
    kept, chained = [], 0
    for group in near_duplicates(texts, THRESHOLD):
        if len(group) <= limit:
            kept.append(group)
            continue
        chained += len(group)
        tighter = near_duplicates([texts[place] for place in group], STRICTER)
        kept += [[group[place] for place in places] for places in tighter if len(places) <= limit]
    return kept, chained
