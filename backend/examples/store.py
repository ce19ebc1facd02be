"""The examples of a project: the only way to its task data.

Whoever trains, picks shots or tunes reads through `each`, which does not hand out the test split for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Row, func, select, true

from backend.errors import BadInput, Refused
from backend.examples import changes, edits
from backend.examples.adding import Added, add, locked
from backend.examples.changes import Rewritten
from backend.examples.edits import Edit, EditKind
from backend.examples.example import Example, NewExample, Split
from backend.examples.filters import Filter, live, matching
from backend.examples.rows import KEPT, read_row
from backend.examples.task import METRICS, Task
from backend.projects.database import Database
from backend.projects.notes import NoteStore
from backend.projects.tables import ExampleRow

Purpose = Literal["train", "shots", "tune", "evaluate", "look"]
LEARNING: Final[frozenset[Purpose]] = frozenset({"train", "shots", "tune"})
"""What an assistant is made from; the test split is never read for these."""

TASK: Final = "task"
PAGE: Final = 1_000


@dataclass(frozen=True)
class Counts:
    total: int = 0
    train: int = 0
    dev: int = 0
    test: int = 0
    unsplit: int = 0


class ExampleStore:
    """Any thread may use it. Each call that changes something is one edit: what it returned is on the disk."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._notes = NoteStore(database)

    # --- the task

    def task(self) -> Task | None:
        """What the project's assistants shall do; None when nobody said, or in a way that is not known here."""
        kept = self._notes.get(TASK)
        try:
            task = None if kept is None else Task.model_validate(kept)
        except ValueError:
            return None
        return task if task is not None and task.metric in METRICS[task.kind] else None

    def set_task(self, task: Task) -> None:
        """Raises BadInput("error.task_metric"): the metric does not measure this kind of task."""
        if task.metric not in METRICS[task.kind]:
            raise BadInput("error.task_metric", metric=task.metric)
        self._notes.set(TASK, task.model_dump(mode="json"))

    # --- reading

    def counts(self) -> Counts:
        with self.database.read() as session:
            found = session.execute(select(ExampleRow.split, func.count()).where(live()).group_by(ExampleRow.split))
            by_split = {split or "unsplit": count for split, count in found}
        return Counts(total=sum(by_split.values()), **by_split)

    def labels(self, split: Split | None = None) -> dict[str, int]:
        """Each output with the number of examples that have it, the most frequent first."""
        wanted = matching(Filter(split=split))
        grouped = select(ExampleRow.output, func.count()).where(wanted).group_by(ExampleRow.output)
        with self.database.read() as session:
            return dict(session.execute(grouped.order_by(func.count().desc(), ExampleRow.output)).all())

    def page(self, asked: Filter = Filter(), offset: int = 0, limit: int = 50) -> list[Example]:  # noqa: B008  (frozen)
        """In the order in which they came."""
        found = select(*KEPT).where(matching(asked)).order_by(ExampleRow.id)
        with self.database.read() as session:
            return [read_row(row) for row in session.execute(found.offset(max(offset, 0)).limit(max(limit, 0)))]

    def count(self, asked: Filter = Filter()) -> int:  # noqa: B008  (frozen)
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(ExampleRow).where(matching(asked))) or 0

    def get(self, example_id: int) -> Example:
        """Raises NotFound("error.example_missing")."""
        with self.database.read() as session:
            return changes.get(session, example_id)

    def each(self, split: Split | None, purpose: Purpose) -> Iterator[Example]:
        """Every example of a split (None: all, to look at), page by page; what is added meanwhile comes too.

        Raises Refused: "error.test_locked" for the test split, or for all, when something learns from it;
        "error.no_splits" when no splits were made and none is set by hand.
        """
        if purpose in LEARNING and split not in ("train", "dev"):
            raise Refused("error.test_locked", purpose=purpose)
        if purpose != "look" and not self._split():
            raise Refused("error.no_splits")
        return changes.stream(lambda last: self._after(split, last))

    def find_by_input(self, key: str) -> list[Example]:
        """Those with this input (see `input_key`)."""
        with self.database.read() as session:
            found = select(*KEPT).where(ExampleRow.input_key == key, live()).order_by(ExampleRow.id)
            return [read_row(row) for row in session.execute(found)]

    def tags(self) -> list[str]:
        """All tags in use, in alphabetical order."""
        return self._distinct(ExampleRow.tags, "[]", "value")

    def origins(self) -> list[str]:
        with self.database.read() as session:
            return sorted(session.scalars(select(ExampleRow.origin).where(live()).distinct()))

    def group_names(self) -> list[str]:
        """The names of the further columns, in alphabetical order."""
        return self._distinct(ExampleRow.groups, "{}", "key")

    # --- changing

    def add(self, new: Iterable[NewExample], kind: EditKind = "import") -> Added:
        """Keep examples, but for those that are there already (same input and output). Streams; all of it or nothing.

        Of an import, what cannot be used is left out and told; of another kind it raises BadInput. Once splits were
        made, what is added is in none of them until `place_new`.
        """
        return add(self.database, new, kind)

    def edit(self, example_id: int, revision: int, **changed: Any) -> Example:
        """Change fields of NewExample by name: variables=, output=, spans=, rejected=, tags=, groups=, split=.

        Raises Busy("error.example_changed") when `revision` is not the newest, NotFound, BadInput, and
        Refused("error.test_move") when it would move in or out of a locked test split.
        """
        with self.database.write() as session:
            return changes.edit(session, example_id, revision, changed)

    def rewrite(self, changed: Iterable[Example], kind: EditKind = "clean") -> Rewritten:
        """Keep many examples as they are handed over, in one edit; those whose revision is old are left and counted."""
        with self.database.write() as session:
            return changes.rewrite(session, changed, kind)

    def remove(self, ids: Iterable[int], kind: EditKind = "remove") -> int:
        """How many were removed."""
        with self.database.write() as session:
            return changes.remove(session, ids, kind)

    def tag(self, ids: Iterable[int], tag: str) -> int:
        """How many did not have it. Raises BadInput("error.tag")."""
        with self.database.write() as session:
            return changes.tag(session, ids, tag)

    def untag(self, ids: Iterable[int], tag: str) -> int:
        """How many had it."""
        with self.database.write() as session:
            return changes.untag(session, ids, tag)

    def set_split(self, ids: Iterable[int], split: Split | None) -> int:
        """How many moved. Raises Refused("error.test_move") in or out of a locked test split; then nothing moved."""
        with self.database.write() as session:
            return changes.set_split(session, ids, split)

    # --- the log

    def undo(self, edit_id: int | None = None) -> Edit | None:
        """Take back the last edit that was not; None when there is none. What was added is taken back placed or not.

        Raises Refused("error.undo_splits"), and Busy("error.examples_changed") when the last is not `edit_id`.
        """
        with self.database.write() as session:
            return edits.undo(session, edit_id)

    def edits(self, limit: int = 50) -> Sequence[Edit]:
        """The last ones, the latest first."""
        with self.database.read() as session:
            return edits.edits(session, limit)

    def _split(self) -> bool:
        """Whether there are splits: made, or set by hand or by the data."""
        with self.database.read() as session:
            placed = select(ExampleRow.id).where(ExampleRow.split.in_(("train", "dev", "test")), live()).limit(1)
            return locked(session) or session.scalar(placed) is not None

    def _after(self, split: Split | None, last: int) -> Sequence[Row[Any]]:
        wanted = (matching(Filter(split=split)), ExampleRow.id > last)
        with self.database.read() as session:
            return session.execute(select(*KEPT).where(*wanted).order_by(ExampleRow.id).limit(PAGE)).all()

    def _distinct(self, column: Any, empty: str, part: str) -> list[str]:
        """The different names or values within a column of JSON text."""
        within = func.json_each(column).table_valued("key", "value")
        names = select(within.c[part]).select_from(ExampleRow).join(within, true()).where(live(), column != empty)
        with self.database.read() as session:
            return sorted(session.scalars(names.distinct()))
