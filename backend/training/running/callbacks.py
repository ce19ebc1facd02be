"""What a run tells while it trains, and how it hears that it shall stop. Only a worker imports this.

The trainer calls, in this order after a step: on_step_end, on_log, on_evaluate, on_save.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import Any, Final

from transformers import TrainerCallback

from backend.jobs.progress import Progress
from backend.models.presence import Threads
from backend.training.running.watching import Energy, Pace, Watch, device_bytes, host_bytes, peak_host_bytes

SAVE_EVERY_S: Final = 600.0
"""A checkpoint is written at least this often, however long the steps take: a crash shall not cost more."""
TOLD: Final = ("loss", "eval_loss", "learning_rate", "grad_norm", "epoch")


@dataclass
class Meters:
    """What this attempt measures; `seconds`, `tokens` and `joules` of earlier attempts are counted in."""

    pace: Pace = field(default_factory=Pace)
    watch: Watch = field(default_factory=Watch)
    energy: Energy = field(default_factory=Energy)
    seconds: float = 0.0
    tokens: int = 0
    joules: float | None = None
    peak: int = 0

    def facts(self) -> dict[str, Any]:
        """As they stand in the run's result. `seconds` are of training alone, without evaluations and answers."""
        used = self.energy.joules()
        tokens, seconds = self.tokens + self.pace.tokens, self.seconds + self.pace.seconds
        return {
            "tokens": tokens,
            "seconds": round(seconds, 3),
            "tokens_per_s": round(tokens / seconds, 2) if seconds > 0 else None,
            "peak_bytes": max(self.peak, device_bytes() or peak_host_bytes()),
            "joules": None if used is None and self.joules is None else round((used or 0.0) + (self.joules or 0.0), 1),
        }


class Telling(TrainerCallback):
    """Progress, curves, and the stop between two steps."""

    def __init__(self, progress: Progress, meters: Meters, finish: Path, threads: Threads | None = None) -> None:
        self.trainer: Any = None
        self.losses: list[float] = []
        self._progress, self._meters, self._finish, self._threads = progress, meters, finish, threads
        self._seen, self._saved = 0, monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # A checkpoint that was written by a stop remembers that it shall stop.
        control.should_training_stop = control.should_epoch_stop = False
        self._progress.total(state.max_steps, "steps")
        self._progress.done(state.global_step)
        self._go_on()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._threads is not None:
            self._threads.give_way()

    on_substep_end = on_prediction_step = on_step_begin
    """Between the parts of a long step and while the dev loss is measured, too."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        tokens = self.trainer.tokens_seen - self._seen
        self._seen += tokens
        self._meters.pace.add(tokens, self._meters.watch.lap())
        self._progress.done(state.global_step)
        self._progress.result(steps=state.global_step, **self._meters.facts())
        last = state.global_step >= state.max_steps
        evaluates = args.eval_strategy != "no"
        overdue = monotonic() - self._saved > SAVE_EVERY_S
        # Saving and evaluating take all of them: every process asks after every step, and does what any of them says.
        stop, finish, save = anybody(self._progress.should_stop(), self._finish.exists(), overdue)
        if stop:
            control.should_training_stop = control.should_save = True
            last = finish
        elif save and not last:
            control.should_save = True
        if evaluates and last:
            control.should_evaluate = True
        if control.should_evaluate:
            self._progress.message("run.message.training_evaluating")

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        logs: dict[str, Any] = kwargs["logs"]
        told = {name: float(logs[name]) for name in TOLD if isinstance(logs.get(name), int | float)}
        if not state.is_world_process_zero or not told.keys() & {"loss", "eval_loss"}:
            return
        if "loss" in told:
            self.losses.append(told["loss"])
            self._progress.result(last_loss=told["loss"])
            if state.global_step <= args.logging_steps:
                self._progress.result(first_loss=told["loss"])
            told |= self._machine()
        known = {name: value for name, value in told.items() if isfinite(value)}
        self._progress.metric(step=state.global_step, **known)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._go_on()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._saved = monotonic()
        self._go_on()

    def _go_on(self) -> None:
        """Time spent outside of training is no training."""
        self._progress.message("run.message.training")
        self._meters.watch.begin()

    def _machine(self) -> dict[str, float]:
        device, joules = device_bytes(), self._meters.energy.joules()
        told = {
            "tokens_per_s": self._meters.pace.value(),
            "host_bytes": host_bytes(),
            "device_bytes": device,
            "energy_j": None if joules is None else joules + (self._meters.joules or 0.0),
        }
        return {name: float(value) for name, value in told.items() if value is not None}


def anybody(*flags: bool) -> tuple[bool, ...]:
    """Whether each is so in any of the processes that train together; in one alone they are its own words."""
    import torch
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return flags
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    told = torch.tensor([int(flag) for flag in flags], device=device)
    distributed.all_reduce(told, op=distributed.ReduceOp.MAX)
    return tuple(bool(flag) for flag in told.tolist())
