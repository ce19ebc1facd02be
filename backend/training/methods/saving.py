"""What a training leaves: an adapter folder, which is put over its untouched base.

`backend.models.adapter_files` says what lies in one. Only what was trained is written, never the base; so nothing that
bitsandbytes did to a quantized base while it ran (on a processor a forward pass rearranges it) reaches the file.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

import torch

from backend.models.adapter_card import AdapterCard, BaseCard
from backend.models.adapter_files import CONFIG, WHOLE_TENSORS, anonymous, write_card
from backend.training.config import TrainingConfig
from backend.training.methods.building import trainable_parameters
from backend.training.methods.catalog import METHODS
from backend.training.methods.continuing import EARLIER
from backend.training.methods.pissa import save_difference, starts_changed
from backend.training.values import Built

SETS: Final = frozenset({"target_modules", "feedforward_modules", "exclude_modules", "modules_to_save"})
"""Lists of PEFT's config that have no order: sorted, so that the same training writes the same file."""


def save(built: Built, config: TrainingConfig, folder: Path, base: BaseCard, run: str = "") -> AdapterCard:
    """Write what was trained into `folder`, which need not exist, and return its card. The model stays as it is.

    `run` is the id of the run, for people. The card is written last: a folder without one was cut short.
    Raises OSError, StorageProblem.
    """
    folder.mkdir(parents=True, exist_ok=True)
    carried = METHODS[config.method].peft
    if carried:
        _save_peft(built.model, folder, base)
    else:
        _save_weights(built, folder)
    card = AdapterCard(
        kind="peft" if carried else "weights",
        task="head" if config.objective == "head" else "causal",
        method=config.method,
        quantization=config.quantization,
        labels=built.labels,
        base=base,
        trainable=built.trainable,
        created=time.time(),
        run=run,
    )
    write_card(folder, card)
    return card


def _save_peft(model: Any, folder: Path, base: BaseCard) -> None:
    """PEFT's files, without the model card that it adds and without the place of this machine's base model."""
    if starts_changed(model):
        save_difference(model, folder)
    else:
        model.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)
    file = folder / CONFIG
    told = anonymous(json.loads(file.read_text("utf-8")), base.label)
    told = {key: sorted(value) if key in SETS and isinstance(value, list) else value for key, value in told.items()}
    file.write_text(json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False), "utf-8")


def _save_weights(built: Built, folder: Path) -> None:
    """The tensors that moved, and those that an earlier training of this adapter had moved."""
    from safetensors.torch import save_file

    names = {*trainable_parameters(built), *getattr(built.model, EARLIER, ())}
    tensors: dict[str, torch.Tensor] = {
        name: parameter.detach().cpu().contiguous()
        for name, parameter in built.model.named_parameters()
        if name in names
    }
    save_file(tensors, folder / WHOLE_TENSORS, metadata={"format": "pt"})
