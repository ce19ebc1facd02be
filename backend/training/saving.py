"""What a training leaves: an adapter folder, which is put over its untouched base."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

import torch

from backend.training.adapter_folder import CARD, PEFT_CONFIG, WEIGHTS
from backend.training.building import trainable_parameters
from backend.training.config import TrainingConfig
from backend.training.methods import METHODS
from backend.training.values import AdapterCard, BaseCard, Built

SETS: Final = frozenset({"target_modules", "feedforward_modules", "exclude_modules", "modules_to_save"})
"""Lists of PEFT's config that have no order: sorted, so that the same training writes the same file."""


def save(built: Built, config: TrainingConfig, folder: Path, base: BaseCard, run: str = "") -> AdapterCard:
    """Write what was trained into `folder`, which need not exist, and return its card. The model stays as it is.

    `run` is the id of the run, for people. The card is written last. Raises OSError when the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if METHODS[config.method].peft:
        _save_peft(built.model, folder, base)
    else:
        _save_weights(built, folder)
    card = AdapterCard(
        kind="peft" if METHODS[config.method].peft else "weights",
        task="head" if config.objective == "head" else "causal",
        method=config.method,
        quantization=config.quantization,
        labels=built.labels,
        base=base,
        trainable=built.trainable,
        created=time.time(),
        run=run,
    )
    (folder / CARD).write_text(card.model_dump_json(indent=2), "utf-8")
    return card


def _save_peft(model: Any, folder: Path, base: BaseCard) -> None:
    """PEFT's files, without the model card that it adds and without the place of this machine's base model."""
    model.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)
    file = folder / PEFT_CONFIG
    told = json.loads(file.read_text("utf-8"))
    told["base_model_name_or_path"] = base.label
    told = {key: sorted(value) if key in SETS and isinstance(value, list) else value for key, value in told.items()}
    file.write_text(json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False), "utf-8")


def _save_weights(built: Built, folder: Path) -> None:
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {
        name: parameter.detach().cpu().contiguous() for name, parameter in trainable_parameters(built).items()
    }
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
