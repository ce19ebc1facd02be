"""The sample answers that a run writes while it trains: the same few dev inputs, before and after."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from backend.jobs.folder import read_lines

MOST_STEPS: Final = 500
MOST_ITEMS: Final = 32
LONGEST: Final = 4_000
"""Characters of a text that are shown; a run folder may come from elsewhere."""


@dataclass(frozen=True)
class Sample:
    """One input with its expected output, and what was answered at each step, in the order of the steps."""

    input: str
    expected: str
    answers: tuple[tuple[int, str], ...]

    @property
    def before(self) -> str | None:
        """As the model answered before it was trained; None when nobody asked it then."""
        return self.answers[0][1] if self.answers and self.answers[0][0] == 0 else None

    @property
    def after(self) -> tuple[int, str] | None:
        """(step, answer), the latest; None while there is none but that of the beginning."""
        return self.answers[-1] if self.answers and self.answers[-1][0] > 0 else None


@dataclass
class _Gathered:
    input: str
    expected: str
    by_step: dict[int, str] = field(default_factory=dict)


def samples_of(folder: Path, last_step: float | None = None) -> list[Sample]:
    """The samples of the run in `folder`. Steps beyond `last_step` were undone by a resume and are left out."""
    found: dict[str, _Gathered] = {}
    for line in islice(read_lines(folder / "output" / "samples.jsonl"), MOST_STEPS):
        step, items = line.get("step"), line.get("items")
        if not isinstance(step, int) or not isinstance(items, list) or step < 0:
            continue
        if last_step is not None and step > max(last_step, 0):
            continue
        for number, item in enumerate(items[:MOST_ITEMS]):
            if isinstance(item, dict):
                _gather(found, str(item.get("example_id", number)), item, step)
    return [Sample(one.input, one.expected, tuple(sorted(one.by_step.items()))) for one in found.values()]


def _gather(found: dict[str, _Gathered], key: str, item: dict[str, Any], step: int) -> None:
    if key not in found and len(found) >= MOST_ITEMS:
        return
    there = found.setdefault(key, _Gathered(_text(item.get("input")), _text(item.get("expected"))))
    there.by_step[step] = _text(item.get("answer"))


def _text(value: object) -> str:
    """A text, or the texts of an input with several variables one below the other."""
    if isinstance(value, dict):
        value = "\n".join(str(part) for part in value.values())
    return ("" if value is None else str(value))[:LONGEST]
