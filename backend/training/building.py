"""From a base model's folder to a model of which exactly the right numbers move.

Everything goes through transformers, PEFT and bitsandbytes; what they cannot do is refused with a sentence, by
`backend.training.refusals.check` before a model is loaded, and here where it takes the model to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from backend.assistants import Quantization
from backend.errors import ModelProblem
from backend.models.loading import best_device, check, dtype_for
from backend.models.memory import numbers
from backend.training.adapter_folder import WEIGHTS
from backend.training.config import TrainingConfig
from backend.training.methods import METHODS
from backend.training.modules import HEADS, head_parameters, last_layers
from backend.training.peft_configs import peft_config
from backend.training.values import Built

CHECKPOINTING = {"use_reentrant": False}


def build(
    config: TrainingConfig,
    base_folder: Path,
    labels: Sequence[str] = (),
    adapter: Path | None = None,
    device: torch.device | None = None,
) -> Built:
    """Load the base and put the method's trainable part on it, in training mode and on its device.

    `labels` are the classes of objective "head", in the order of their numbers. `adapter` is the folder of the
    assistant's own adapter, which is then trained further. The same config gives the same starting numbers.
    Raises ModelProblem, BadInput.
    """
    device = device or best_device()
    torch.manual_seed(config.seed)
    model, tokenizer = load_base(config, base_folder, labels, device)
    _prepare(config, model)
    torch.manual_seed(config.seed)
    model = _with_peft(config, model, adapter) if METHODS[config.method].peft else _with_weights(config, model, adapter)
    model.train()
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


def weights_dtype(config: TrainingConfig, device: torch.device, size: int) -> torch.dtype:
    """The base's dtype while training. `size` is how many numbers the base has.

    "auto": what it answers in, but float32 where the base's own numbers move (steps smaller than a half-precision
    number's last digit would be lost) and on Apple's, whose half precision overflows in training.
    """
    if config.dtype != "auto":
        named: torch.dtype = getattr(torch, config.dtype)
        return named
    if config.method in {"full", "last_layers"} or device.type == "mps":
        return torch.float32
    return dtype_for(device, size)


def autocasts(config: TrainingConfig, device: torch.device) -> bool:
    """Whether the trainer should compute in bf16 by autocast: on CUDA only. On a processor it is many times slower."""
    return device.type == "cuda" and config.dtype in {"auto", "bfloat16"}


def load_base(config: TrainingConfig, folder: Path, labels: Sequence[str], device: torch.device) -> tuple[Any, Any]:
    """(model, tokenizer) as they are before training: with a new head for objective "head". Raises ModelProblem."""
    import transformers

    check(folder)
    quiet: Any = transformers.logging
    quiet.disable_progress_bar()
    library: Any = transformers
    tokenizer = library.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    dtype = weights_dtype(config, device, numbers(folder))
    more: dict[str, Any] = {}
    if config.quantization:
        more["quantization_config"] = quantization_config(config.quantization, dtype)
        more["device_map"] = {"": device}
    kind = library.AutoModelForCausalLM
    if config.objective == "head":
        kind = library.AutoModelForSequenceClassification
        more["num_labels"] = len(labels)
        more["id2label"] = dict(enumerate(labels))
        more["label2id"] = {label: number for number, label in enumerate(labels)}
    try:
        model = kind.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=dtype, **more
        )
        model = model if config.quantization else model.to(device)
    except (torch.OutOfMemoryError, MemoryError) as fault:
        raise ModelProblem("error.out_of_memory") from fault
    if config.objective == "head":
        _ready_head(model, tokenizer)
    return model, tokenizer


def quantization_config(quantization: Quantization, dtype: torch.dtype) -> Any:
    """bitsandbytes' settings: 8 bits (LLM.int8), or 4-bit normal float with its constants quantized too (QLoRA).

    A head or output layer is never quantized.
    """
    import transformers

    library: Any = transformers
    if quantization == "int8":
        return library.BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=["lm_head", *HEADS])
    return library.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=["lm_head", *HEADS],
    )


def _ready_head(model: Any, tokenizer: Any) -> None:
    """Tell the model its pad token, by which it finds a row's last token, and keep the head in float32."""
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    model.config.pad_token_id = model.config.get_text_config().pad_token_id = pad
    for name, head in model.named_children():
        if name in HEADS:
            head.float()
            head.register_forward_pre_hook(_in_its_dtype)


def _in_its_dtype(head: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return (given[0].to(next(head.parameters()).dtype), *given[1:])


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
    from peft import PeftModel, get_peft_model

    if adapter is not None:
        return PeftModel.from_pretrained(model, str(adapter), is_trainable=True)
    return get_peft_model(model, peft_config(config, model))


def _with_weights(config: TrainingConfig, model: Any, adapter: Path | None) -> Any:
    from safetensors.torch import load_model

    if config.method == "full":
        model.requires_grad_(True)
    if config.method == "last_layers":
        for parameter in last_layers(model, config.last_layers):
            parameter.requires_grad_(True)
    for parameter in head_parameters(model):
        parameter.requires_grad_(True)
    if adapter is not None:
        load_model(model, adapter / WEIGHTS, strict=False)
    return model
