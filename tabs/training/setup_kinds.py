"""The kinds of training in plain words, and what each of them is under the libraries' names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from backend.assistants import Quantization
from backend.errors import BadInput
from backend.examples.task import Task
from backend.training.config import Method, Objective, TrainingConfig
from backend.training.methods.catalog import METHODS
from tabs.text import Words

EFFORTS: Final = ("quick", "balanced", "thorough")
OTHER: Final = "other"
"""The choice that is shown when a person has put together another combination under "all methods"."""


@dataclass(frozen=True)
class Kind:
    """What a plain choice stands for."""

    objective: Objective
    method: Method
    quantization: Quantization | None = None


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "lora": Kind("answers", "lora"),
        "qlora": Kind("answers", "lora", "nf4"),
        "prompt_based": Kind("prompt_based", "lora"),
        "head": Kind("head", "lora"),
        "full": Kind("answers", "full"),
        "documents": Kind("documents", "lora"),
    }
)


def kind_of(config: TrainingConfig) -> str:
    """The plain choice that a config is, or OTHER."""
    told = Kind(config.objective, config.method, config.quantization)
    return next((name for name, kind in KINDS.items() if kind == told), OTHER)


def with_kind(config: TrainingConfig, name: str) -> TrainingConfig:
    """The config as this kind, with the learning rate that its method is known for. Raises BadInput."""
    if name == OTHER:
        return config
    if name not in KINDS:
        raise BadInput("error.page_action")
    kind = KINDS[name]
    return with_method(
        config.model_copy(update={"objective": kind.objective, "quantization": kind.quantization}), kind.method
    )


def with_method(config: TrainingConfig, method: Method) -> TrainingConfig:
    """The config with another method: its usual learning rate comes along, since those differ a hundredfold."""
    rate = METHODS[method].learning_rate
    return config.model_copy(update={"method": method, "learning_rate": rate})


def offered_kinds(task: Task | None, config: TrainingConfig) -> list[str]:
    """Those that make sense for the task; a head only where the answer is one of its labels."""
    labelled = task is not None and task.labelled
    found = [name for name, kind in KINDS.items() if labelled or kind.objective != "head" or name == kind_of(config)]
    return [*found, OTHER] if kind_of(config) == OTHER else found


def kind_label(words: Words, name: str) -> str:
    """Two lines: the name, and what it costs and gives. The css sets the first in bold."""
    return words.t(f"train.kind_{name}") + "\n" + words.t(f"train.kind_{name}_about")


def effort_label(words: Words, name: str) -> str:
    return words.t(f"train.effort_{name}") + "\n" + words.t(f"train.effort_{name}_about")
