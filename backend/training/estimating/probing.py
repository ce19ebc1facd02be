"""A few steps of a run, timed: the run's own trainer over the run's own rows. Only a worker imports this.

The widest batch comes first, as it does in a run that groups by length: what it takes of memory is the run's peak. Then
batches of three widths, from which the time of any other follows.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from torch.utils.data import Sampler
from transformers import TrainerCallback

from backend.files import folder_bytes
from backend.training.config import TrainingConfig
from backend.training.estimating.measured import Measured, StepTime
from backend.training.estimating.quiet import Stopwatch
from backend.training.running.cadence import Cadence
from backend.training.running.loop import make_trainer
from backend.training.running.watching import device_bytes, host_bytes, peak_host_bytes
from backend.training.values import Built, Rows

PLACES: Final = (1.0, 1.0, 0.5, 1.0, 0.5, 0.1, 0.5, 0.1, 1.0)
"""Which batches are taken, as places in the order of length. The first warms up and is not timed."""
BUDGET_S: Final = 25.0
"""After so much time no further step is begun."""
DEV_BATCHES: Final = 4


class Chosen(Sampler[int]):
    """Rows in a fixed order."""

    def __init__(self, order: Sequence[int]) -> None:
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[int]:
        return iter(self._order)


def probe(
    config: TrainingConfig,
    built: Built,
    rows: Rows,
    folder: Path,
    loading: Stopwatch,
    ask: Callable[[], float],
    stop: threading.Event,
) -> Measured:
    """`folder` is for a checkpoint, which is removed again; `loading` has run since the work began.

    `ask` answers what the run will have answered before its first step, and returns the seconds that a whole round of
    it takes. Ends after BUDGET_S, and after `stop` with what it has.
    """
    base = _taken()
    passes = min(2, config.gradient_accumulation_steps)
    few = config.model_copy(update={"max_steps": len(PLACES), "gradient_accumulation_steps": passes})
    batch = config.per_device_train_batch_size
    cadence = Cadence(len(PLACES), len(PLACES) + 1, len(PLACES), 1, min(len(rows.dev), DEV_BATCHES * batch))
    clock = Clock(loading, ask, passes, stop)
    trainer = make_trainer(few, built, rows, cadence, folder, [clock])
    lengths = [len(ids) for ids in trainer.train_dataset["input_ids"]]
    groups = [_group(lengths, batch, place) for place in PLACES]
    trainer._get_train_sampler = lambda *_: Chosen([at for group in groups for _ in range(passes) for at in group])
    sizes = [_size(lengths, group, config.packing) for group in groups]
    trainer.train()
    dev = trainer.eval_dataset["input_ids"] if trainer.eval_dataset is not None else []
    saved = folder_bytes(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return Measured(
        peak_bytes=device_bytes() or peak_host_bytes(),
        base_bytes=base,
        host_bytes=peak_host_bytes(),
        load_s=clock.load_s,
        steps=_times(sizes, clock.passes),
        optimizer_s=median(clock.optimizer),
        eval_s=clock.eval_s,
        eval_tokens=_padded([len(ids) for ids in dev], batch),
        ask_s=clock.ask_s,
        save_s=clock.save_s,
        checkpoint_bytes=saved,
        trainable=built.trainable,
        waiting=clock.watch.share,
        measured=time.time(),
    )


class Clock(TrainerCallback):
    """Times the parts of a step. What others held up is left out (see `quiet`)."""

    def __init__(self, loading: Stopwatch, ask: Callable[[], float], passes: int, stop: threading.Event) -> None:
        self.load_s = self.ask_s = self.eval_s = self.save_s = 0.0
        self.passes: list[float] = []
        self.optimizer: list[float] = []
        self.watch = Stopwatch()
        self._loading, self._ask, self._passes = loading, ask, passes
        self._stop, self._end = stop, 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.load_s = self._loading.lap()
        self.ask_s = self._ask()
        self.watch.start()
        self._end = time.monotonic() + BUDGET_S

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.eval_s = self.watch.lap()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.passes.append(self.watch.lap() / self._passes)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.optimizer.append(self.watch.lap())
        if self._stop.is_set() or (time.monotonic() > self._end and len(self.passes) > 1):
            control.should_training_stop = control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.save_s = self.watch.lap()


def ask_all(ask: Callable[[int], object], count: int, first: int = 4, most_s: float = 8.0) -> float:
    """Seconds that asking `count` examples takes: asked whole, or where that is long, told from the `first` few."""
    if not count:
        return 0.0
    watch, few = Stopwatch(), min(first, count)
    ask(few)
    spent = watch.lap()
    if few == count or spent * count / few > most_s:
        return spent * count / few
    ask(count)
    return watch.lap()


def _taken() -> int:
    import torch

    return int(torch.cuda.memory_allocated()) if torch.cuda.is_available() else host_bytes()


def _group(lengths: Sequence[int], batch: int, place: float) -> list[int]:
    """The numbers of `batch` rows that stand at a place in the order of length; fewer rows come again."""
    order = sorted(range(len(lengths)), key=lambda at: lengths[at])
    start = round(place * max(0, len(order) - batch))
    group = order[start : start + batch]
    return [group[at % len(group)] for at in range(batch)]


def _size(lengths: Sequence[int], group: Sequence[int], packing: bool) -> int:
    wide = [lengths[at] for at in group]
    return sum(wide) if packing else max(wide) * len(wide)


def _padded(lengths: Sequence[int], batch: int) -> int:
    groups = [lengths[at : at + batch] for at in range(0, len(lengths), batch)]
    return sum(len(group) * max(group) for group in groups)


def _times(sizes: Sequence[int], seconds: Sequence[float]) -> tuple[StepTime, ...]:
    """The median of each size; of the warm-up only where nothing else was timed."""
    pairs = list(zip(sizes, seconds, strict=False))
    pairs = pairs[1:] or pairs
    found = sorted({size for size, _ in pairs})
    return tuple(StepTime(tokens=size, seconds=median(spent for at, spent in pairs if at == size)) for size in found)
