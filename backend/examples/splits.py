"""Train, dev and test: made once with a seed, near-duplicates on the same side, and the test split locked from then on.

Nothing moves in or out of the test split afterwards but by making all splits anew, which has to be asked for in so many
words and is written in the log. Answers that were kept stay: they are kept by input.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from backend.assistants import Part
from backend.errors import BadInput, Busy, Refused, StorageProblem
from backend.examples import changes
from backend.examples.adding import SPLITS as NOTE
from backend.examples.edits import Before, log, mark, set_column
from backend.examples.example import Split
from backend.examples.notes import Note
from backend.examples.placing import Placed, placed
from backend.examples.split_notes import Findings, notes
from backend.examples.store import ExampleStore
from backend.examples.stratify import SPLITS, Shares, assign
from backend.examples.together import groups_of, read_light
from backend.examples.units import borrowing, labelled, strata, units_of
from backend.projects.moments import moment
from backend.projects.tables import NoteRow

SHARES: Final = (0.6, 0.2, 0.2)
LEAST: Final = 3
"""Examples without which there is nothing to split."""


@dataclass(frozen=True)
class SplitPlan:
    """What `make_splits` would do. `per_label` is empty for tasks without labels."""

    counts: Mapping[Split, int]
    per_label: Mapping[str, Mapping[Split, int]]
    warnings: list[Note]
    seed: int
    shares: tuple[float, float, float]
    sides: Mapping[Split, tuple[int, ...]] = field(repr=False)
    mark: str = field(repr=False)
    """The state of the examples that the plan was made for."""


class SplitsMade(Part):
    """How the splits that are there were made; `test_count` is how many test examples there were then."""

    seed: int
    shares: tuple[float, float, float]
    made: datetime
    test_count: int
    times: int = 1
    """2 and more: they were made anew."""


def plan_splits(
    store: ExampleStore, seed: int = 0, shares: tuple[float, float, float] = SHARES, keep: bool | None = None
) -> SplitPlan:
    """Share the examples out, (train, dev, test) summing to 1; the same examples and seed give the same plan.

    keep  leave examples in the split that they are in, because the data or a person said so, and share out the
          rest; None means yes until splits were made. A split that the data lacks is taken from its train split.

    100,000 examples take about 10 s, most of it for near-duplicates. Raises BadInput: "error.split_shares",
    "error.split_too_few" (count).
    """
    wanted = _checked(shares)
    with store.database.read() as session:
        state = mark(session)
        made = _made(session)
        light = read_light(session)
    if len(light) < LEAST:
        raise BadInput("error.split_too_few", count=len(light), least=LEAST)
    keeping = made is None if keep is None else keep
    task = store.task()
    kind = None if task is None else task.kind
    counted, together = strata(light, kind), groups_of(light)
    units, members = units_of(light, counted, together.groups, seed, keeping)
    units, borrowed = borrowing(units)
    sides: dict[Split, list[int]] = {split: [] for split in SPLITS}
    for split, mine in zip(assign(units, wanted), members, strict=True):
        sides[split].extend(mine)
    labels = counted if labelled(light, kind) else None
    findings = Findings(light, labels, sides, together, borrowed, keeping, made is not None)
    return SplitPlan(
        counts={split: len(mine) for split, mine in sides.items()},
        per_label=findings.per_label(),
        warnings=notes(findings),
        seed=seed,
        shares=shares,
        sides={split: tuple(sorted(light[index].id for index in mine)) for split, mine in sides.items()},
        mark=state,
    )


def make_splits(store: ExampleStore, plan: SplitPlan, anew: bool = False, reason: str = "") -> SplitsMade:
    """Do what the plan says, and lock the test split. `anew` says that splits which are there shall go.

    Raises Refused("error.splits_made") without `anew`, Busy("error.examples_changed") when the plan is of another day.
    """
    with store.database.write() as session:
        before = _made(session)
        if before is not None and not anew:
            raise Refused("error.splits_made", made=before.made.strftime("%Y-%m-%d"))
        if mark(session) != plan.mark:
            raise Busy("error.examples_changed")
        now = time.time()
        count = sum(set_column(session, "split", split, ids, now) for split, ids in plan.sides.items())
        made = SplitsMade(
            seed=plan.seed,
            shares=plan.shares,
            made=moment(now),
            test_count=len(plan.sides["test"]),
            times=1 if before is None else before.times + 1,
        )
        session.merge(NoteRow(key=NOTE, value=made.model_dump_json(), changed=now))
        about = {"made": json.loads(made.model_dump_json()), "reason": reason[:500]}
        log(session, "splits", Before(about=about), count)
        return made


def splits_made(store: ExampleStore) -> SplitsMade | None:
    """None while the test split is not locked. Raises StorageProblem("error.splits_note"): it cannot be read."""
    with store.database.read() as session:
        return _made(session)


def read_made(text: str) -> SplitsMade:
    """Raises StorageProblem("error.splits_note"): a newer studio wrote it, or the file is damaged."""
    try:
        return SplitsMade.model_validate_json(text)
    except ValueError as fault:
        raise StorageProblem("error.splits_note") from fault


def _made(session: Session) -> SplitsMade | None:
    row = session.get(NoteRow, NOTE)
    return None if row is None else read_made(row.value)


def _checked(shares: Sequence[float]) -> Shares:
    if len(shares) != 3 or not (min(shares) >= 0 < shares[2] and abs(sum(shares) - 1) < 1e-3):
        raise BadInput("error.split_shares")
    return dict(zip(SPLITS, shares, strict=True))


def place_new(store: ExampleStore) -> Placed:
    """Give examples that came after the splits their own: the split of those that they are nearly the same as (test
    before dev before train), and train or dev by the shares for the others. The test split stays as it is otherwise.

    Raises Refused("error.no_splits").
    """
    with store.database.read() as session:
        made = _made(session)
        if made is None:
            raise Refused("error.no_splits")
        light = read_light(session)
    task = store.task()
    sides = placed(light, None if task is None else task.kind, made.shares, made.seed)
    with store.database.write() as session:
        return Placed(**changes.place(session, sides))
