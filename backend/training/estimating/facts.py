"""What memory and time depend on, read without loading anything: lengths of rows, shapes of a model's tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from backend.errors import ModelProblem
from backend.models.memory import dtype_name, read_header
from backend.training.config import TrainingConfig
from backend.training.values import IGNORED, Row, Rows

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Of a number, by the names that a config has for them."""


@dataclass(frozen=True)
class RowFacts:
    """Lengths in tokens, row by row.

    lengths, dev_lengths  of each row, in the order of the rows
    loss_tokens           of all training rows
    dev_answer            mean tokens of an expected output among the dev rows
    labels                classes of a head, else 0
    """

    lengths: tuple[int, ...]
    dev_lengths: tuple[int, ...] = ()
    loss_tokens: int = 0
    dev_answer: float = 0.0
    labels: int = 0

    @staticmethod
    def of(rows: Rows) -> RowFacts:
        return RowFacts(
            lengths=rows.lengths,
            dev_lengths=rows.dev_lengths,
            loss_tokens=rows.loss_tokens,
            dev_answer=sum(map(_counted, rows.dev)) / max(1, len(rows.dev)),
            labels=len(rows.labels),
        )

    @property
    def tokens(self) -> int:
        return sum(self.lengths)

    @property
    def longest(self) -> int:
        return max(self.lengths, default=0)


@dataclass(frozen=True)
class ModelFacts:
    """A model folder as its headers tell it. `shapes` has every stored tensor; sizes are in numbers, not bytes."""

    label: str
    architecture: str
    hidden: int
    layers: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int | None
    stored_bytes: int
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def numbers(self) -> int:
        return sum(map(prod, self.shapes.values()))

    @property
    def linear(self) -> dict[str, tuple[int, int]]:
        """The matrices inside the blocks, which adapters sit on: out x in."""
        return {
            name: (shape[0], shape[1])
            for name, shape in self.shapes.items()
            if len(shape) == 2 and name.endswith(".weight") and block_of(name) is not None
        }


def model_facts(folder: Path, label: str = "") -> ModelFacts:
    """Raises ModelProblem for a folder whose config or weights cannot be read."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    except FileNotFoundError as fault:
        raise ModelProblem("error.model_file_missing", model=folder.name, file="config.json") from fault
    except (OSError, ValueError) as fault:
        raise ModelProblem("error.model_damaged", file="config.json") from fault
    config = {**config, **(config.get("text_config") or {})}
    files = sorted(folder.glob("*.safetensors"))
    shapes = {name: shape for file in files for name, shape in _shapes(file).items()}
    hidden = int(config.get("hidden_size") or config.get("n_embd") or config.get("d_model") or 1)
    heads = int(config.get("num_attention_heads") or config.get("n_head") or 1)
    context = config.get("max_position_embeddings") or config.get("n_positions")
    return ModelFacts(
        label=label or folder.name,
        architecture=str((config.get("architectures") or [""])[0]),
        hidden=hidden,
        layers=int(config.get("num_hidden_layers") or config.get("n_layer") or 1),
        intermediate=int(config.get("intermediate_size") or config.get("n_inner") or 4 * hidden),
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_dim=int(config.get("head_dim") or hidden // heads),
        vocabulary=int(config.get("vocab_size") or 1),
        context=int(context) if context else None,
        stored_bytes=sum(file.stat().st_size for file in files),
        shapes=shapes,
    )


def weights_dtype_name(config: TrainingConfig, kind: str, numbers: int) -> str:
    """The base's dtype while training, by torch's name, on a kind of device ("cpu", "cuda", "mps").

    "auto": what it answers in, but float32 where the base's own numbers move (steps smaller than a half-precision
    number's last digit would be lost) and on Apple's, whose half precision overflows in training.
    """
    if config.dtype != "auto":
        return config.dtype
    if config.method in {"full", "last_layers"} or kind == "mps":
        return "float32"
    return dtype_name(kind, numbers)


def block_of(name: str) -> int | None:
    """The number of the block that a tensor belongs to: 3 for "model.layers.3.mlp.up_proj.weight"."""
    for part in name.split("."):
        if part.isdigit():
            return int(part)
    return None


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    read_header(file)  # says what is wrong with a damaged one
    with file.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    header.pop("__metadata__", None)
    return {name: tuple(map(int, tensor["shape"])) for name, tensor in header.items()}


def _counted(row: Row) -> int:
    return sum(1 for label in row.labels if label != IGNORED)
