"""What advice is given about (Looked), and one piece of advice (Advice)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, Literal

from backend.assistants import PER_INPUT, Examples, Shot
from backend.evaluation.values import Difference
from backend.examples.example import Example
from backend.examples.filters import Filter
from backend.examples.task import Task
from backend.fewshot import mends
from backend.fewshot.choosing import SHOT_CHARACTERS, length_of
from backend.fewshot.picking import answers_repeat

if TYPE_CHECKING:
    from backend.examples.store import ExampleStore
    from backend.fewshot.forms import Form

Severity = Literal["problem", "advice", "good"]
Mend = Callable[[Examples], Examples]

READ: Final = 2_000
"""Train examples that the shots are held against."""
RUN: Final = 50


@dataclass(frozen=True)
class Advice:
    """One thing noticed about a set of examples. Words: fewshot.advice.<key>.finding, .why and, with a mend, .mend.

    details  fill the {placeholders} of the words
    shots    which shots it is about, as places in `Examples.shots`
    mend     what one click does; None where a person has to decide
    """

    key: str
    severity: Severity
    details: Mapping[str, object] = field(default_factory=dict)
    shots: tuple[int, ...] = ()
    mend: Mend | None = None

    @property
    def finding_key(self) -> str:
        return f"fewshot.advice.{self.key}.finding"

    @property
    def why_key(self) -> str:
        return f"fewshot.advice.{self.key}.why"

    @property
    def mend_key(self) -> str | None:
        return None if self.mend is None else f"fewshot.advice.{self.key}.mend"


@dataclass(frozen=True)
class Looked:
    """A set of examples with what it is held against.

    forms  zero-, one- and few-shot prompts where they were made: they know what the shots cost
    gain   few-shot minus zero-shot on the dev split where that was measured
    """

    examples: Examples
    task: Task
    store: ExampleStore
    forms: Sequence[Form] = ()
    gain: Difference | None = None

    @property
    def shots(self) -> tuple[Shot, ...]:
        return self.examples.shots

    @cached_property
    def outputs(self) -> list[str]:
        return [shot.output.strip() for shot in self.shots]

    @cached_property
    def texts(self) -> list[str]:
        return ["\n".join(shot.variables.values()) for shot in self.shots]

    @property
    def per_input(self) -> bool:
        """Whether the shots are a pool, of which each question gets its own."""
        return self.examples.selection is not None and self.examples.selection.method in PER_INPUT

    @cached_property
    def labels(self) -> list[str]:
        """The answers that are possible, most frequent in the train split first; [] for answers that are no labels."""
        if not self.task.labelled:
            return []
        counts = self.store.labels("train")
        return sorted(self.task.labels or counts, key=lambda label: -counts.get(label, 0))

    @cached_property
    def train(self) -> list[Example]:
        """A sample of the train split (all of it, or runs that lie evenly spread), without what is too long to show."""
        total = self.store.counts().train
        if total <= READ:
            some: Iterable[Example] = self.store.each("train", "shots")
        else:
            runs = range(0, total - RUN, total * RUN // READ)
            some = (one for start in runs for one in self.store.page(Filter(split="train"), start, RUN))
        return [one for one in some if length_of(one.shot()) <= SHOT_CHARACTERS]

    @property
    def label_like(self) -> bool:
        """Whether balance and order of the answers mean something."""
        return self.task.labelled or (self.task.kind == "free_writing" and answers_repeat(self.outputs))

    @property
    def shot_tokens(self) -> int | None:
        """What the shots of one prompt take."""
        by_name = {form.name: form.tokens for form in self.forms}
        zero, few = by_name.get("zero"), by_name.get("few", by_name.get("one"))
        return None if zero is None or few is None else few - zero

    def dropping(self, places: Sequence[int]) -> Mend:
        """The mend that takes the shots at these places away."""
        return partial(mends.drop, shots=tuple(self.shots[place] for place in places))
