"""The values that the parts of training hand each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from backend.assistants import Part, Quantization
from backend.jobs.run import Count, Span
from backend.training.config import Method

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
    def tokens(self) -> int:
        """Of the training rows, without padding."""
        return sum(len(row.input_ids) for row in self.train)

    @property
    def loss_tokens(self) -> int:
        return sum(1 for row in self.train for label in row.labels if label != IGNORED)


class BaseCard(Part):
    """Which model an adapter was made for: enough to refuse another one and to name both.

    identity  `backend.evaluation.identity.weights_identity` of its folder
    """

    label: str
    identity: str
    architecture: str = ""
    numbers: Count = 0


class AdapterCard(Part):
    """`matchum_adapter.json` in an adapter folder: what lies there and how it is put over its base.

    kind  "peft"     PEFT's own files (adapter_config.json, adapter_model.safetensors)
          "weights"  weights.safetensors: the tensors that were trained, under their names in the model
    task  "causal", or "head": a sequence classification head whose classes are `labels`
    """

    format: Literal["matchum-adapter-1"] = "matchum-adapter-1"
    kind: Literal["peft", "weights"]
    task: Literal["causal", "head"] = "causal"
    method: Method
    quantization: Quantization | None = None
    labels: tuple[str, ...] = ()
    base: BaseCard
    trainable: Count = 0
    created: Span = 0.0
    run: str = ""
    more: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Built:
    """A model ready to be trained: transformers' or PEFT's, its tokenizer, and the numbers that move.

    The base's parameters are frozen except those meant to move. `labels` when it ends in a classification head.
    """

    model: Any
    tokenizer: Any
    trainable: int
    total: int
    labels: tuple[str, ...] = ()
