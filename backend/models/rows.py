"""The arithmetic of several answers at once: one forward pass per step over one shared cache.

`SlotRows` keeps every running answer in a slot of one key/value slab: row i occupies columns
0..length(i)-1 of slot i, so joining and leaving copy one row and never move the others. Pads sit to the
right of a row and are masked. It serves models whose layers all attend over a plain growing cache, which
`slots_agree` proves on the model itself before they are used. Every other model (linear attention, hybrids,
learned masks) runs on `SeparateRows`: each answer owns the cache its model makes, and the rows take turns
step by step. Slower with many rows, right for all.

Nothing here knows of sampling, text or threads.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
import transformers  # noqa: F401  (waits where another thread imports it for the first time)
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from backend.models.prefix import Prefix
from backend.models.separate_rows import SeparateRows

GROWTH = 128
"""Columns by which the slab grows, so that growing is rare beside stepping."""


class Prefill(Protocol):
    """Prompts on their way in. `advance` does one piece of the work; it returns logits (rows, vocabulary) when done."""

    def advance(self) -> Tensor | None: ...


class Rows(Protocol):
    """Running answers, numbered 0..len-1."""

    model: Any
    """Set to None to let go of the weights; the rows are then of no more use."""

    def start(self, prompts: Sequence[Sequence[int]], chunk: int) -> Prefill:
        """Begin to read prompts (token ids), at most `chunk` tokens of a prompt at a time."""

    def join(self, prefill: Prefill) -> None:
        """Append the rows of a finished prefill."""

    def step(self, tokens: Sequence[int]) -> Tensor:
        """Feed each row its next token; logits (rows, vocabulary)."""

    def leave(self, row: int) -> None:
        """Drop a row. The last row takes its number."""

    def clear(self) -> None:
        """Drop all rows and give their memory back."""


def rows_for(model: Any, prefix: Prefix | None = None) -> Rows:
    """The fastest way of running this model that is right for it. Every row begins behind `prefix`."""
    if _plain_layers(model) and (prefix is None or prefix.plain) and slots_agree(model):
        return SlotRows(model, prefix)
    return SeparateRows(model, prefix)


class SlotLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # of transformers' __init_subclass__
    """One layer's slab: keys and values (slots, heads, columns, head size); slots and columns grow as needed."""

    def __init__(self, slots: Slots) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.slots = slots

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write one new column per running row, each at its own length; return the columns in use."""
        rows, width = self.slots.count, self.slots.width + 1
        assert self.keys is not None and self.values is not None
        if self.slots.even:
            self.keys[:rows, :, width - 1] = key_states[:, :, 0]
            self.values[:rows, :, width - 1] = value_states[:, :, 0]
        else:
            self.keys[self.slots.index, :, self.slots.column] = key_states[:, :, 0]
            self.values[self.slots.index, :, self.slots.column] = value_states[:, :, 0]
        return self.keys[:rows, :, :width], self.values[:rows, :, :width]

    def get_seq_length(self) -> int:
        return self.slots.width

    def reserve(self, keys: Tensor, slots: int, columns: int) -> None:
        """Make room for `slots` x `columns`, shaped and typed like `keys` (rows, heads, tokens, head size)."""
        if self.keys is None:
            shape = (slots, keys.shape[1], columns + GROWTH, keys.shape[3])
            self.keys, self.values = keys.new_zeros(shape), keys.new_zeros(shape)
            self.is_initialized = True
        elif slots > self.keys.shape[0] or columns > self.keys.shape[2]:
            assert self.values is not None
            self.keys, self.values = (_grown(old, slots, columns) for old in (self.keys, self.values))

    def put(self, slot: int, keys: Tensor, values: Tensor) -> None:
        """Lay one row's keys and values (heads, tokens, head size) into a slot."""
        assert self.keys is not None and self.values is not None
        self.keys[slot, :, : keys.shape[1]] = keys
        self.values[slot, :, : values.shape[1]] = values


