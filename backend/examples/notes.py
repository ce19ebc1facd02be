"""A finding about task data that a page puts into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Note:
    """`key` names a sentence in the words files, `details` fill its placeholders (plain values)."""

    key: str
    details: Mapping[str, object] = field(default_factory=dict)
