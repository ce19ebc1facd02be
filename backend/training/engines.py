"""Which engine trains: Unsloth's fast path where it can do the config and was measured to be faster, else TRL.

Nothing heavy is imported: the choice is shown on a page before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from backend.training.config import Method, TrainingConfig

EngineName = Literal["trl", "unsloth"]

UNSLOTH_METHODS: Final[frozenset[Method]] = frozenset({"lora", "rslora", "lora_plus", "dora", "full"})


@dataclass(frozen=True)
class Choice:
    """Which engine trains, and why: `reason` is a key of the words files, `details` fill its placeholders."""

    engine: EngineName
    reason: str
    details: Mapping[str, object] = field(default_factory=dict)


def choose(config: TrainingConfig, device: str, home: Path | None = None) -> Choice:
    """The engine for a config on a device ("cpu", "cuda", "mps"); `home` remembers what was measured here."""
    if config.engine == "trl":
        return Choice("trl", "engines.reason.asked")
    obstacle = _obstacle(config, device)
    if obstacle is not None:
        return obstacle
    if config.engine == "unsloth":
        return Choice("unsloth", "engines.reason.asked")
    return Choice("trl", "engines.reason.not_measured")


def _obstacle(config: TrainingConfig, device: str) -> Choice | None:
    """Why Unsloth cannot train this, None when it can."""
    if find_spec("unsloth") is None:
        return Choice("trl", "engines.reason.not_installed")
    if config.method not in UNSLOTH_METHODS:
        return Choice("trl", "engines.reason.method", {"method": config.method})
    if config.objective == "head":
        return Choice("trl", "engines.reason.head")
    if config.processes > 1:
        return Choice("trl", "engines.reason.processes")
    if config.assistant.adapter is not None:
        return Choice("trl", "engines.reason.adapter")
    if device.partition(":")[0] not in ("cpu", "cuda"):
        return Choice("trl", "engines.reason.device", {"device": device})
    return None
