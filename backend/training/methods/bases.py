"""The base model as it is loaded for training: its dtype, its quantization, a new classification head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch

from backend.errors import BadInput, ModelProblem, first_line
from backend.models.heads import head_arguments, ready_head
from backend.models.loading import check, read_json
from backend.models.memory import numbers
from backend.models.quantizing import quantization_config
from backend.models.tokenizing import open_tokenizer
from backend.training.config import TrainingConfig
from backend.training.estimating.facts import weights_dtype_name

CHECKPOINTING: Final = {"use_reentrant": False}
"""How gradient checkpointing is done: the way that frozen embeddings do not disturb."""


def weights_dtype(config: TrainingConfig, device: torch.device, size: int) -> torch.dtype:
    """The base's dtype while training. `size` is how many numbers the base has."""
    named: torch.dtype = getattr(torch, weights_dtype_name(config, device.type, size))
    return named


def autocasts(config: TrainingConfig, device: torch.device) -> bool:
    """Whether the trainer should compute in bf16 by autocast: on CUDA only. On a processor it is many times slower."""
    return device.type == "cuda" and config.dtype in {"auto", "bfloat16"}


def load_base(config: TrainingConfig, folder: Path, labels: Sequence[str], device: torch.device) -> tuple[Any, Any]:
    """(model, tokenizer) as they are before training: with a new head for objective "head".

    Raises ModelProblem; BadInput("error.training_head_model"), BadInput("error.training_quantization_here").
    """
    import transformers

    library: Any = transformers
    check(folder)
    library.logging.disable_progress_bar()
    tokenizer = open_tokenizer(folder)
    dtype = weights_dtype(config, device, numbers(folder))
    more: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False, "use_safetensors": True}
    if config.quantization:
        more |= {"quantization_config": quantization_config(config.quantization, dtype), "device_map": {"": device}}
    kind = library.AutoModelForCausalLM
    if config.objective == "head":
        kind = _head_class(library, folder)
        more |= head_arguments(labels)
    try:
        model = kind.from_pretrained(folder, dtype=dtype, **more)
        model = model if config.quantization else model.to(device)
    except (torch.OutOfMemoryError, MemoryError) as fault:
        raise ModelProblem("error.out_of_memory") from fault
    except (OSError, ValueError, KeyError, TypeError, ImportError, AttributeError, RuntimeError) as fault:
        raise _load_problem(config, folder, fault) from fault
    if config.objective == "head":
        ready_head(model, tokenizer)
    return model, tokenizer


def _head_class(library: Any, folder: Path) -> Any:
    from transformers.models.auto import modeling_auto

    kind = str(read_json(folder / "config.json", folder).get("model_type", ""))
    if kind not in modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES:
        raise BadInput("error.training_head_model", model=folder.name, kind=kind)
    return library.AutoModelForSequenceClassification


def _load_problem(config: TrainingConfig, folder: Path, fault: Exception) -> BadInput | ModelProblem:
    why = first_line(fault)
    if config.quantization:
        return BadInput("error.training_quantization_here", quantization=config.quantization, why=why)
    return ModelProblem("error.model_load", model=folder.name, why=why)
