"""Making a model's weights small while it is loaded, by bitsandbytes: how, and what it then takes."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any, Final

import torch

from backend.assistants import Quantization
from backend.models.heads import HEADS, OUTPUT_LAYERS
from backend.models.memory import OVERHEAD, QUANTIZED_BYTES, needed_bytes, numbers, shapes

NOT_QUANTIZED: Final = (*OUTPUT_LAYERS, *HEADS)
"""Output and classification heads keep their numbers: the last layer decides, and is small beside the rest."""


def quantization_config(quantization: Quantization, dtype: torch.dtype) -> Any:
    """bitsandbytes' settings for `from_pretrained`: 8 bits (LLM.int8), or 4-bit normal float, its constants quantized.

    `dtype` is what is computed in. The same for training and for answering.
    """
    import transformers

    library: Any = transformers
    if quantization == "int8":
        return library.BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=list(NOT_QUANTIZED))
    return library.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=list(NOT_QUANTIZED),
    )


def loaded_bytes(
    folder: Path, quantization: Quantization | None, bytes_per_number: int, adapter: Path | None = None
) -> int:
    """What a folder's model takes once loaded, with an adapter's own numbers beside it.

    Quantized, the layers' matrices are small and everything else as it is. Raises ModelProblem for damaged weights.
    """
    beside = int(numbers(adapter) * OVERHEAD * bytes_per_number) if adapter is not None else 0
    if quantization is None:
        return needed_bytes(folder, bytes_per_number) + beside
    small = whole = 0
    for name, shape in shapes(folder):
        layer = len(shape) == 2 and "embed" not in name and not any(part in name for part in NOT_QUANTIZED)
        small, whole = (small + prod(shape), whole) if layer else (small, whole + prod(shape))
    return int(OVERHEAD * (small * QUANTIZED_BYTES[quantization] + whole * bytes_per_number)) + beside
