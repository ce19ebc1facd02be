"""The expert fields: their groups, and the way from a config to what the widgets hold and back.

A field's widget is keyed by the field's name in TrainingConfig, which is its name in PEFT, transformers or TRL.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from backend.errors import BadInput
from backend.training.config import AUTO, TrainingConfig
from backend.training.methods.catalog import METHODS

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "method": ("objective", "method", "quantization"),
        "peft": (
            "r", "lora_alpha", "lora_dropout", "target_modules", "init_lora_weights", "loraplus_lr_ratio",
            "num_virtual_tokens", "encoder_hidden_size", "last_layers",
        ),
        "optimizer": (
            "num_train_epochs", "max_steps", "learning_rate", "per_device_train_batch_size",
            "gradient_accumulation_steps", "lr_scheduler_type", "warmup_steps", "weight_decay", "max_grad_norm",
            "optim", "neftune_noise_alpha",
        ),
        "data": ("max_length", "train_sampling_strategy", "packing", "seed"),
        "watching": ("eval_steps", "save_steps", "early_stopping_patience", "metric_examples", "sample_inputs"),
        "machine": ("engine", "dtype", "gradient_checkpointing", "processes", "strategy"),
    }
)  # fmt: skip
FIELDS: Final = tuple(field for fields in GROUPS.values() for field in fields)


def values_of(config: TrainingConfig) -> dict[str, Any]:
    """What each widget holds."""
    values = {field: getattr(config, field) for field in FIELDS}
    modules = config.target_modules
    values["target_modules"] = modules if isinstance(modules, str) else ", ".join(modules)
    values["quantization"] = config.quantization or ""
    return values


def read_fields(config: TrainingConfig, told: Mapping[str, Any]) -> TrainingConfig:
    """`config` with what the widgets hold. Raises BadInput("error.train_field") for what a field does not take."""
    changed = {field: _value(field, told[field]) for field in FIELDS if field in told}
    try:
        return TrainingConfig.model_validate({**dict(config), **changed})
    except ValidationError as fault:
        field = str(fault.errors()[0]["loc"][0])
        if not allowed(field):
            raise BadInput("error.page_action") from fault
        raise BadInput("error.train_field", field=field, allowed=allowed(field)) from fault


def allowed(field: str) -> str:
    """What a field of numbers takes, as everyone reads it: "1 ≤ r ≤ 1024"; "" for other fields."""
    low, high = "", ""
    for bound in TrainingConfig.model_fields[field].metadata:
        low = f"{bound.ge:g} ≤ " if hasattr(bound, "ge") else f"{bound.gt:g} < " if hasattr(bound, "gt") else low
        high = f" ≤ {bound.le:,g}" if hasattr(bound, "le") else f" < {bound.lt:,g}" if hasattr(bound, "lt") else high
    return f"{low}{field}{high}" if low or high else ""


def shown_fields(config: TrainingConfig) -> frozenset[str]:
    """The fields that mean something for this config."""
    fields = set(FIELDS) - set(GROUPS["peft"]) | set(METHODS[config.method].fields)
    if config.strategy == "ddp":  # there is no other way yet; one that was asked for elsewhere can be taken back
        fields.discard("strategy")
    if config.objective == "head":
        fields -= {"packing", "neftune_noise_alpha"}
    return frozenset(fields)


def _value(field: str, told: Any) -> Any:
    if field == "target_modules":
        names = [name for name in str(told or AUTO).replace(",", " ").split() if name]
        return names[0] if names in ([AUTO], ["all-linear"]) else tuple(names)
    if field == "quantization":
        return told or None
    return told
