"""Decoding presets: three names for how freely the next word is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from backend.assistants import Decoding

# precise takes the likeliest word each time; the others draw, and min_p keeps the absurd out (arXiv 2407.01082).
PRESETS: Final[Mapping[str, Decoding]] = MappingProxyType(
    {
        "precise": Decoding(temperature=0.0),
        "balanced": Decoding(temperature=0.7, top_p=0.9, min_p=0.05, repetition_penalty=1.05),
        "creative": Decoding(temperature=1.0, top_p=0.95, min_p=0.02, repetition_penalty=1.05),
    }
)
_DRAWN = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")


def with_preset(decoding: Decoding, name: str) -> Decoding:
    """The preset's way of drawing; length, stop strings and seed stay as they are. KeyError for an unknown name."""
    return decoding.model_copy(update={field: getattr(PRESETS[name], field) for field in _DRAWN})


def preset_of(decoding: Decoding) -> str | None:
    """The preset that draws like this, whatever its length, stop strings and seed; None if there is none."""
    return next((name for name in PRESETS if with_preset(decoding, name) == decoding), None)
