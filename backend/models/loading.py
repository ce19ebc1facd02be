"""From a folder to a model and its tokenizer, with a sentence for each way in which a folder can be wrong.

Only safetensors are read, only architectures that transformers itself knows, only files of this machine; code
that comes with a model is never run. The folder is checked before torch is asked to load it.

For chat beside a training run on the same cores, `OMP_WAIT_POLICY=PASSIVE` must be in the environment before
torch is imported for the first time: `studio.__main__` and the workers set it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from backend.errors import ModelProblem
from backend.models.memory import numbers, read_header

SMALL = 400_000_000
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True)
class Loaded:
    """A causal language model in evaluation mode and its tokenizer, both of transformers."""

    model: Any
    tokenizer: Any


def best_device() -> torch.device:
    """CUDA, else Apple's, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def dtype_for(device: torch.device, numbers: int) -> torch.dtype:
    """bf16 on CUDA, half on Apple's. On a processor fp32 up to SMALL numbers, and bf16 above.

    There a small model steps faster in fp32 (47M: 93 tokens/s against 71), and a large one is held up by the memory
    that its weights take.
    """
    if device.type == "cpu":
        return torch.float32 if numbers <= SMALL else torch.bfloat16
    return torch.float16 if device.type == "mps" else torch.bfloat16


def load(folder: Path, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Loaded:
    """Load the model of a folder. Raises ModelProblem; what the folder is called is in the details as `model`."""
    import transformers

    check(folder)
    quiet: Any = transformers.logging
    quiet.disable_progress_bar()
    device = device or best_device()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, ImportError, AttributeError) as fault:
        raise ModelProblem("error.model_tokenizer", model=folder.name, why=_first_line(fault)) from fault
    except Exception as fault:  # the tokenizers library raises bare Exception for a broken file
        if type(fault) is not Exception:
            raise
        raise ModelProblem("error.model_tokenizer", model=folder.name, why=_first_line(fault)) from fault
    try:
        loaded: Any = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=dtype or dtype_for(device, numbers(folder)),
            output_loading_info=True,
        )
        model, info = loaded[0].to(device).eval(), loaded[1]
    except (torch.OutOfMemoryError, MemoryError) as fault:
        raise ModelProblem("error.out_of_memory") from fault
    except (OSError, ValueError, KeyError, TypeError, ImportError, AttributeError, RuntimeError) as fault:
        raise ModelProblem("error.model_load", model=folder.name, why=_first_line(fault)) from fault
    # transformers fills what is missing with random numbers and goes on; an answer from those is no answer.
    if info["missing_keys"]:
        raise ModelProblem("error.model_weights_missing", model=folder.name, missing=sorted(info["missing_keys"])[0])
    return Loaded(model, tokenizer)


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


def _first_line(fault: Exception) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:300]
