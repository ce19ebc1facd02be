"""PiSSA (Meng 2024, arXiv 2404.02948): LoRA that starts from the largest singular values of the weights it changes.

PEFT takes those out of the base's weights, so what was learned would fit no other copy of the base. What is saved is
therefore the difference between the end and the start, as a plain LoRA of twice the rank over the untouched base:
W + dW = (W - B0 A0) + B A, so dW = [B, -B0] [A; A0]. PEFT does that from a copy of the start, which is kept here in
memory: the same base gives the same start, so a run that resumes needs no file of it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import torch

from backend.errors import BadInput
from backend.models.adapter_files import PEFT_TENSORS
from backend.training.config import TrainingConfig

START: Final = "matchum_start"
"""The attribute of the model that holds the adapter's first numbers; a plain dict, so no part of its state."""


def remember_start(config: TrainingConfig, model: Any) -> None:
    """Keep the start of a fresh PiSSA adapter. Raises BadInput("error.training_pissa_rank", r=, most=).

    From here on PEFT may take it for a plain LoRA, as it advises: the base has been changed already.
    """
    from peft import get_peft_model_state_dict

    start = {name: tensor.detach().cpu().clone() for name, tensor in get_peft_model_state_dict(model).items()}
    ranks = [tensor.shape[0] for name, tensor in start.items() if "lora_A" in name]
    if min(ranks, default=config.r) < config.r:
        raise BadInput("error.training_pissa_rank", r=config.r, most=min(ranks))
    setattr(model, START, start)
    model.active_peft_config.init_lora_weights = True


def starts_changed(model: Any) -> bool:
    """Whether the base under this adapter is not the base that it will be put over."""
    return hasattr(model, START)


def save_difference(model: Any, folder: Path) -> None:
    """PEFT's files of the plain LoRA. The model goes on as it was."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import load_file, save_file

    start: dict[str, torch.Tensor] = getattr(model, START)
    with tempfile.TemporaryDirectory() as place:
        first = Path(place) / "start"
        first.mkdir()
        save_file(start, first / PEFT_TENSORS, metadata={"format": "pt"})
        model.save_pretrained(str(folder), path_initial_model_for_weight_conversion=str(first))
    # PEFT's conversion keeps nothing but A and B; a classification head is neither.
    written = load_file(folder / PEFT_TENSORS)
    whole = get_peft_model_state_dict(model)
    rest = {name: tensor.detach().cpu().contiguous() for name, tensor in whole.items() if name not in written}
    save_file(written | rest, folder / PEFT_TENSORS, metadata={"format": "pt"})
