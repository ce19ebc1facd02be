"""Running answers that share nothing: each owns the cache its model makes, and they take turns step by step.

Right for every model; see backend.models.rows for those that can do better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from backend.models.prefix import Prefix

if TYPE_CHECKING:
    from backend.models.rows import Prefill


class SeparatePrefill:
    """One prompt, read whole by the model's own cache."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], prefix: Prefix | None = None) -> None:
        self.model, self.prompts, self.prefix = model, [list(prompt) for prompt in prompts], prefix
        self.caches: list[dict[str, Any]] = []
        self.logits: list[Tensor] = []

    def advance(self) -> Tensor | None:
        ids = torch.tensor([self.prompts[len(self.caches)]], device=self.model.device)
        before = self.prefix.alone() if self.prefix else {}
        output = self.model(input_ids=ids, use_cache=True, **before)
        self.caches.append(_memory(output))
        self.logits.append(output.logits[:, -1])
        return torch.cat(self.logits) if len(self.caches) == len(self.prompts) else None


class SeparateRows:
    """Rows that take turns, each with the cache its model made."""

    def __init__(self, model: Any, prefix: Prefix | None = None) -> None:
        self.model, self.prefix = model, prefix
        self.caches: list[dict[str, Any]] = []

    def clear(self) -> None:
        self.caches = []

    def start(self, prompts: Sequence[Sequence[int]], chunk: int) -> SeparatePrefill:
        return SeparatePrefill(self.model, prompts, self.prefix)

    def join(self, prefill: Prefill) -> None:
        assert isinstance(prefill, SeparatePrefill)
        self.caches.extend(prefill.caches)

    def step(self, tokens: Sequence[int]) -> Tensor:
        logits = []
        for row, token in enumerate(tokens):
            ids = torch.tensor([[token]], device=self.model.device)
            output = self.model(input_ids=ids, use_cache=True, **self.caches[row])
            self.caches[row] = _memory(output)
            logits.append(output.logits[:, -1])
        return torch.cat(logits)

    def leave(self, row: int) -> None:
        last = self.caches.pop()
        if row < len(self.caches):
            self.caches[row] = last


def _memory(output: Any) -> dict[str, Any]:
    """What a model wants to be given back at the next step, under the name it uses."""
    name = "past_key_values" if "past_key_values" in output else "cache_params"
    return {name: output[name]}
