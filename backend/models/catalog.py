"""Well-known open models fit for one GPU or a laptop, and whether each fits this machine: a number, not a badge.

The facts are data, in assets/catalog.json. Left out are models that need code of their own to run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from backend.models.host import SHARE
from backend.models.memory import OVERHEAD, Machine
from backend.settings import ASSETS

Korean = Literal["good", "some", "none"]

CONTEXT = 4096
"""Tokens of conversation for which room is counted."""
CACHE_BYTES = 2
"""Per number of the key-value cache on a GPU; on a processor the cache is as wide as the weights."""


class CatalogModel(BaseModel):
    """One model as its makers tell of it.

    parameters      as stored, which for small models is more than the name says (a table of words stored twice)
    size_bytes      what a download fetches, nearly all of it the weights in bf16
    context_length  tokens
    languages       what it was made for, as language codes; "multi" for many more than are listed
    korean          good: made for it or trained on much of it; some: understandable with mistakes; none: do not
    gated           the licence has to be accepted on the hub first
    note_key        a sentence in the words files on what is easily overlooked, mostly of the licence; or None
    layers, cache_width  for the key-value cache: layers, and numbers per token and layer for keys and values together
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    maker: str
    parameters: int
    size_bytes: int
    licence: str
    licence_url: str
    context_length: int
    languages: tuple[str, ...]
    korean: Korean
    gated: bool = False
    note_key: str | None = None
    layers: int
    cache_width: int

    @property
    def url(self) -> str:
        """Its page on the hub."""
        return f"https://huggingface.co/{self.id}"


@dataclass(frozen=True)
class Fit:
    """Memory in bytes; `fraction` of the available memory that would be needed; `bits` per number of the weights."""

    needed_bytes: int
    available_bytes: int
    fraction: float
    bits: int
    on_gpu: bool

    @property
    def fits(self) -> bool:
        return self.fraction <= 1.0


def _read() -> tuple[CatalogModel, ...]:
    read = TypeAdapter(tuple[CatalogModel, ...]).validate_json((ASSETS / "catalog.json").read_bytes())
    return tuple(sorted(read, key=lambda model: model.parameters))


CATALOG = _read()
"""All of them, smallest first."""


def fits(model: CatalogModel, machine: Machine, bits: int | None = None) -> Fit:
    """Weights, a cache for CONTEXT tokens and what loading takes, against what may be used of the free memory now.

    `bits` None is how the model host loads: 16 on a GPU, 32 on a processor, which is faster there.
    """
    free = max((gpu.memory_bytes - gpu.memory_used_bytes for gpu in machine.gpus), default=None)
    width = bits or (16 if free is not None else 32)
    cache = model.layers * model.cache_width * CONTEXT * (CACHE_BYTES if free is not None else 4)
    needed = int(model.parameters * width / 8 * OVERHEAD) + cache
    available = int((machine.memory_available_bytes if free is None else free) * SHARE)
    return Fit(needed, available, needed / max(available, 1), width, free is not None)
