"""Training an adapter further: it is put back as it was saved, and moves again.

Its configuration is read as a stranger's (`backend.models.peft_config`): a project may have been imported.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final, Literal

from backend.errors import BadInput, ModelProblem
from backend.models.adapter_files import PEFT_TENSORS, WHOLE_TENSORS, read_config
from backend.models.adapter_fits import check_fits
from backend.models.peft_config import Refusal, check_config, peft_config
from backend.training.config import TrainingConfig

EARLIER: Final = "matchum_earlier"
"""The attribute of the model that names the tensors which an earlier training changed: they are saved again."""
DROPOUTS: Final = ("lora_dropout", "rank_dropout", "vera_dropout", "module_dropout")


def continue_peft(config: TrainingConfig, model: Any, folder: Path) -> Any:
    """The model with a saved PEFT adapter whose numbers move; its ranks and modules are those of the adapter.

    Raises BadInput("error.training_adapter_fits"), ModelProblem("error.adapter_config").
    """
    task: Literal["causal", "head"] = "head" if config.objective == "head" else "causal"
    try:
        made = peft_config(check_config(read_config(folder), task))
    except Refusal as fault:
        raise ModelProblem("error.adapter_config", field=fault.field) from fault
    try:
        check_fits(model, folder, made)
    except ModelProblem as fault:
        raise BadInput("error.training_adapter_fits", why=str(fault.details["file"])) from fault
    for name in DROPOUTS:
        if hasattr(made, name):
            setattr(made, name, config.lora_dropout)
    try:
        return _learned_prompt(model, folder, made) if made.is_prompt_learning else _adapter(model, folder, made)
    except (RuntimeError, ValueError, KeyError, UserWarning) as fault:
        raise BadInput("error.training_adapter_fits", why=_first_line(fault)) from fault


def _adapter(model: Any, folder: Path, made: Any) -> Any:
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")
        return PeftModel.from_pretrained(model, str(folder), is_trainable=True, config=made)


def _learned_prompt(model: Any, folder: Path, made: Any) -> Any:
    """PEFT opens saved prompts for answering only; its own two steps make one that moves."""
    from peft import get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    made.inference_mode = False
    moving = get_peft_model(model, made)
    set_peft_model_state_dict(moving, load_file(folder / PEFT_TENSORS))
    return moving


def continue_weights(model: Any, folder: Path) -> None:
    """Put the tensors of a saved training into the model. Raises BadInput("error.training_adapter_fits")."""
    from safetensors.torch import load_file

    tensors = load_file(folder / WHOLE_TENSORS)
    try:
        unknown = model.load_state_dict(tensors, strict=False).unexpected_keys
    except RuntimeError as fault:
        raise BadInput("error.training_adapter_fits", why=_first_line(fault)) from fault
    if unknown:
        raise BadInput("error.training_adapter_fits", why=unknown[0])
    setattr(model, EARLIER, frozenset(tensors))


def _first_line(fault: Exception) -> str:
    return " ".join(str(fault).split())[:200] or type(fault).__name__
