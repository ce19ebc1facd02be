"""Whether an adapter's file holds what PEFT would make room for, found out before any room is taken.

A configuration of a few bytes can ask for any rank on every layer. So the adapter is first put over an empty model, of
shapes without numbers (torch's "meta" device): what it would hold has to be what lies in the file.
"""

from __future__ import annotations

import copy
import warnings
from math import prod
from pathlib import Path
from typing import Any, Final

from backend.errors import ModelProblem
from backend.models.adapter_files import CONFIG, PEFT_TENSORS

FAULTS: Final = (ValueError, KeyError, TypeError, RuntimeError, AttributeError, IndexError, NotImplementedError)
"""What transformers and PEFT raise for what does not fit."""
Shapes = dict[str, tuple[int, ...]]
PRUNED: Final = 4
"""AdaLoRA begins with more ranks than it keeps (one and a half times as many, of one rank two), and its file holds only
those kept: it is made at its full size, then cut. More than this many times the file's numbers is not explained so."""


def check_fits(model: Any, folder: Path, config: Any) -> None:
    """Whether the folder's tensors are those of PEFT's `config` over this model, whose numbers are not looked at.

    Raises ModelProblem("error.adapter_damaged", file=).
    """
    held = _held(folder / PEFT_TENSORS)
    try:
        wanted = _wanted(model, config)
    except FAULTS as fault:
        raise ModelProblem("error.adapter_damaged", file=CONFIG) from fault
    if config.peft_type == "ADALORA" and config.rank_pattern:
        fits = held.keys() == wanted.keys() and _numbers(wanted) <= PRUNED * _numbers(held)
    else:
        fits = held == wanted
    if not fits:
        raise ModelProblem("error.adapter_damaged", file=PEFT_TENSORS)


def _held(file: Path) -> Shapes:
    """The shapes in a file, by safetensors' own reader: it holds them against the bytes that are there."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as fault:
        raise ModelProblem("error.adapter_damaged", file=file.name) from fault


def _wanted(model: Any, config: Any) -> Shapes:
    import torch
    from peft import MODEL_TYPE_TO_PEFT_MODEL_MAPPING, get_peft_model_state_dict

    config = copy.deepcopy(config)
    config.inference_mode = True
    if getattr(config, "init_lora_weights", True) is not True:
        config.init_lora_weights = True  # others are made of the weights, which are not there
    if config.peft_type == "ADALORA":
        config.rank_pattern = None
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        empty = type(model)(copy.deepcopy(model.config))
        over = MODEL_TYPE_TO_PEFT_MODEL_MAPPING[config.task_type](empty, config, low_cpu_mem_usage=True)
        found = get_peft_model_state_dict(over, save_embedding_layers=False)
    return {name: tuple(tensor.shape) for name, tensor in found.items()}


def _numbers(shapes: Shapes) -> int:
    return sum(prod(shape) for shape in shapes.values())
