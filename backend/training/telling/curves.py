"""What a run tells while it works, as curves: read as they grow, thinned for a page, smoothed for the eye.

A run that went on after a stop or a crash has done some steps twice. Its line {"resumed": step} says from where it
went on; what was written of later steps before that line is dropped, so that a curve is one line, as if nothing had
happened. The time axis is time at work: the pause in between is left out.
"""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

NAMES: Final = (
    "loss",
    "eval_loss",
    "metric",
    "learning_rate",
    "grad_norm",
    "tokens_per_s",
    "host_bytes",
    "device_bytes",
    "energy_j",
    "epoch",
)
POINTS: Final = 500
"""Points of a curve that a page is handed."""
MOST: Final = 100_000
"""Points of a curve that are kept in memory; beyond them it is thinned to half of that."""
SHORTEST: Final = 3
LONGEST: Final = 20
"""Points that the smoothing spans, by how many there are: a short run must not lag behind its own curve."""
LONGEST_LINE: Final = 100_000
KEPT: Final = 64


@dataclass(frozen=True)
class Curve:
    """One quantity over a run, all three of one length, in the order of the steps.

    seconds  at work since the first line; values in the quantity's unit (loss in nats per token, bytes, joules, ...)
    """

    name: str
    steps: tuple[float, ...] = ()
    seconds: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def last(self) -> float | None:
        return self.values[-1] if self.values else None

    @property
    def lowest(self) -> tuple[float, float] | None:
        """(step, value) of the smallest value, the first of equals."""
        if not self.values:
            return None
        at = min(range(len(self.values)), key=self.values.__getitem__)
        return self.steps[at], self.values[at]


@dataclass(frozen=True)
class Curves:
    """The curves of a run that have a point, thinned; `smoothed` is the training loss without its noise.

    resumed  steps from which it went on; last_step  the furthest it came; seconds  at work
    """

    by_name: Mapping[str, Curve] = field(default_factory=dict)
    smoothed: Curve = field(default_factory=lambda: Curve("loss_smoothed"))
    resumed: tuple[float, ...] = ()
    last_step: float = 0.0
    seconds: float = 0.0

    def __getitem__(self, name: str) -> Curve:
        """Empty when the run never told it."""
        return self.by_name.get(name, Curve(name))


