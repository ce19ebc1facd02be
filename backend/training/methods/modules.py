"""Where in a model a method works: names of its linear layers, its blocks, its head. Found, never assumed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from backend.errors import BadInput
from backend.models.heads import HEADS, heads
from backend.training.config import AUTO, TrainingConfig


def linear_modules(model: Any) -> dict[str, torch.nn.Module]:
    """Every linear layer by its full name, but the output and classification heads. GPT-2's Conv1D is one too."""
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, (torch.nn.Linear, Conv1D)) and module is not head and name.rpartition(".")[2] not in HEADS
    }


def target_modules(config: TrainingConfig, model: Any) -> list[str]:
    """The last parts of the names of the modules that the method changes, sorted.

    "auto" is every linear layer of the blocks: QLoRA (section 4) found that adapters on all of them are what it takes
    to come up to full fine-tuning. (The starter after 20 steps, with 260,000 numbers on all layers: loss 2.0; with
    230,000 on PEFT's default q_proj and v_proj: 4.0.) (IA)3 works on keys, values and what enters the second
    feed-forward layer only, so there "auto" is PEFT's table.
    Raises BadInput("error.training_target_modules", unknown=, known=), BadInput("error.training_architecture").
    """
    known = sorted({name.rpartition(".")[2] for name in linear_modules(model)})
    if config.target_modules == AUTO and config.method == "ia3":
        return sorted(_ia3_modules(model, known))
    if isinstance(config.target_modules, str):
        return known
    unknown = [name for name in config.target_modules if not _matches(name, linear_modules(model))]
    if unknown or not config.target_modules:
        raise BadInput("error.training_target_modules", unknown=", ".join(unknown) or "-", known=", ".join(known))
    return sorted(config.target_modules)


def feedforward_modules(model: Any, chosen: list[str]) -> list[str]:
    """Of the chosen modules those whose input (IA)3 scales instead of their output: PEFT's table."""
    from peft.utils import TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING as TABLE

    return [name for name in TABLE.get(_kind(model), []) if name in chosen]


def blocks(model: Any) -> torch.nn.ModuleList:
    """The model's blocks: the outermost list of modules that is as long as the model is deep."""
    depth = model.config.get_text_config().num_hidden_layers
    lists = (module for module in model.modules() if isinstance(module, torch.nn.ModuleList))
    return next(found for found in lists if len(found) == depth)


def last_layers(model: Any, count: int) -> Iterator[torch.nn.Parameter]:
    """The parameters of the last `count` blocks and of the norm behind them; a tied output layer stays as it is.

    Raises BadInput("error.training_last_layers", wanted=, blocks=).
    """
    found = blocks(model)
    if count > len(found):
        raise BadInput("error.training_last_layers", wanted=count, blocks=len(found))
    for block in list(found)[-count:]:
        yield from block.parameters()
    yield from _behind(model, found)


def head_names(model: Any) -> list[str]:
    """What the model calls its classification head."""
    return [name for name, _ in model.named_children() if name in HEADS]


def head_parameters(model: Any) -> Iterator[torch.nn.Parameter]:
    """The parameters of a classification head; nothing for a model that has none."""
    for module in heads(model):
        yield from module.parameters()


def blocks_of_oft(config: TrainingConfig, model: Any, chosen: list[str]) -> int:
    """OFT's `r`, the number of blocks of a layer: the divisor of every layer's width that is nearest to what was asked.

    PEFT would change it layer by layer and warn. One block more than half the width would hold a single number, whose
    only rotation is none.
    """
    widths = [_width(module) for name, module in linear_modules(model).items() if _ends(name, chosen)]
    common = math.gcd(*widths)
    divisors = [number for number in range(1, common // 2 + 1) if common % number == 0] or [1]
    return min(divisors, key=lambda number: (abs(number - config.r), number))


def turned(model: Any, chosen: list[str]) -> bool:
    """Whether the chosen layers keep their weight as (in, out): GPT-2's Conv1D, `fan_in_fan_out` of PEFT."""
    from transformers.pytorch_utils import Conv1D

    return any(isinstance(module, Conv1D) for name, module in linear_modules(model).items() if _ends(name, chosen))


def _width(module: Any) -> int:
    """How many numbers go into a layer; Conv1D keeps its weight turned."""
    return int(getattr(module, "in_features", None) or module.weight.shape[0])


def _behind(model: Any, found: torch.nn.ModuleList) -> Iterator[torch.nn.Parameter]:
    """The last norm: it stands beside the blocks in the module that holds them. An embedding's norm is not meant."""
    holder = next(module for module in model.modules() if any(child is found for child in module.children()))
    for name, child in holder.named_children():
        if "norm" in type(child).__name__.lower() and "embed" not in name:
            yield from child.parameters()


def _ia3_modules(model: Any, known: list[str]) -> list[str]:
    from peft.utils import TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING as TABLE

    if _kind(model) not in TABLE:
        raise BadInput("error.training_architecture", method="(IA)3", kind=_kind(model), known=", ".join(known))
    names: list[str] = TABLE[_kind(model)]
    return names


def _kind(model: Any) -> str:
    return str(model.config.get_text_config().model_type)


def _matches(name: str, modules: dict[str, torch.nn.Module]) -> bool:
    return any(_ends(full, [name]) for full in modules)


def _ends(full: str, names: list[str]) -> bool:
    """PEFT's own rule for a list of names: the whole name, or its end after a dot."""
    return any(full == name or full.endswith("." + name) for name in names)