class Slots:
    """Which row is how long, shared by all layers of one cache. `index` and `column` say where a step writes."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.lengths: list[int] = []
        self.index = self.column = torch.empty(0, dtype=torch.long)

    @property
    def count(self) -> int:
        return len(self.lengths)

    @property
    def width(self) -> int:
        return max(self.lengths, default=0)

    @property
    def even(self) -> bool:
        return min(self.lengths, default=0) == self.width

    def aim(self) -> None:
        """Take the lengths as they are now for the coming step."""
        self.column = torch.tensor(self.lengths, device=self.device)
        if len(self.index) != self.count:
            self.index = torch.arange(self.count, device=self.device)


class SlotPrefill:
    """Prompts of several rows read together, padded on the right (a causal model never sees a pad behind it)."""

    def __init__(
        self,
        model: Any,
        windows: list[int],
        prompts: Sequence[Sequence[int]],
        chunk: int,
        prefix: Prefix | None = None,
    ) -> None:
        self.model, self.windows, self.chunk, self.done = model, windows, chunk, 0
        self.lead = prefix.length if prefix else 0
        self.lengths = [len(prompt) for prompt in prompts]
        width = max(self.lengths)
        padded = [[*prompt, *([0] * (width - len(prompt)))] for prompt in prompts]
        self.ids = torch.tensor(padded, device=model.device)
        # Made without the config on purpose: a windowed layer would throw away columns that the slab keeps.
        self.cache = prefix.cache(len(prompts)) if prefix else DynamicCache()

    def advance(self) -> Tensor | None:
        start, width = self.done, self.ids.shape[1]
        end = min(start + self.chunk, width) if len(self.lengths) == 1 else width
        # Where each row ends in this piece; only these places are put through the vocabulary.
        ends = torch.tensor([min(length, end) - 1 - start for length in self.lengths], device=self.ids.device)
        keep, where = torch.unique(ends, return_inverse=True)
        position = torch.arange(start, end, device=self.ids.device) + self.lead
        output = self.model(
            input_ids=self.ids[:, start:end],
            position_ids=position[None].expand(len(ends), -1),
            attention_mask=self._mask(position),
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=keep,
        )
        self.done = end
        logits: Tensor = output.logits[torch.arange(len(ends), device=keep.device), where]
        return logits if end == width else None

    def _mask(self, position: Tensor) -> Tensor | dict[str, Tensor] | None:
        """None where the whole past is seen: the model then makes its own causal mask, or needs none."""
        if not any(self.windows):
            return None
        columns = torch.arange(int(position[-1]) + 1, device=position.device)
        return _masks(self.windows, (position[:, None] - columns)[None, None])


class SlotRows:
    """Rows in the slots of one slab; see the module's words."""

    def __init__(self, model: Any, prefix: Prefix | None = None) -> None:
        self.model, self.windows, self.prefix = model, _windows(model), prefix
        self.clear()

    def clear(self) -> None:
        self.slots = Slots(self.model.device)
        self.layers = [SlotLayer(self.slots) for _ in self.windows]
        self.cache = Cache(layers=list(self.layers))

    def start(self, prompts: Sequence[Sequence[int]], chunk: int) -> SlotPrefill:
        return SlotPrefill(self.model, self.windows, prompts, chunk, self.prefix)

    def join(self, prefill: Prefill) -> None:
        assert isinstance(prefill, SlotPrefill)
        first, lengths = self.slots.count, [length + prefill.lead for length in prefill.lengths]
        columns = max(self.slots.width, *lengths) + 1
        layers: list[Any] = prefill.cache.layers
        for layer, new in zip(self.layers, layers, strict=True):
            layer.reserve(new.keys, first + len(lengths), columns)
            for row, length in enumerate(lengths):
                layer.put(first + row, new.keys[row, :, :length], new.values[row, :, :length])
        self.slots.lengths.extend(lengths)

    def step(self, tokens: Sequence[int]) -> Tensor:
        slots, device = self.slots, self.model.device
        slots.aim()
        for layer in self.layers:
            assert layer.keys is not None
            layer.reserve(layer.keys, slots.count, slots.width + 1)
        position = slots.column[:, None]
        output = self.model(
            input_ids=torch.tensor(tokens, device=device)[:, None],
            position_ids=position,
            attention_mask=self._mask(position),
            past_key_values=self.cache,
            use_cache=True,
        )
        slots.lengths = [length + 1 for length in slots.lengths]
        logits: Tensor = output.logits[:, -1]
        return logits

    def _mask(self, position: Tensor) -> Tensor | dict[str, Tensor] | None:
        """Which columns each row may look at; None where all may look at all, which is the fastest."""
        if self.slots.even and not any(self.windows):
            return None
        columns = torch.arange(self.slots.width + 1, device=position.device)
        near = position - columns  # (rows, columns): how far back a column lies; negative behind the row's end
        return _masks(self.windows, near[:, None, None, :])

    def leave(self, row: int) -> None:
        last = self.slots.count - 1
        if row != last:
            length = self.slots.lengths[last]
            for layer in self.layers:
                assert layer.keys is not None and layer.values is not None
                layer.put(row, layer.keys[last, :, :length], layer.values[last, :, :length])
            self.slots.lengths[row] = length
        self.slots.lengths.pop()


