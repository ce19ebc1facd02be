"""How a benchmark tells its figures: one JSON object per line on stdout, a table for people on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One measured figure. `value` is None when it could not be measured; `detail` then says why.

    aim  such as ">= 0.95"; empty where nothing says what would be good
    """

    figure: str
    value: float | None
    unit: str
    aim: str
    detail: dict[str, object] = field(default_factory=dict)

    def reached(self) -> bool | None:
        """Whether the aim is reached; None when nothing was measured, or there is none."""
        if self.value is None or not self.aim:
            return None
        relation, number = self.aim.split()
        return self.value >= float(number) if relation == ">=" else self.value <= float(number)


def median_of(name: str, values: list[float], unit: str, aim: str, **detail: object) -> Figure:
    """A figure that is the median of several measurements, which it lists."""
    return Figure(name, round(median(values), 3), unit, aim, {"all": [round(value, 3) for value in values], **detail})


def report(figures: Iterable[Figure]) -> None:
    """Print each figure as it comes, and the table at the end."""
    told = []
    for figure in figures:
        print(json.dumps(asdict(figure), ensure_ascii=False), flush=True)
        told.append(figure)
    wide = max((len(figure.figure) for figure in told), default=0)
    for figure in told:
        value = "not measured" if figure.value is None else f"{figure.value:g} {figure.unit}"
        mark = {True: "reached", False: "missed", None: str(figure.detail.get("why", ""))}[figure.reached()]
        print(f"{figure.figure:<{wide}}  {value:>14}  aim {figure.aim or '-':<8} {mark}", file=sys.stderr)
