"""From a folder to a model and its tokenizer, with a sentence for each way in which a folder can be wrong.

Only safetensors are read, only architectures that transformers itself knows, only files of this machine; code
that comes with a model is never run. The folder is checked before torch is asked to load it.

For chat beside a training run on the same cores, `OMP_WAIT_POLICY=PASSIVE` must be in the environment before
torch is imported for the first time: `studio.__main__` and the workers set it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from backend.assistants import Quantization
from backend.errors import ModelProblem, first_line
from backend.models.adapter_files import check_base, checked
from backend.models.adapting import put_over
from backend.models.device import best_device as best_device
from backend.models.heads import HEADS, head_arguments, ready_head
from backend.models.memory import dtype_name, numbers, read_header
from backend.models.prefix import Prefix
from backend.models.quantizing import quantization_config
from backend.models.tokenizing import open_tokenizer

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True)
class Loaded:
    """A model in evaluation mode and its tokenizer, both of transformers.

    A causal language model; with `labels` a sequence classification model of those classes. `prefix` stands before
    every prompt.
    """

    model: Any
    tokenizer: Any
    prefix: Prefix | None = None
    labels: tuple[str, ...] = ()


def dtype_for(device: torch.device, numbers: int) -> torch.dtype:
    """What a base of so many numbers answers in."""
    named: torch.dtype = getattr(torch, dtype_name(device.type, numbers))
    return named


def load(
    folder: Path,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
    quantization: Quantization | None = None,
    adapter: Path | None = None,
) -> Loaded:
    """Load the model of a folder, small when `quantization` says so, with the adapter of another folder over it.

    Raises ModelProblem; what the folder is called is in the details as `model`.
    """
    check(folder)
    card = None if adapter is None else checked(adapter)
    if card is not None:
        check_base(card, folder)
    device = device or best_device()
    dtype = dtype or dtype_for(device, numbers(folder))
    tokenizer = open_tokenizer(folder)
    replaced = adapter is not None and card is not None and card.kind == "weights" and quantization is not None
    labels = card.labels if card is not None and card.task == "head" else ()
    model = _base(folder, device, dtype, None if replaced else quantization, labels)
    if labels:
        ready_head(model, tokenizer)
    prefix = None
    if adapter is not None and card is not None:
        model, prefix = put_over(model, adapter, card)
    if replaced and quantization is not None:
        model = _again(model, device, dtype, quantization)
    return Loaded(model, tokenizer, prefix, labels)


def _base(
    folder: Path, device: torch.device, dtype: torch.dtype, quantization: Quantization | None, labels: Sequence[str]
) -> Any:
    """A folder's model as it is; with `labels` it ends in a head of as many classes, still without meaning."""
    import transformers

    quiet: Any = transformers.logging
    quiet.disable_progress_bar()
    kind: Any = transformers.AutoModelForSequenceClassification if labels else transformers.AutoModelForCausalLM
    more: dict[str, Any] = head_arguments(labels) if labels else {}
    if quantization is not None:
        more |= {"quantization_config": quantization_config(quantization, dtype), "device_map": {"": device}}
    try:
        model, info = kind.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=dtype,
            output_loading_info=True,
            **more,
        )
        model = (model if quantization is not None else model.to(device)).eval()
    except (torch.OutOfMemoryError, MemoryError) as fault:
        raise ModelProblem("error.out_of_memory") from fault
    except (OSError, ValueError, KeyError, TypeError, ImportError, AttributeError, RuntimeError) as fault:
        raise ModelProblem("error.model_load", model=folder.name, why=first_line(fault)) from fault
    # transformers fills what is missing with random numbers and goes on; an answer from those is no answer.
    missing = sorted(name for name in info["missing_keys"] if not (labels and name.split(".")[0] in HEADS))
    if missing:
        raise ModelProblem("error.model_weights_missing", model=folder.name, missing=missing[0])
    return model


def _again(model: Any, device: torch.device, dtype: torch.dtype, quantization: Quantization) -> Any:
    """The same model made small: what replaces tensors has to be there before they are rounded."""
    try:
        small = type(model).from_pretrained(
            None,
            config=model.config,
            state_dict=model.state_dict(),
            quantization_config=quantization_config(quantization, dtype),
            device_map={"": device},
            dtype=dtype,
        )
    except (torch.OutOfMemoryError, MemoryError) as fault:
        raise ModelProblem("error.out_of_memory") from fault
    small.generation_config = model.generation_config
    return small.eval()


def check(folder: Path) -> None:
    """Find what is wrong with a folder without loading it. Raises ModelProblem."""
    if not folder.is_dir():
        raise ModelProblem("error.model_missing", model=folder.name)
    if next(folder.rglob("*.incomplete"), None) is not None:
        raise ModelProblem("error.model_incomplete", model=folder.name)
    _check_architecture(folder)
    for file in _weights(folder):
        read_header(file)
    names = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "tokenizer_config.json")
    if not any((folder / name).is_file() for name in names):
        raise ModelProblem("error.model_no_tokenizer", model=folder.name)


def _check_architecture(folder: Path) -> None:
    """Whether transformers itself knows this kind of model and can generate with it."""
    from transformers.models.auto import configuration_auto, modeling_auto

    known: Any = configuration_auto
    config = read_json(folder / "config.json", folder)
    kind = str(config.get("model_type", ""))
    if kind not in known.CONFIG_MAPPING_NAMES:
        if "auto_map" in config:
            raise ModelProblem("error.model_custom_code", model=folder.name)
        raise ModelProblem("error.model_unknown", model=folder.name, kind=kind or "?")
    if kind not in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise ModelProblem("error.model_not_generative", model=folder.name, kind=kind)


def _weights(folder: Path) -> list[Path]:
    """The safetensors files that make the model, all there."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = read_json(index, folder).get("weight_map")
        if not isinstance(names, dict) or not names:
            raise ModelProblem("error.model_damaged", file=index.name)
        files = [folder / str(name) for name in sorted(set(names.values()))]
        if any(file.resolve().parent != folder.resolve() and not file.is_symlink() for file in files):
            raise ModelProblem("error.model_damaged", file=index.name)
        for file in files:
            if not file.is_file():
                raise ModelProblem("error.model_shard_missing", model=folder.name, file=file.name)
        return files
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    if any(next(folder.glob(pattern), None) for pattern in PICKLED):
        raise ModelProblem("error.model_pickled", model=folder.name)
    if next(folder.glob("*.gguf"), None):
        raise ModelProblem("error.model_gguf", model=folder.name)
    raise ModelProblem("error.model_no_weights", model=folder.name)


def read_json(file: Path, folder: Path) -> dict[str, Any]:
    """A JSON object of a model folder. Raises ModelProblem when it is missing or broken."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as fault:
        raise ModelProblem("error.model_file_missing", model=folder.name, file=file.name) from fault
    except (OSError, ValueError) as fault:
        raise ModelProblem("error.model_damaged", file=file.name) from fault
    if not isinstance(found, dict):
        raise ModelProblem("error.model_damaged", file=file.name)
    return found
