"""Changing examples that are there. Each function is one edit, within the transaction it is handed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from backend.errors import BadInput, Busy, NotFound, Refused
from backend.examples.adding import locked
from backend.examples.edits import PART, Before, EditKind, OldRow, log, run, set_column, write_rows
from backend.examples.example import Example, NewExample, Span, Split
from backend.examples.filters import among, live
from backend.examples.rows import CONTENT, KEPT, clean_example, clean_tag, read_row, tags_text
from backend.projects.database import row_id
from backend.projects.tables import ExampleRow

BATCH: Final = 2_000


@dataclass(frozen=True)
class Rewritten:
    """`stale` examples were changed or removed by somebody else meanwhile and were left as they are."""

    edit_id: int | None
    count: int
    stale: int


def get(session: Session, example_id: object) -> Example:
    """Raises NotFound("error.example_missing")."""
    row = session.execute(select(*KEPT).where(ExampleRow.id == row_id(example_id), live())).first()
    if row is None:
        raise NotFound("error.example_missing")
    return read_row(row)


def edit(session: Session, example_id: int, revision: int, changed: dict[str, Any]) -> Example:
    """See ExampleStore.edit. `changed` are fields of NewExample by name."""
    old = get(session, example_id)
    if old.revision != revision:
        raise Busy("error.example_changed", id=old.id, revision=old.revision)
    new = Example.model_validate({**old.model_dump(), **changed})
    if not (new.output.strip() and new.text().strip()):
        raise BadInput("error.example_empty")
    if "spans" not in changed and old.spans is not None:
        new = new.model_copy(update={"spans": _still(old, new)})
    if new.split != old.split:
        _check_move(session, [old.split], new.split)
    rewrite(session, [new], "edit", splits_too=True)
    return get(session, example_id)


def _still(old: Example, new: Example) -> tuple[Span, ...] | None:
    """The spans, unless the text or the answer says something else now: the answer's text holds then."""
    return old.spans if (new.variables, new.output) == (old.variables, old.output) else None


def rewrite(session: Session, changed: Iterable[Example], kind: EditKind, splits_too: bool = False) -> Rewritten:
    """See ExampleStore.rewrite. Splits stay as they are without `splits_too`, which looks at no lock."""
    made, count, stale = None, 0, 0
    source = iter(changed)
    while chunk := list(islice(source, BATCH)):
        wanted = {example.id: example for example in chunk}
        found = session.execute(select(*KEPT).where(ExampleRow.id.in_(among(wanted)), live())).all()
        current = [row for row in found if row.revision == wanted[row.id].revision]
        stale += len(wanted) - len(current)
        if not current:
            continue
        before = Before(rows=tuple(_old(row) for row in current))
        if made is None:
            made = log(session, kind, before)
        else:
            log(session, PART, before)
        write_rows(session, [_new(row, wanted[row.id], splits_too) for row in current], time.time())
        count += len(current)
    if made is not None:
        made.count = count
    return Rewritten(None if made is None else made.id, count, stale)


def _old(row: Row[Any]) -> OldRow:
    return OldRow.model_construct(id=row.id, **{name: getattr(row, name) for name in CONTENT})


def _new(row: Row[Any], example: NewExample, splits_too: bool) -> dict[str, Any]:
    content = clean_example(example)
    if not splits_too:
        content["split"] = row.split
    return {"id": row.id, **content}


def remove(session: Session, ids: Iterable[int], kind: EditKind) -> int:
    """Into the bin; how many there were."""
    made = log(session, kind)
    mine = (ExampleRow.id.in_(among(ids)), live())
    made.count = run(session, update(ExampleRow).where(*mine).values(removed_at=time.time(), removed_by=made.id))
    ends = select(func.min(ExampleRow.id), func.max(ExampleRow.id)).where(ExampleRow.removed_by == made.id)
    first, last = session.execute(ends).one()
    if first is None:
        session.delete(made)
        return 0
    made.before = Before(removed=(first, last)).text()
    return made.count


def tag(session: Session, ids: Iterable[int], name: str) -> int:
    """How many did not have the tag before. Raises BadInput("error.tag")."""
    name = clean_tag(name)
    return _retag(session, ids, lambda tags: tags if name in tags else [*tags, name])


def untag(session: Session, ids: Iterable[int], name: str) -> int:
    """How many had the tag."""
    return _retag(session, ids, lambda tags: [tag for tag in tags if tag != name])


def _retag(session: Session, ids: Iterable[int], change: Callable[[list[str]], list[str]]) -> int:
    was = _values(session, "tags", ids)
    moves = [(old, tags_text(tuple(change(json.loads(old or "[]")))), which) for old, which in was]
    return _set(session, "tags", "tag", [move for move in moves if move[0] != move[1]])


def set_split(session: Session, ids: Iterable[int], split: Split | None, kind: EditKind = "split") -> int:
    """How many were in another split before. Raises Refused("error.test_move") once the test split is locked."""
    was = [(old, which) for old, which in _values(session, "split", ids) if old != split]
    _check_move(session, [old for old, _which in was], split)
    return _set(session, "split", kind, [(old, split, which) for old, which in was])


def place(session: Session, sides: Mapping[Split, Sequence[int]]) -> dict[Split, int]:
    """Give examples that are in no split theirs, the test split too, in one edit; how many went where."""
    moves: list[Move] = []
    counts: dict[Split, int] = {}
    for split, ids in sides.items():
        still = tuple(which for old, found in _values(session, "split", ids) if old is None for which in found)
        counts[split] = len(still)
        if still:
            moves.append((None, split, still))
    _set(session, "split", "place", moves)
    return counts


def _check_move(session: Session, before: Sequence[str | None], after: Split | None) -> None:
    if before and ("test" in before or after == "test") and locked(session):
        raise Refused("error.test_move")


def _values(session: Session, column: str, ids: Iterable[int]) -> list[tuple[str | None, tuple[int, ...]]]:
    """The values that a column has among some examples, each with the ids that have it."""
    which: dict[str | None, list[int]] = {}
    wanted = (ExampleRow.id.in_(among(ids)), live())
    for example_id, value in session.execute(select(ExampleRow.id, getattr(ExampleRow, column)).where(*wanted)):
        which.setdefault(value, []).append(example_id)
    return [(value, tuple(found)) for value, found in which.items()]


Move = tuple[str | None, str | None, tuple[int, ...]]
"""From, to, whom."""


def _set(session: Session, column: Any, kind: EditKind, moves: Sequence[Move]) -> int:
    if not moves:
        return 0
    now = time.time()
    count = sum(set_column(session, column, new, ids, now) for _old, new, ids in moves)
    log(session, kind, Before(column=column, was=tuple((old, ids) for old, _new, ids in moves)), count)
    return count


def stream(rows: Callable[[int], Sequence[Row[Any]]]) -> Iterator[Example]:
    """Examples from pages of rows, asked for by the last id seen, until a page is empty."""
    last = 0
    while page := rows(last):
        for row in page:
            yield read_row(row)
        last = page[-1].id
