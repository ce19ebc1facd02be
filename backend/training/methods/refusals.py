"""What cannot be trained: combinations that the libraries would answer with a stack trace, or silently get wrong.

Each is refused with a sentence that holds the fix, before a model is loaded. What takes the model to know (modules
that it does not have, an architecture that a method does not know) is refused by `backend.training.methods.building`.
"""

from __future__ import annotations

from collections.abc import Iterator

from backend.errors import BadInput
from backend.jobs.child import cores
from backend.models.adapter_card import AdapterCard
from backend.models.memory import machine
from backend.training.config import TrainingConfig
from backend.training.methods.catalog import METHODS, family


def check(
    config: TrainingConfig,
    labels: tuple[str, ...] | None = None,
    adapter: AdapterCard | None = None,
    device: str | None = None,
) -> None:
    """Raises BadInput with the first thing that cannot work; see `refusals`."""
    for refusal in refusals(config, labels, adapter, device):
        raise refusal


def check_method(config: TrainingConfig, device: str) -> None:
    """The same for what a method and a device decide alone, where the device is known for certain."""
    for refusal in (*_of_method(config), *_of_start(config), *_of_machine(config, device)):
        raise refusal


def refusals(
    config: TrainingConfig,
    labels: tuple[str, ...] | None = None,
    adapter: AdapterCard | None = None,
    device: str | None = None,
) -> Iterator[BadInput]:
    """Everything that cannot work, the most important first.

    `labels` are the classes of a head, None when they are not known yet; `adapter` is the card of the assistant's own
    adapter, which is to be trained further; `device` is torch's name of a kind of device, None for this machine's.
    """
    yield from _of_method(config)
    yield from _of_objective(config, labels)
    yield from _of_start(config)
    yield from _of_machine(config, device or ("cuda" if machine().gpus else "cpu"))
    if adapter is not None:
        yield from _of_adapter(config, labels, adapter)


def _of_method(config: TrainingConfig) -> Iterator[BadInput]:
    spec = METHODS[config.method]
    if config.quantization and config.quantization not in spec.quantizable:
        key = "error.training_quantized_peft" if spec.peft else "error.training_quantized_weights"
        yield BadInput(key, method=config.method, quantization=config.quantization)
    if config.objective not in spec.objectives:
        frozen = config.method == "frozen"
        yield BadInput("error.training_frozen_head" if frozen else "error.training_prompt_head", method=config.method)
    if config.method == "prefix_tuning" and config.gradient_checkpointing:
        yield BadInput("error.training_prefix_checkpointing")


def _of_objective(config: TrainingConfig, labels: tuple[str, ...] | None) -> Iterator[BadInput]:
    if config.objective == "head" and labels is not None and len(set(labels)) < 2:
        yield BadInput("error.training_head_labels", count=len(set(labels)))
    if config.objective == "documents" and not config.documents:
        yield BadInput("error.training_documents_none")
    if config.packing and config.objective == "head":
        yield BadInput("error.training_packing_head")
    if config.packing and METHODS[config.method].prompt_learning:
        yield BadInput("error.training_packing_prompt", method=config.method)


def _of_start(config: TrainingConfig) -> Iterator[BadInput]:
    if config.assistant.model.kind == "endpoint":
        yield BadInput("error.training_endpoint", model=config.assistant.model.label())
    if config.init_lora_weights == "pissa" and "init_lora_weights" in METHODS[config.method].fields:
        if config.quantization:
            yield BadInput("error.training_pissa_quantized", quantization=config.quantization)
        elif config.method == "dora":
            yield BadInput("error.training_pissa_method", method=config.method)


def _of_machine(config: TrainingConfig, device: str) -> Iterator[BadInput]:
    spec = METHODS[config.method]
    if config.dtype == "float16" and device == "cpu":
        yield BadInput("error.training_float16_cpu")
    if config.dtype == "float16" and not spec.peft:
        yield BadInput("error.training_float16_weights", method=config.method)
    if config.method == "dora" and config.quantization == "int8" and device == "cpu":
        yield BadInput("error.training_dora_int8")  # PEFT loses bitsandbytes' scales after a first pass
    yield from refused_processes(config, len(machine().gpus) if device == "cuda" else 0)
    if config.optim == "paged_adamw_8bit" and device != "cuda":
        yield BadInput("error.training_paged", optim=config.optim)


def refused_processes(config: TrainingConfig, accelerators: int) -> Iterator[BadInput]:
    """Several processes on a machine that has no room for them, or in a way that it lacks."""
    told = {"processes": config.processes}
    if accelerators and config.processes > accelerators:
        yield BadInput("error.parallel_device", **told, devices=accelerators)
    elif not accelerators and config.processes > cores():
        yield BadInput("error.parallel_cores", **told, cores=cores())
    if config.strategy == "fsdp":
        # accelerate passes over FSDP on a processor without a word, and nobody has tried what rank 0 keeps with it.
        yield BadInput("error.parallel_sharding")


def _of_adapter(config: TrainingConfig, labels: tuple[str, ...] | None, card: AdapterCard) -> Iterator[BadInput]:
    spec = METHODS[config.method]
    if card.task != ("head" if config.objective == "head" else "causal"):
        yield BadInput("error.training_adapter_task", method=card.method)
    elif card.task == "head" and labels is not None and tuple(labels) != card.labels:
        yield BadInput("error.training_adapter_labels", labels=", ".join(card.labels))
    if not METHODS[card.method].continues:
        yield BadInput("error.training_adapter_ended", method=card.method)
    elif (card.kind == "peft") != spec.peft or (spec.peft and family(card.method) != family(config.method)):
        yield BadInput("error.training_adapter_method", method=card.method, wanted=config.method)
