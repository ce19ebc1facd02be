"""What was learned, written into the base's own weights: a model folder that any program opens without this studio.

Only what changes weights can be merged; a learned prompt stands before every question and stays an adapter. The base is
loaded anew for it, unquantized and in its full precision, because a quantized model cannot take the small changes. The
merged folder is opened again and has to say of the run's own rows what base and adapter say.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from backend.errors import BadInput, ModelProblem
from backend.models.memory import machine, numbers, readable
from backend.training.config import TrainingConfig
from backend.training.methods.catalog import METHODS
from backend.training.values import Rows

LARGEST: Final = 1_000_000_000
"""Numbers of a base that is merged while the page waits."""
COPIES: Final = 2.5
"""Bytes in memory per byte of weights: the merged model, and the one that is opened again."""
CLOSE: Final = 1e-3
"""How far the logits may be from those of base and adapter, in float32, of their own size."""
ROWS: Final = 4
TOKENS: Final = 128


def write_merged(config: TrainingConfig, base: Path, adapter: Path, rows: Rows, folder: Path) -> Path:
    """Fill `folder` with the merged model and its tokenizer.

    Raises BadInput("error.training_merge_method" | "error.training_merge_large"), ModelProblem
    ("error.training_merge_memory" | "error.training_merge_differs"), StorageProblem.
    """
    import torch

    from backend.files import storing
    from backend.models.loading import load

    _check(config, base)
    some = [row.input_ids[:TOKENS] for row in (*rows.dev, *rows.train)[:ROWS]]
    cpu = torch.device("cpu")
    merged = load(base, cpu, torch.float32, adapter=adapter)
    wanted = _logits(merged.model, some)
    with storing(folder):
        merged.model.save_pretrained(folder, safe_serialization=True)
        merged.tokenizer.save_pretrained(folder)
    del merged
    _compare(_logits(_opened(folder, bool(rows.labels)), some), wanted, config)
    return folder


def _check(config: TrainingConfig, base: Path) -> None:
    spec = METHODS[config.method]
    if spec.prompt_learning:
        raise BadInput("error.training_merge_method", method=config.method)
    size = numbers(base)
    if size > LARGEST:
        raise BadInput("error.training_merge_large", billions=f"{size / 1e9:.1f}")
    needed, free = int(4 * size * COPIES), machine().memory_available_bytes
    if needed > free:
        raise ModelProblem("error.training_merge_memory", needed=readable(needed), available=readable(free))


def _opened(folder: Path, head: bool) -> Any:
    """The folder as a stranger opens it."""
    import transformers

    library: Any = transformers
    kind = library.AutoModelForSequenceClassification if head else library.AutoModelForCausalLM
    return kind.from_pretrained(folder, dtype="float32", local_files_only=True, use_safetensors=True).eval()


def _logits(model: Any, rows: Sequence[Sequence[int]]) -> list[Any]:
    import torch

    with torch.inference_mode():
        return [model(input_ids=torch.tensor([list(ids)])).logits.float() for ids in rows]


def _compare(found: Sequence[Any], wanted: Sequence[Any], config: TrainingConfig) -> None:
    for one, other in zip(found, wanted, strict=True):
        if float((one - other).abs().max()) > CLOSE * max(1.0, float(other.abs().max())):
            raise ModelProblem("error.training_merge_differs", method=config.method)
