"""How often a run looks up from its work: evaluations, checkpoints, answers. Worked out before it starts.

An evaluation reads forward only, which is about a third of a training step per row. All evaluations together shall
not take more than EVALUATING of what training takes; where the dev split is too large for that, it is asked in part,
and where even a small part is too much, more seldom.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from backend.training.config import TrainingConfig

TIMES: Final = 20
FEWEST_TIMES: Final = 5
EVALUATING: Final = 0.25
DEV_ROWS: Final = 512
"""Rows whose loss is measured at most."""
ENOUGH_ROWS: Final = 64
"""Fewer make the dev loss jump; then rather evaluate more seldom."""
METRIC_EVERY: Final = 3
"""Evaluations from one to the next that also answers dev examples for the task's metric."""
LINES: Final = 5_000
"""Points of the training loss that a run writes at most."""


@dataclass(frozen=True)
class Cadence:
    """In optimizer steps. `dev_rows` of the dev rows are evaluated; 0: there are none, and nothing is evaluated."""

    steps: int
    eval_steps: int
    save_steps: int
    logging_steps: int
    dev_rows: int

    @property
    def evaluations(self) -> int:
        """How often the dev loss is measured after training began, the one at the end included."""
        return ceil(self.steps / self.eval_steps) if self.dev_rows else 0

    @property
    def metric_times(self) -> int:
        """How often dev examples are answered: before, while training, and at the end."""
        return 2 + self.evaluations // METRIC_EVERY


def total_steps(config: TrainingConfig, rows: int) -> int:
    """Optimizer steps of the whole run, as transformers counts them: the rest of an epoch is a step of its own."""
    if config.max_steps > 0:
        return config.max_steps
    batch = config.per_device_train_batch_size * config.processes
    per_epoch = max(1, ceil(ceil(rows / batch) / config.gradient_accumulation_steps))
    return max(1, ceil(config.num_train_epochs * per_epoch))


def cadence(config: TrainingConfig, rows: int, dev_rows: int) -> Cadence:
    """For so many rows as they are batched (after packing) and so many dev rows."""
    steps = total_steps(config, rows)
    visits = steps * config.per_device_train_batch_size * config.gradient_accumulation_steps * config.processes
    budget = EVALUATING * 3 * visits
    if config.eval_steps is not None:
        times = max(1, steps // config.eval_steps)
    else:
        times = int(min(TIMES, max(FEWEST_TIMES, budget / max(1, min(dev_rows, ENOUGH_ROWS)))))
    asked = min(dev_rows, DEV_ROWS, max(ENOUGH_ROWS, int(budget / times)))
    eval_steps = config.eval_steps or max(1, ceil(steps / times))
    return Cadence(
        steps=steps,
        eval_steps=eval_steps,
        save_steps=config.save_steps or eval_steps,
        logging_steps=max(1, steps // LINES),
        dev_rows=asked,
    )
