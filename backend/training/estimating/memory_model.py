"""What a training run takes of memory, from a formula: weights, what is trained of them, and what a batch leaves.

The constants were fitted against measured peaks of processes (see tests/benchmarks/memory.py). A probe step replaces
all of it by what was measured; until then this says about how much, and of what.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final

from backend.models.memory import QUANTIZED_BYTES
from backend.training.config import TrainingConfig
from backend.training.estimating.batches import Batch
from backend.training.estimating.facts import BYTES, ModelFacts, block_of
from backend.training.methods.catalog import adapts_head

LIBRARIES: Final = 860 * 2**20
"""What the process takes beside its model and batches: Python, torch, transformers, trl, peft (735 MB once imported),
and what evaluating, answering and saving leave behind."""
STATES: Final = {"adamw_torch": 8.0, "adamw_bnb_8bit": 2.1, "paged_adamw_8bit": 2.1, "adafactor": 0.1, "sgd": 0.0}
"""Bytes that an optimizer keeps for each number that it moves."""
CHUNK: Final = 256
"""Tokens whose logits are there at once (TRL's `loss_type="chunked_nll"`)."""
LOW, HIGH = 0.75, 1.35
"""How far a peak lay from the formula, over the configs of the benchmark."""


@dataclass(frozen=True)
class Parts:
    """Bytes, by what they are for. Their sum is the peak of the process, on a processor."""

    libraries: int
    weights: int
    trained: int
    activations: int
    logits: int

    @property
    def total(self) -> int:
        return self.libraries + self.weights + self.trained + self.activations + self.logits


def parts(
    config: TrainingConfig, model: ModelFacts, batch: Batch | None, dtype: str, labels: int = 0, card: bool = False
) -> Parts:
    """Of a run of this config whose widest batch is `batch`; `dtype` is that of the weights.

    card  of an accelerator's memory, which holds no libraries
    """
    moved = trainable_numbers(config, model, labels)
    batch = batch or Batch(0, 0, 0)
    return Parts(
        libraries=0 if card else LIBRARIES,
        weights=weight_bytes(config, model, dtype),
        trained=int(moved * (BYTES[dtype] + STATES[config.optim]) + _copies(config, moved)),
        activations=_activations(config, model, batch, dtype),
        logits=0 if config.objective == "head" else _logits(config, model, batch, dtype),
    )


def weight_bytes(config: TrainingConfig, model: ModelFacts, dtype: str) -> int:
    """The base's weights as they lie in memory: quantized are only the matrices inside the blocks."""
    if config.quantization is None:
        return model.numbers * BYTES[dtype]
    inside = sum(map(prod, model.linear.values()))
    return int(inside * QUANTIZED_BYTES[config.quantization] + (model.numbers - inside) * BYTES[dtype])


def trainable_numbers(config: TrainingConfig, model: ModelFacts, labels: int = 0) -> int:
    """How many numbers move, closely enough for memory; the run itself counts them exactly."""
    head = labels * model.hidden if config.objective == "head" else 0
    match config.method:
        case "frozen":
            return head
        case "full":
            return model.numbers + head
        case "last_layers":
            first = model.layers - config.last_layers
            inside = sum(prod(shape) for name, shape in model.shapes.items() if (block_of(name) or 0) >= first > 0)
            return (inside if first > 0 else model.numbers) + head
        case "prompt_tuning" | "p_tuning" | "prefix_tuning":
            return _virtual(config, model) + head
        case "ia3":
            return sum(out for out, _ in _targets(config, model)) + head
        case "vera":
            return sum(out + config.r for out, _ in _targets(config, model)) + head
        case "oft":
            return sum(wide * 31 // 2 for _, wide in _targets(config, model)) + head
        case _:
            twice = 2 if config.method == "loha" else 1
            return twice * config.r * sum(out + wide for out, wide in _targets(config, model)) + head


def _logits(config: TrainingConfig, model: ModelFacts, batch: Batch, dtype: str) -> int:
    """Those of the loss: TRL works them out for CHUNK tokens at a time, and again on the way back."""
    tokens = batch.tokens if adapts_head(config) else min(batch.tokens, CHUNK)
    return int(tokens * model.vocabulary * (BYTES[dtype] + 3 * 4))


def _copies(config: TrainingConfig, moved: int) -> int:
    # An adapter's numbers come on top of the base's weights; those of `full` are the base's weights, counted there.
    return 0 if config.method in ("full", "last_layers") else moved * 4


def _targets(config: TrainingConfig, model: ModelFacts) -> list[tuple[int, int]]:
    wanted = config.target_modules
    names = tuple(wanted) if isinstance(wanted, tuple) else ()
    return [
        shape
        for name, shape in model.linear.items()
        if not names or name.removesuffix(".weight").rsplit(".", 1)[-1] in names
    ]


def _virtual(config: TrainingConfig, model: ModelFacts) -> int:
    tokens = config.num_virtual_tokens
    if config.method == "prefix_tuning":
        return tokens * model.layers * 2 * model.kv_heads * model.head_dim
    if config.method == "p_tuning":
        wide = config.encoder_hidden_size
        return tokens * model.hidden + wide * (2 * model.hidden + wide)
    return tokens * model.hidden


def _activations(config: TrainingConfig, model: ModelFacts, batch: Batch, dtype: str) -> int:
    """What the backward pass needs of the forward pass: per token and block the inputs of what is differentiated.

    After Korthikanti et al. 2022 (Reducing Activation Recomputation in Large Transformer Models), without dropout and
    with attention that keeps no matrix of scores.
    """
    if config.method == "frozen":
        return int(batch.tokens * model.hidden * BYTES[dtype] * 4)
    attention = (model.heads + 2 * model.kv_heads) * model.head_dim
    block = 6 * model.hidden + 3 * attention + 4 * model.intermediate
    kept = model.layers * model.hidden + block if config.gradient_checkpointing else model.layers * block
    return int(batch.tokens * kept * BYTES[dtype])
