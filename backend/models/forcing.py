"""Teacher forcing: how likely a loaded model finds given words after a given prompt, without writing any itself."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from backend.errors import ModelProblem
from backend.models.prefix import Prefix
from backend.models.tokenizing import Forced, end_of_turn, forced
from backend.models.transformers_engine import TransformersEngine

__all__ = ["Forced", "end_of_turn", "forced", "losses"]

ROWS: Final = 8
TOKENS: Final = 8_192
"""Tokens of a batch with its pads; a longer row is read alone."""
LOGITS_BYTES: Final = 256 * 2**20
"""What the logits of a batch may take; one row takes what its own output needs."""


def losses(
    engine: TransformersEngine, rows: Sequence[Forced], stop: threading.Event | None = None
) -> Iterator[tuple[int, float]]:
    """(index, sum of -ln p over the row's output), in order of length; rows have at least one token of each part.

    Rows are padded on the right, where a causal model does not look; a model that answers its rows one by one reads
    them one by one here too. Ends early after `stop`. Raises ModelProblem("error.out_of_memory").
    """
    order = sorted(range(len(rows)), key=lambda place: (len(rows[place].prompt), len(rows[place].output)))
    vocabulary = int(engine.model.get_input_embeddings().num_embeddings)
    most = ROWS if engine.reads_together else 1
    while order and not (stop is not None and stop.is_set()):
        count = 1
        while count < min(most, len(order)) and _fits([rows[at] for at in order[: count + 1]], vocabulary):
            count += 1
        group, order = order[:count], order[count:]
        try:
            found = _losses(engine.model, [rows[at] for at in group], engine.prefix)
        except (torch.OutOfMemoryError, MemoryError) as fault:
            raise ModelProblem("error.out_of_memory") from fault
        yield from zip(group, found, strict=True)


def _fits(group: Sequence[Forced], vocabulary: int) -> bool:
    width = max(len(row.ids) for row in group)
    told = max(len(row.ids) for row in group) - min(row.first for row in group)
    return len(group) * width <= TOKENS and len(group) * told * vocabulary * 4 <= LOGITS_BYTES


@torch.inference_mode()
def _losses(model: Any, group: Sequence[Forced], prefix: Prefix | None = None) -> list[float]:
    """One pass over rows that fit together; only places that tell an output token go through the vocabulary."""
    width, start = max(len(row.ids) for row in group), min(row.first for row in group)
    ids = torch.tensor([[*row.ids, *([0] * (width - len(row.ids)))] for row in group], device=model.device)
    more: dict[str, Any] = {}
    lead = prefix.length if prefix else 0
    if prefix is not None:
        more |= {prefix.name: prefix.cache(len(group))} if prefix.plain else prefix.alone()
    if any(len(row.ids) < width for row in group):
        lengths = torch.tensor([len(row.ids) + lead for row in group], device=model.device)
        more["attention_mask"] = (torch.arange(width + lead, device=model.device) < lengths[:, None]).long()
    some = "logits_to_keep" in inspect.signature(model.forward).parameters
    if some:
        more["logits_to_keep"] = torch.arange(start, width - 1, device=model.device)
    logits: Tensor = model(input_ids=ids, use_cache=False, **more).logits
    shift = start if some else 0
    found = []
    for place, row in enumerate(group):
        told = logits[place, row.first - shift : row.first - shift + len(row.output)]
        wanted = torch.tensor(row.output, device=told.device)
        found.append(float(cross_entropy(told.float(), wanted, reduction="sum")))
    return found
