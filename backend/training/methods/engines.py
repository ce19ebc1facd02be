"""Which engine trains: Unsloth's fast path where it can do the config and was measured to be faster, else TRL.

    choice = begin(job, config, device)     # in a worker, before transformers is imported: Unsloth patches it
    built = build_of(choice, job)(config, base_folder, labels, adapter)

`choose` imports nothing heavy: a page shows the choice before anything runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from backend.assistants import Quantization
from backend.files import write_atomic
from backend.jobs.folder import read_file
from backend.models.memory import machine
from backend.training.config import Method, TrainingConfig
from backend.training.methods.speeds import ratio
from backend.training.values import EngineName

if TYPE_CHECKING:
    from backend.jobs.kinds import Job
    from backend.training.values import Built

Build = Callable[..., "Built"]
"""`backend.training.methods.building.build`, or one that takes and gives the same."""

UNSLOTH_METHODS: Final[frozenset[Method]] = frozenset({"lora", "rslora", "lora_plus", "dora", "full"})
CPU_OPTIMIZERS: Final = {"adamw_torch", "sgd", "adafactor"}
"""On a processor Unsloth puts AdamW in the place of the others."""
WORTH: Final = 1.1
"""So much faster it has to be: it takes longer than TRL to start."""
MEASURED: Final[Mapping[tuple[str, Quantization | None], float]] = MappingProxyType(
    {("cpu", None): 1.33, ("cpu", "nf4"): 1.31}
)
"""Unsloth's speed over TRL's, median of twelve steps of LoRA on the practice model, rows of 20 to 120 tokens (Unsloth
2026.10.9, TRL 1.14.2, one thread; `tests.benchmarks.training` measures the first again). What runs of this machine say
goes before it; nothing is known of CUDA."""
BEGUN: Final = "engine.json"
"""In a run's folder: the engine it began with. Every later attempt goes on with that one."""


@dataclass(frozen=True)
class Choice:
    """Which engine trains, and why: `reason` is a key of the words files, `details` fill its placeholders."""

    engine: EngineName
    reason: str
    details: Mapping[str, object] = field(default_factory=dict)


def choose(config: TrainingConfig, device: str, home: Path | None = None) -> Choice:
    """The engine for a config on a device ("cpu", "cuda", "mps"); `home` remembers what was measured here."""
    kind = device.partition(":")[0]
    if config.engine == "trl":
        return Choice("trl", "engines.reason.asked")
    obstacle = _obstacle(config, kind)
    if obstacle is not None:
        return obstacle
    if config.engine == "unsloth":
        return Choice("unsloth", "engines.reason.asked")
    here = ratio(home, config, kind) if home is not None else None
    known = here if here is not None else MEASURED.get((kind, config.quantization))
    if known is None:
        return Choice("trl", "engines.reason.not_measured")
    where = "here" if here is not None else "bench"
    if known >= WORTH:
        return Choice("unsloth", f"engines.reason.faster_{where}", {"ratio": f"{known:.2f}"})
    return Choice("trl", f"engines.reason.no_faster_{where}", {"ratio": f"{known:.2f}"})


def planned(config: TrainingConfig, home: Path) -> Choice:
    """What a run that starts now will be trained by, as far as a page can tell."""
    return choose(config, "cuda" if machine().gpus else "cpu", home)


def begin(job: Job, config: TrainingConfig, device: str) -> Choice:
    """Choose for a run, or go on with what it began with, and import Unsloth where that trains.

    To be called by the worker before anything imports transformers, TRL or PEFT. Raises StorageProblem.
    """
    known = _begun(job.folder)
    choice = known or choose(config, device, job.settings.home)
    if choice.engine == "unsloth":
        from backend.training.methods.unsloth_path import ready

        why = ready(job.settings.home)
        if why is not None:
            choice = Choice("trl", "engines.reason.failed", {"why": why})
    if choice != known:
        note(job.folder, choice)
    return choice


def build_of(choice: Choice, job: Job) -> Build:
    """The function that builds the model for a choice: see `backend.training.methods.building.build`."""
    if choice.engine == "unsloth":
        from backend.training.methods.unsloth_path import builder

        return builder(job)
    from backend.training.methods.building import build

    return build


def note(folder: Path, choice: Choice) -> None:
    """Write into a run's folder what trains it. Raises StorageProblem."""
    write_atomic(folder / BEGUN, json.dumps(asdict(choice), ensure_ascii=False))


def _begun(folder: Path) -> Choice | None:
    try:
        told: dict[str, Any] = json.loads(read_file(folder / BEGUN))
        return Choice("unsloth" if told["engine"] == "unsloth" else "trl", str(told["reason"]), dict(told["details"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _obstacle(config: TrainingConfig, kind: str) -> Choice | None:
    """Why Unsloth cannot train this as it is asked for; None when it can."""
    if find_spec("unsloth") is None:
        return Choice("trl", "engines.reason.not_installed")
    if kind not in ("cpu", "cuda"):
        return Choice("trl", "engines.reason.device", {"device": kind})
    if config.method not in UNSLOTH_METHODS:
        return Choice("trl", "engines.reason.method", {"method": config.method})
    for here, reason in (
        (config.objective == "head", "head"),
        (config.processes > 1, "processes"),
        (config.assistant.adapter is not None, "adapter"),
        (config.init_lora_weights == "pissa" and config.quantization is not None, "pissa"),
        (kind == "cpu" and config.quantization == "int8", "cpu_int8"),
        (kind == "cpu" and config.packing, "cpu_packing"),
        (kind == "cpu" and config.optim not in CPU_OPTIMIZERS, "cpu_optim"),
    ):
        if here:
            return Choice("trl", f"engines.reason.{reason}")
    return None
