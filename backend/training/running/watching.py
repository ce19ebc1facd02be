"""What the machine gives for a run: its memory, the energy it has used, and the pace without pauses."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any, Final

import psutil

POWERCAP: Final = Path("/sys/class/powercap")
STEPS: Final = 20
"""The pace is that of the last so many steps."""
PAUSE_S: Final = 30.0
"""A step longer than this, and ten times longer than the others, is a machine that slept."""


def host_bytes() -> int:
    """What this process takes of the machine's memory now."""
    return int(psutil.Process().memory_info().rss)


def peak_host_bytes() -> int:
    """The most that it ever took, loading included; where the system does not tell, what it takes now."""
    try:
        import resource
        import sys
    except ImportError:  # Windows
        return int(getattr(psutil.Process().memory_info(), "peak_wset", host_bytes()))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def device_bytes() -> int | None:
    """What torch has taken of the accelerator at most so far; None without one."""
    import torch

    return int(torch.cuda.max_memory_reserved()) if torch.cuda.is_available() else None


class Pace:
    """Useful tokens per second over the last steps. Seconds are monotonic: a clock that is set changes nothing."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque(maxlen=STEPS)
        self.tokens, self.seconds = 0, 0.0

    def add(self, tokens: int, seconds: float) -> None:
        usual = median(one for _, one in self._seen) if self._seen else None
        if usual is not None and seconds > PAUSE_S and seconds > 10 * usual:
            seconds = usual
        self._seen.append((tokens, seconds))
        self.tokens += tokens
        self.seconds += seconds

    def value(self) -> float | None:
        """None before the first step."""
        spent = sum(seconds for _, seconds in self._seen)
        return sum(tokens for tokens, _ in self._seen) / spent if spent > 0 else None


class Energy:
    """Joules used by the processor packages and the accelerators since this was made, the whole machine's.

    Counters come from RAPL (Linux's powercap) and NVML. None where the machine tells neither, which is the usual case
    in a virtual machine and for people without the right to read RAPL.
    """

    def __init__(self, powercap: Path = POWERCAP) -> None:
        self._counters = [*_rapl(powercap), *_nvml()]

    def joules(self) -> float | None:
        told = [counter.joules() for counter in self._counters]
        known = [one for one in told if one is not None]
        return sum(known) if known else None


class _Counter:
    """One counter that only rises, and begins again at `wraps_at` where it has an end. In joules."""

    def __init__(self, read: Callable[[], float | None], wraps_at: float = 0.0) -> None:
        self._read, self._wraps_at = read, wraps_at
        self._last, self._sum = read(), 0.0

    def joules(self) -> float | None:
        now = self._read()
        if now is None or self._last is None:
            self._last = now if now is not None else self._last
            return None if self._last is None else self._sum
        step = now - self._last
        self._sum += step if step >= 0 else max(0.0, step + self._wraps_at)
        self._last = now
        return self._sum


def _rapl(powercap: Path) -> list[_Counter]:
    """One counter per package; the domains within a package are parts of it and would count twice."""
    found = []
    for zone in sorted(powercap.glob("*-rapl:*")):
        if zone.name.count(":") == 1 and _number(zone / "energy_uj") is not None:
            most = _number(zone / "max_energy_range_uj") or 0.0
            found.append(_Counter(lambda file=zone / "energy_uj": _joules(file, 1e-6), most * 1e-6))  # type: ignore[misc]
    return found


def _joules(file: Path, unit: float) -> float | None:
    number = _number(file)
    return None if number is None else number * unit


def _number(file: Path) -> float | None:
    try:
        return float(file.read_text())
    except (OSError, ValueError):
        return None


def _nvml() -> list[_Counter]:
    import pynvml

    try:
        pynvml.nvmlInit()  # left open for as long as the worker lives
        handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []
    return [_Counter(_reader(handle)) for handle in handles if _reader(handle)() is not None]


def _reader(handle: Any) -> Callable[[], float | None]:
    import pynvml

    def read() -> float | None:
        try:
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000
        except pynvml.NVMLError:  # cards older than Volta do not count
            return None

    return read


class Watch:
    """Seconds of work between `begin` and `lap`, so that what lies outside (an evaluation, a save) does not count."""

    def __init__(self) -> None:
        self._since = monotonic()

    def begin(self) -> None:
        self._since = monotonic()

    def lap(self) -> float:
        """Seconds since the last lap or begin; begins anew."""
        now = monotonic()
        spent, self._since = now - self._since, now
        return spent
