"""The values that the parts of training hand each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EngineName = Literal["trl", "unsloth"]
IGNORED = -100
"""The label of a token that does not count for the loss, as torch's cross entropy has it."""


@dataclass(frozen=True)
class Row:
    """One thing that is trained on: token ids, and per token its label (the id again, or IGNORED).

    For a classification head `label` is the class and `labels` is empty. `prompt` and `completion` are the text
    that the ids were made of; `example_id` is None for a piece of a document.
    """

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]
    prompt: str
    completion: str
    example_id: int | None = None
    label: int | None = None


@dataclass(frozen=True)
class Problem:
    """What is wrong with the data: words under training_data.problem.<name>, how many, and which (at most 1,000 ids).

    severity  "stop": training makes no sense or is not honest; "warn": it should be known; "note": worth a look
    """

    name: str
    severity: Literal["stop", "warn", "note"]
    count: int
    example_ids: tuple[int, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """What a run trains on. `labels` are the classes of a head, in the order of their numbers."""

    train: tuple[Row, ...]
    dev: tuple[Row, ...]
    problems: tuple[Problem, ...]
    labels: tuple[str, ...] = ()

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each training row."""
        return tuple(len(row.input_ids) for row in self.train)

    @property
    def dev_lengths(self) -> tuple[int, ...]:
        """Tokens of each dev row."""
        return tuple(len(row.input_ids) for row in self.dev)

    @property
    def tokens(self) -> int:
        """Of the training rows, without padding."""
        return sum(self.lengths)

    @property
    def loss_tokens(self) -> int:
        return sum(1 for row in self.train for label in row.labels if label != IGNORED)


@dataclass(frozen=True)
class Built:
    """A model ready to be trained: transformers' or PEFT's, its tokenizer, and the numbers that move.

    The base's parameters are frozen except those meant to move. `labels` when it ends in a classification head.
    `engine` is whose model it is: Unsloth's brings its own kernels.
    """

    model: Any
    tokenizer: Any
    trainable: int
    total: int
    labels: tuple[str, ...] = ()
    engine: EngineName = "trl"
