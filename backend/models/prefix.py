"""What a prompt method has learned, as keys and values that stand before every prompt.

Prompt tuning and p-tuning learn vectors that are read before the prompt's tokens; prefix tuning learns each layer's
keys and values directly. In a model that only looks back, both come to the same: a cache of `length` places that never
changes. It is computed once, and every answer begins behind it; what PEFT itself does in each pass gives the same.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
import transformers  # noqa: F401  (waits where another thread imports it for the first time)
from torch import Tensor
from transformers import DynamicCache


@dataclass(frozen=True, eq=False)
class Prefix:
    """`length` places. `memory` is what the model wants to be given back, under its own name, for one row."""

    length: int
    name: str
    memory: Any

    def alone(self) -> dict[str, Any]:
        """A copy for one row, which the row's own tokens may then be written into."""
        return {self.name: copy.deepcopy(self.memory)}

    @property
    def plain(self) -> bool:
        """Whether every layer holds all places as keys and values, so that rows may share a slab."""
        layers = getattr(self.memory, "layers", None)
        if self.name != "past_key_values" or not layers:
            return False
        return all(getattr(layer, "keys", None) is not None and layer.keys.shape[-2] == self.length for layer in layers)

    def layers(self, rows: int) -> list[tuple[Tensor, Tensor]]:
        """Keys and values (rows, heads, places, head size) of each layer, the rows as views of one."""
        return [
            (layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1)) for layer in self.memory.layers
        ]

    def cache(self, rows: int) -> DynamicCache:
        """A new cache that begins with the prefix in each of `rows` rows."""
        cache = DynamicCache()
        for place, (keys, values) in enumerate(self.layers(rows)):
            cache.update(keys, values, place)
        return cache


@torch.inference_mode()
def prefix_of(model: Any) -> Prefix:
    """Of a PeftModel with a prompt method, in evaluation mode."""
    length = int(model.active_peft_config.num_virtual_tokens)
    learned = model.get_prompt(1)
    if not isinstance(learned, Tensor):
        return Prefix(length, "past_key_values", learned)
    base = model.get_base_model()
    vectors = learned.to(device=base.device, dtype=base.get_input_embeddings().weight.dtype)
    output = base(inputs_embeds=vectors, use_cache=True)
    name = "past_key_values" if "past_key_values" in output else "cache_params"
    return Prefix(length, name, output[name])
