"""Which batches a run will have: how many steps, and how wide each is with its padding."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from backend.training.config import TrainingConfig
from backend.training.estimating.facts import RowFacts
from backend.training.running.cadence import Cadence, cadence, total_steps
from backend.training.values import Rows

MEGA = 50
"""Batches that transformers' LengthGroupedSampler sorts together."""


@dataclass(frozen=True)
class Batch:
    """`rows` rows padded to `width` tokens; `useful` of the tokens are no padding."""

    rows: int
    width: int
    useful: int

    @property
    def tokens(self) -> int:
        return self.rows * self.width


def batches_of(config: TrainingConfig, lengths: Sequence[int]) -> list[Batch]:
    """Those of one epoch, over all processes, drawn as the trainer's sampler draws them (not the same, but alike)."""
    if not lengths:
        return []
    if config.packing:
        return _packed(config, lengths)
    size = config.per_device_train_batch_size
    order = list(lengths)
    random.Random(config.seed).shuffle(order)
    if config.train_sampling_strategy == "group_by_length":
        together = size * config.gradient_accumulation_steps
        mega = max(1, min(len(order) // (together * 4), MEGA)) * together
        order = [one for at in range(0, len(order), mega) for one in sorted(order[at : at + mega], reverse=True)]
    return [_batch(order[at : at + size]) for at in range(0, len(order), size)]


def largest(config: TrainingConfig, lengths: Sequence[int]) -> Batch | None:
    """The widest batch that may come: the longest rows together, as grouping by length puts them first."""
    if config.packing:
        return max(batches_of(config, lengths), key=lambda batch: batch.tokens, default=None)
    longest = sorted(lengths, reverse=True)[: config.per_device_train_batch_size]
    return _batch(longest) if longest else None


def steps_of(config: TrainingConfig, lengths: Sequence[int]) -> int:
    """Optimizer steps of the whole run when nothing stops it early; 0 without rows."""
    return total_steps(config, batched(config, lengths)) if lengths else 0


def passes_of(config: TrainingConfig, lengths: Sequence[int]) -> float:
    """How often the run goes through all of its batches: its epochs, or what `max_steps` come to."""
    batches = len(batches_of(config, lengths))
    per_epoch = math.ceil(batches / config.gradient_accumulation_steps / config.processes)
    return steps_of(config, lengths) / per_epoch if per_epoch else 0.0


def batched(config: TrainingConfig, lengths: Sequence[int]) -> int:
    """Rows as they are batched: after packing fewer than there are."""
    return sum(batch.rows for batch in batches_of(config, lengths)) if config.packing else len(lengths)


def cadence_of(config: TrainingConfig, rows: Rows | RowFacts) -> Cadence:
    """How often a run over these rows looks up: packed, there are fewer of them than were brought."""
    return cadence(config, batched(config, rows.lengths), len(rows.dev_lengths))


def waste_of(batches: Sequence[Batch]) -> float:
    """The share of tokens that are padding, 0..1."""
    whole = sum(batch.tokens for batch in batches)
    return 1 - sum(batch.useful for batch in batches) / whole if whole else 0.0


def _batch(rows: Sequence[int]) -> Batch:
    return Batch(len(rows), max(rows), sum(rows))


def _packed(config: TrainingConfig, lengths: Sequence[int]) -> list[Batch]:
    """Rows laid into sequences of `max_length`, the longest first into the fullest that has room (best fit)."""
    width = config.max_length or max(lengths)
    rooms: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [at for at, room in enumerate(rooms[-64:], max(0, len(rooms) - 64)) if room >= length]
        if fitting:
            rooms[min(fitting, key=lambda at: rooms[at])] -= length
        else:
            rooms.append(width - length)
    size = config.per_device_train_batch_size
    used = [width - room for room in rooms]
    groups = [used[at : at + size] for at in range(0, len(used), size)]
    # What is packed is laid out in one row, without padding.
    return [Batch(len(group), math.ceil(sum(group) / len(group)), sum(group)) for group in groups]
