"""A classification head over a language model's features, as transformers' own AutoModelForSequenceClassification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

HEADS: Final = ("score", "classifier")
"""How transformers calls the layer that ends in the classes."""
OUTPUT_LAYERS: Final = ("lm_head", "embed_out")
"""How it calls the one that ends in the vocabulary."""


def head_arguments(labels: Sequence[str]) -> dict[str, Any]:
    """What `from_pretrained` is told of the classes."""
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
    }


def heads(model: Any) -> Iterator[Any]:
    """The modules that end in the classes; nothing for a model that has none."""
    for name, module in model.named_children():
        if name in HEADS:
            yield module


def ready_head(model: Any, tokenizer: Any) -> None:
    """Tell the model its pad token, by which it finds a row's last token, and keep the head in float32.

    A row that ends in the pad token itself is read at the token before; in training and in answering alike.
    """
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    model.config.pad_token_id = model.config.get_text_config().pad_token_id = pad
    for head in heads(model):
        head.float()
        head.register_forward_pre_hook(_in_its_dtype)


def _in_its_dtype(head: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return (given[0].to(next(head.parameters()).dtype), *given[1:])
