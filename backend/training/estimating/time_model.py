"""How long a run takes: from a probe's measured steps, or from an assumed pace of the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.models.memory import Machine
from backend.training.config import TrainingConfig
from backend.training.estimating.batches import batches_of, cadence_of, passes_of, steps_of
from backend.training.estimating.facts import ModelFacts, RowFacts
from backend.training.estimating.measured import Measured, StepTime
from backend.training.running.cadence import Cadence

LOAD_S: Final = 12.0
"""Libraries, rows and a small model, on a processor of today."""
CORE_PACE: Final = 2.0e10
CARD_PACE: Final = 4.0e13
"""Operations per second that training a small model came to, of one core, and what a card of today comes to."""
LEARNING: Final = {"full": 6.0, "last_layers": 4.0, "frozen": 2.0}
"""Operations per number and token (Kaplan et al. 2020): forward 2, gradients of activations 2, of weights 2."""


@dataclass(frozen=True)
class Seconds:
    """By what they are for; their sum is the run from its first moment to its last."""

    loading: float
    training: float
    checking: float
    answering: float
    saving: float

    @property
    def total(self) -> float:
        return self.loading + self.training + self.checking + self.answering + self.saving


def measured_seconds(config: TrainingConfig, rows: RowFacts, probe: Measured) -> Seconds:
    """From what a probe of this config measured; the same code ran, so only how often has to be worked out."""
    plan, steps = cadence_of(config, rows), steps_of(config, rows.lengths)
    once = sum(step_seconds(probe.steps, batch.tokens) for batch in batches_of(config, rows.lengths))
    each = once / config.processes
    per_token = probe.eval_s / probe.eval_tokens if probe.eval_tokens else 0.0
    checks = plan.evaluations + 1 if plan.dev_rows else 0
    saves = -(-steps // plan.save_steps) if steps else 0
    return Seconds(
        loading=probe.load_s,
        training=each * passes_of(config, rows.lengths) + steps * probe.optimizer_s,
        checking=checks * per_token * dev_tokens(config, rows, plan),
        answering=plan.metric_times * probe.ask_s,
        saving=saves * probe.save_s + (plan.evaluations + 1) * probe.write_s + probe.build_s,
    )


def assumed_seconds(config: TrainingConfig, rows: RowFacts, model: ModelFacts, machine: Machine) -> Seconds:
    """By the operations that the model takes. Right to a factor of about three."""
    plan = cadence_of(config, rows)
    pace = CARD_PACE if machine.gpus else CORE_PACE * machine.cores
    # What lies outside the blocks (the vocabulary) counts too: the output layer is a matrix like the others.
    work = model.numbers / pace
    tokens = sum(batch.tokens for batch in batches_of(config, rows.lengths)) * passes_of(config, rows.lengths)
    again = 1.3 if config.gradient_checkpointing else 1.0
    checks = plan.evaluations + 1 if plan.dev_rows else 0
    asked = max(config.metric_examples, config.sample_inputs) if rows.dev_lengths else 0
    answer = sum(rows.dev_lengths) / max(1, len(rows.dev_lengths)) + 8 * rows.dev_answer
    return Seconds(
        loading=LOAD_S + 20 * work * model.layers,
        training=LEARNING.get(config.method, 4.5) * again * work * tokens,
        checking=2 * work * checks * dev_tokens(config, rows, plan),
        answering=plan.metric_times * asked * answer * 2 * work,
        saving=0.2 * plan.evaluations,
    )


def step_seconds(steps: tuple[StepTime, ...], tokens: int) -> float:
    """Of a batch of so many tokens: on the line between the measured sizes, beyond them in proportion.

    Below the smallest half of its time stays: a step of nothing takes time too.
    """
    sizes, spent = [step.tokens for step in steps], [step.seconds for step in steps]
    if tokens > sizes[-1]:
        return spent[-1] * tokens / sizes[-1]
    if len(steps) == 1:
        return spent[0] * (0.2 + 0.8 * tokens / sizes[0])
    sizes, spent = [0, *sizes], [max(0.0, _at_nothing(steps)), *spent]
    return float(np.interp(tokens, sizes, spent))


def dev_tokens(config: TrainingConfig, rows: RowFacts, plan: Cadence) -> float:
    """Tokens, with padding, of one check on the dev split; its rows come as they are, in batches of the same size."""
    size = config.per_device_train_batch_size
    groups = [rows.dev_lengths[at : at + size] for at in range(0, len(rows.dev_lengths), size)]
    whole = sum(max(group) * len(group) for group in groups)
    return whole * plan.dev_rows / max(1, len(rows.dev_lengths))


def _at_nothing(steps: tuple[StepTime, ...]) -> float:
    """Where the line through the two smallest sizes meets a batch without tokens; at most half of the smallest."""
    first, second = steps[0], steps[1]
    slope = (second.seconds - first.seconds) / (second.tokens - first.tokens)
    return min(first.seconds - slope * first.tokens, first.seconds / 2)
