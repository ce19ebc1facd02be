"""Which batches a run will have: how many steps, and how wide each is with its padding."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from backend.training.config import TrainingConfig

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
    """Those of one epoch of one process, drawn as the trainer's sampler draws them (another seed, the same spread)."""
    if not lengths:
        return []
    if config.packing:
        return _packed(config, lengths)
    size = config.per_device_train_batch_size
    order = list(lengths)
    random.Random(config.seed).shuffle(order)
    if config.train_sampling_strategy == "group_by_length":
        mega = max(1, min(len(order) // (size * 4), MEGA)) * size
        order = [one for at in range(0, len(order), mega) for one in sorted(order[at : at + mega], reverse=True)]
    return [_batch(order[at : at + size]) for at in range(0, len(order), size)]


def largest(config: TrainingConfig, lengths: Sequence[int]) -> Batch | None:
    """The widest batch that may come: the longest rows together, as grouping by length puts them first."""
    if config.packing:
        return max(batches_of(config, lengths), key=lambda batch: batch.tokens, default=None)
    longest = sorted(lengths, reverse=True)[: config.per_device_train_batch_size]
    return _batch(longest) if longest else None


def steps_per_epoch(config: TrainingConfig, rows: int) -> int:
    """Optimizer steps; the last, smaller group of batches counts as one, as in transformers' Trainer."""
    batches = math.ceil(rows / (config.per_device_train_batch_size * max(1, config.processes)))
    return max(1, math.ceil(batches / config.gradient_accumulation_steps))


def steps_of(config: TrainingConfig, lengths: Sequence[int]) -> int:
    """Optimizer steps of the whole run when nothing stops it early; 0 without rows."""
    if config.max_steps > 0:
        return config.max_steps
    rows = len(batches_of(config, lengths)) * config.per_device_train_batch_size if config.packing else len(lengths)
    return math.ceil(steps_per_epoch(config, rows) * config.num_train_epochs) if rows else 0


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
    # A packed batch is one row without padding.
    return [Batch(1, sum(used[at : at + size]), sum(used[at : at + size])) for at in range(0, len(used), size)]
