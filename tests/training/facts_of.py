"""Facts for tests of estimates and presets: a machine, a model, rows, none of them real."""

from __future__ import annotations

from typing import Any

from backend.models.memory import Gpu, Machine
from backend.training.estimating.facts import ModelFacts, RowFacts

GB = 2**30


def machine(free: int = 16 * GB, cores: int = 4, gpu: int | None = None) -> Machine:
    cards = () if gpu is None else (Gpu("card", gpu, 0),)
    return Machine(cores, 32 * GB, free, cards)


def model(hidden: int = 512, layers: int = 8, vocabulary: int = 16_000) -> ModelFacts:
    """A Llama of this size."""
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocabulary, hidden)}
    for block in range(layers):
        for name in ("q", "k", "v", "o"):
            shapes[f"model.layers.{block}.self_attn.{name}_proj.weight"] = (hidden, hidden)
        for name in ("gate", "up"):
            shapes[f"model.layers.{block}.mlp.{name}_proj.weight"] = (3 * hidden, hidden)
        shapes[f"model.layers.{block}.mlp.down_proj.weight"] = (hidden, 3 * hidden)
    return ModelFacts(
        label="made-up",
        architecture="LlamaForCausalLM",
        hidden=hidden,
        layers=layers,
        intermediate=3 * hidden,
        heads=8,
        kv_heads=8,
        head_dim=hidden // 8,
        vocabulary=vocabulary,
        context=1024,
        stored_bytes=0,
        shapes=shapes,
    )


def rows(count: int = 400, length: int = 60, dev: int = 50, **more: Any) -> RowFacts:
    """Of lengths around `length`, from half to half as much again."""
    lengths = tuple(length // 2 + number * 37 % length for number in range(count))
    return RowFacts(lengths, lengths[:dev], loss_tokens=4 * count, dev_answer=4.0, **more)