@torch.inference_mode()
def slots_agree(model: Any) -> bool:
    """Whether two rows of unlike length in slots get the logits that each gets alone from the model as it is."""
    vocabulary = model.get_input_embeddings().num_embeddings
    prompts = [[(7 * place + 3) % vocabulary for place in range(length)] for length in (5, 9)]
    follow = [11 % vocabulary, 5 % vocabulary]
    rows = SlotRows(model)
    try:
        prefill = rows.start(prompts, 4)
        first = prefill.advance()
        rows.join(prefill)
        second = rows.step(follow)
    except (TypeError, ValueError, AttributeError, RuntimeError, IndexError):
        return False  # the model takes no cache, mask or position of this kind
    for row, prompt in enumerate(prompts):
        ids = torch.tensor([[*prompt, follow[row]]], device=model.device)
        wanted = model(input_ids=ids, use_cache=False).logits[0, -2:].float()
        assert first is not None
        found = torch.stack([first[row], second[row]]).float()
        tolerance = 1e-3 if model.dtype == torch.float32 else 5e-2
        if not bool((found - wanted).abs().max() <= tolerance * wanted.abs().max().clamp(min=1.0)):
            return False
    return True


def _plain_layers(model: Any) -> bool:
    """Whether the model's own cache has nothing but full and windowed attention layers, read by sdpa."""
    if getattr(model.config, "_attn_implementation", None) != "sdpa":
        return False
    if not {"position_ids", "logits_to_keep"} <= set(inspect.signature(model.forward).parameters):
        return False
    layers = DynamicCache(config=model.config).layers
    return bool(layers) and all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)


def _windows(model: Any) -> list[int]:
    """Per layer the attention window in tokens, 0 for the whole past."""
    return [getattr(layer, "sliding_window", 0) or 0 for layer in DynamicCache(config=model.config).layers]


def _masks(windows: list[int], near: Tensor) -> Tensor | dict[str, Tensor]:
    """Boolean masks (rows, 1, queries, columns) from how far each column lies behind each query (negative: ahead).

    One mask for a model of one kind of layer, one per kind for a mixed one, by transformers' own names.
    """
    full = near >= 0
    if not any(windows):
        return full
    slid = full & (near < max(windows))
    return slid if min(windows) > 0 else {"full_attention": full, "sliding_attention": slid}


def _grown(old: Tensor, slots: int, columns: int) -> Tensor:
    rows, heads, width, size = old.shape
    wide = width if columns <= width else columns + GROWTH
    tall = rows if slots <= rows else slots + rows // 2
    new = old.new_zeros((tall, heads, wide, size))
    new[:rows, :, :width] = old
    return new