class CurveReader:
    """The curves of one metrics.jsonl. Each `read` takes only what was appended since the last. Any thread may read."""

    def __init__(self, path: Path, points: int = POINTS) -> None:
        self._path, self._points = path, points
        self._lock = threading.Lock()
        self._made: Curves | None = None
        self._begin()

    def read(self) -> Curves:
        """As the file stands now; empty when there is none."""
        with self._lock:
            if self._take() or self._made is None:
                self._made = self._curves()
            return self._made

    # --- reading ------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._told: dict[str, list[tuple[float, float, float]]] = {}
        self._resumed: list[float] = []
        self._at, self._file = 0, 0
        self._now, self._paused, self._start = 0.0, 0.0, 0.0
        self._any = False
        self._inside = False  # a line that is too long, whose end is still to come

    def _take(self) -> bool:
        """Read on to the last whole line. Whether there was anything new."""
        try:
            found = self._path.stat()
        except OSError:
            was = self._any
            self._begin()
            return was
        # A file that is another one, or shorter than what was read, is read from its beginning.
        if found.st_ino != self._file or found.st_size < self._at:
            self._begin()
            self._file = found.st_ino
        if found.st_size == self._at:
            return False
        began = self._at
        with self._path.open("rb") as file:
            file.seek(self._at)
            while line := file.readline(LONGEST_LINE):
                ended = line.endswith(b"\n")
                if not ended and len(line) < LONGEST_LINE:
                    break
                self._at += len(line)
                if ended and not self._inside:
                    self._line(line)
                self._inside = not ended
        return self._at > began

    def _line(self, line: bytes) -> None:
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(told, dict):
            return
        moment, resumed, step = (_number(told, name) for name in ("time", "resumed", "step"))
        if moment is None:
            return
        if not self._any:
            self._start, self._any = moment, True
        if resumed is not None:
            self._resume(resumed, moment)
        elif step is not None and step >= 0:
            known = self._told.get("loss")
            if known and "loss" in told and step < known[-1][0]:
                # Killed before its first checkpoint: it began anew, and had no step to say it went on from.
                self._resume(step - 1, moment)
            self._point(told, step, moment)

    def _point(self, told: Mapping[str, Any], step: float, moment: float) -> None:
        # A clock that was set back must not turn the curve back.
        self._now = max(self._now, moment - self._start - self._paused)
        for name in NAMES:
            value = _number(told, name)
            if value is not None:
                points = self._told.setdefault(name, [])
                points.append((step, self._now, value))
                if len(points) > MOST:
                    points[:] = thinned(points, MOST // 2)

    def _resume(self, step: float, moment: float) -> None:
        kept = {name: [point for point in points if point[0] <= step] for name, points in self._told.items()}
        self._told = {name: points for name, points in kept.items() if points}
        self._now = max((points[-1][1] for points in self._told.values()), default=0.0)
        self._paused = moment - self._start - self._now
        self._resumed = [one for one in self._resumed if one <= step]
        self._resumed.append(step)

    def _curves(self) -> Curves:
        made = {name: _curve(name, thinned(points, self._points)) for name, points in self._told.items()}
        loss = self._told.get("loss", [])
        values = smoothed([value for _, _, value in loss], smoothing_for(len(loss)))
        smooth = [(step, now, value) for (step, now, _), value in zip(loss, values, strict=True)]
        last = max((points[-1][0] for points in self._told.values()), default=0.0)
        return Curves(
            made, _curve("loss_smoothed", thinned(smooth, self._points)), tuple(self._resumed), last, self._now
        )


class CurveShelf:
    """The readers of the runs looked at last, so that a page that polls reads only what is new. From any thread."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._readers: OrderedDict[Path, CurveReader] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, folder: Path) -> Curves:
        """The curves of the run in `folder`."""
        with self._lock:
            reader = self._readers.pop(folder, None) or CurveReader(folder / "metrics.jsonl")
            self._readers[folder] = reader
            while len(self._readers) > self._most:
                self._readers.popitem(last=False)
        return reader.read()


def smoothing_for(count: int) -> float:
    """The weight of what was before, for a curve of so many points: about a twelfth of it is seen as one."""
    return 1 - 1 / min(LONGEST, max(SHORTEST, count / 12))


def smoothed(values: Sequence[float], weight: float = 0.9) -> list[float]:
    """Exponential moving average, corrected for its start (Kingma & Ba 2015, section 3): no dip towards nought.

    weight  0..1 of what was before against the newest value
    """
    mean, out = 0.0, []
    for count, value in enumerate(values, 1):
        mean = weight * mean + (1 - weight) * value
        out.append(mean / (1 - weight**count))
    return out


def thinned(points: Sequence[tuple[float, float, float]], most: int = POINTS) -> list[tuple[float, float, float]]:
    """At most `most` of (step, seconds, value): the first and the last, and of each stretch its lowest and highest.

    A spike of a single step stays to be seen.
    """
    if len(points) <= most:
        return list(points)
    stretches, inner = max(1, (most - 2) // 2), len(points) - 2
    chosen = {0, len(points) - 1}
    for number in range(stretches):
        places = range(1 + number * inner // stretches, 1 + (number + 1) * inner // stretches)
        if places:
            chosen |= {min(places, key=lambda at: points[at][2]), max(places, key=lambda at: points[at][2])}
    return [points[at] for at in sorted(chosen)]


def _curve(name: str, points: Sequence[tuple[float, float, float]]) -> Curve:
    return Curve(name, *(tuple(point[part] for point in points) for part in range(3)))


def _number(told: Mapping[str, Any], name: str) -> float | None:
    """None for what is missing, not a number, or not finite: a loss of NaN is told in words, it is no point."""
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
