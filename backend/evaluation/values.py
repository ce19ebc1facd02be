"""What measuring hands around: frozen values, no work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from backend.examples.task import Metric

IntervalMethod = Literal["wilson", "jackknife", "bootstrap", "bayesian", "none"]
Outcome = Literal["better", "worse", "equivalent", "not_distinguishable"]


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a score on its own scale (0..1 for shares; BLEU and chrF are shares here too)."""

    low: float
    high: float
    method: IntervalMethod
    level: float = 0.95


@dataclass(frozen=True)
class Parsed:
    """What an answer was taken to say.

    value  the label, the text after tidying, or the spans as (start, end, label); None when nothing could be read.
           A span with start -1 was named by the answer and is not in the input
    rule   words key of the rule that read it ("metrics.rule.<name>"), shown beside the answer
    """

    value: str | tuple[tuple[int, int, str], ...] | None
    rule: str

    @property
    def readable(self) -> bool:
        return self.value is not None


@dataclass(frozen=True)
class ExampleScore:
    """One answer measured against its expected output.

    values  the task's metrics for this one example, each 0..1 (of corpus metrics its sentence form), and
            always "refusal", "readable" (0 or 1) and "length" (characters)
    counts  sufficient statistics that corpus metrics add up, e.g. BLEU's matches per n; names are the metric's own
    """

    parsed: Parsed
    values: Mapping[str, float]
    counts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    expected: str | None = None
    """Classification: the expected label, as the task spells it."""

    @property
    def right(self) -> bool:
        return self.values.get("accuracy", self.values.get("exact_match", 0.0)) >= 1.0


@dataclass(frozen=True)
class Score:
    """A metric over n examples with its interval; `unreadable` of the n could not be parsed and count as wrong."""

    metric: Metric
    value: float
    interval: Interval
    n: int
    unreadable: int = 0


@dataclass(frozen=True)
class Difference:
    """B minus A on the same n examples.

    low, high  a 95 % interval of the difference, on the metric's scale
    p          of the test named by `test`, before correction; p_corrected after Holm over the family. "fisher" (and
               "permutation" of `gap`) compare two groups of different examples, of which n are both together
    a_only, b_only  examples only A, or only B, got right (shares only)
    """

    value: float
    low: float
    high: float
    p: float
    test: Literal["mcnemar", "permutation", "fisher"]
    n: int
    p_corrected: float | None = None
    a_only: int | None = None
    b_only: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What the data carries, and nothing more: words key and details for a plain sentence.

    needed  about how many examples would settle it, when they do not now; None where no number would
    """

    outcome: Outcome
    difference: Difference
    key: str
    details: Mapping[str, object]
    needed: int | None = None
