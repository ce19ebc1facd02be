"""From a loaded model to the engine that answers with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backend.assistants import Quantization
from backend.models.head_engine import HeadEngine
from backend.models.loading import Loaded, load
from backend.models.transformers_engine import TransformersEngine

LocalEngine = TransformersEngine | HeadEngine


def open_engine(
    folder: Path,
    cache_bytes: int = 1 << 30,
    quantization: Quantization | None = None,
    adapter: Path | None = None,
) -> LocalEngine:
    """Load a model's folder, with an adapter's folder over it. Raises ModelProblem."""
    loaded = load(folder, quantization=quantization, adapter=adapter)
    return HeadEngine(loaded) if loaded.labels else TransformersEngine(loaded, cache_bytes)


def engine_over(model: Any, tokenizer: Any, labels: Sequence[str] = (), cache_bytes: int = 1 << 28) -> LocalEngine:
    """An engine over a model that lies in memory, also a PeftModel in training; nothing of it is changed or copied.

    The model answers in evaluation mode until `close` puts it back into the mode it was in. With `labels` it ends in a
    classification head. What was learned before every prompt is read anew, so make a new engine after each training
    step that shall be heard.
    """
    from backend.models.prefix import prefix_of

    was_training = bool(model.training)
    model.eval()

    def back() -> None:
        model.train(was_training)

    config = getattr(model, "active_peft_config", None)
    inner = model if config is None else model.get_base_model()
    if labels:
        # With a learned prompt it is PEFT's own pass that reads it.
        whole = model if config is not None and config.is_prompt_learning else inner
        return HeadEngine(Loaded(whole, tokenizer, None, tuple(labels)), back)
    prefix = prefix_of(model) if config is not None and config.is_prompt_learning else None
    return TransformersEngine(Loaded(inner, tokenizer, prefix), cache_bytes, back)
