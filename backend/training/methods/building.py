"""From a base model's folder to a model of which exactly the right numbers move.

Everything goes through transformers, PEFT and bitsandbytes; what they cannot do is refused with a sentence, by
`backend.training.methods.refusals.check` before a model is loaded, and here where it takes the model to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from backend.errors import BadInput
from backend.models.loading import best_device
from backend.training.config import TrainingConfig
from backend.training.methods.bases import CHECKPOINTING, autocasts, load_base, weights_dtype
from backend.training.methods.catalog import METHODS
from backend.training.methods.continuing import continue_peft, continue_weights
from backend.training.methods.modules import head_parameters, last_layers
from backend.training.methods.peft_configs import peft_config
from backend.training.methods.pissa import remember_start
from backend.training.methods.refusals import check_method
from backend.training.rows.lengths import packs_blind
from backend.training.values import Built

__all__ = [
    "CHECKPOINTING",
    "autocasts",
    "build",
    "count",
    "load_base",
    "peft_config",
    "trainable_parameters",
    "weights_dtype",
]


def build(
    config: TrainingConfig,
    base_folder: Path,
    labels: Sequence[str] = (),
    adapter: Path | None = None,
    device: torch.device | None = None,
) -> Built:
    """Load the base and put the method's trainable part on it, in training mode and on its device.

    `labels` are the classes of objective "head", in the order of their numbers. `adapter` is the folder of the
    assistant's own adapter, which is then trained further. The same config gives the same starting numbers: torch's
    generator is seeded by the config and left like that. Raises ModelProblem, BadInput.
    """
    device = device or best_device()
    check_method(config, device.type)
    torch.manual_seed(config.seed)
    model, tokenizer = load_base(config, base_folder, labels, device)
    _prepare(config, model)
    torch.manual_seed(config.seed)
    model = _with_peft(config, model, adapter) if METHODS[config.method].peft else _with_weights(config, model, adapter)
    model.train()
    if config.packing and not packs_blind(model):
        raise BadInput("error.training_packing_model", model=config.assistant.model.label())
    return Built(model, tokenizer, *count(model), tuple(labels))


def trainable_parameters(built: Built) -> dict[str, torch.nn.Parameter]:
    """The parameters that move, by name; one that two modules share is there once."""
    return {name: parameter for name, parameter in built.model.named_parameters() if parameter.requires_grad}


def count(model: Any) -> tuple[int, int]:
    """(numbers that move, all numbers); a number that is kept in 4 bits counts as one."""
    if hasattr(model, "get_nb_trainable_parameters"):
        trainable, total = model.get_nb_trainable_parameters()
        return int(trainable), int(total)
    return int(model.num_parameters(only_trainable=True)), int(model.num_parameters())


def _prepare(config: TrainingConfig, model: Any) -> None:
    """Freeze everything, and set gradient checkpointing."""
    import peft

    library: Any = peft
    if config.quantization:
        library.prepare_model_for_kbit_training(model, config.gradient_checkpointing, CHECKPOINTING)
    elif config.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=CHECKPOINTING)
    model.requires_grad_(False)


def _with_peft(config: TrainingConfig, model: Any, adapter: Path | None) -> Any:
    """PEFT's model. Raises BadInput("error.training_method_model") when the method cannot be put on this model."""
    from peft import get_peft_model

    if adapter is not None:
        return continue_peft(config, model, adapter)
    try:
        made = get_peft_model(model, peft_config(config, model))
    except (ValueError, TypeError, KeyError, NotImplementedError) as fault:
        why = " ".join(str(fault).split())[:200]
        raise BadInput("error.training_method_model", method=config.method, why=why) from fault
    if config.init_lora_weights == "pissa" and "init_lora_weights" in METHODS[config.method].fields:
        remember_start(config, made)
    return made


def _with_weights(config: TrainingConfig, model: Any, adapter: Path | None) -> Any:
    """The model itself, of which the method's own tensors move. A head moves with every one of these methods."""
    if adapter is not None:
        continue_weights(model, adapter)
    if config.method == "full":
        model.requires_grad_(True)
    if config.method == "last_layers":
        for parameter in last_layers(model, config.last_layers):
            parameter.requires_grad_(True)
    for parameter in head_parameters(model):
        parameter.requires_grad_(True)
    return model
