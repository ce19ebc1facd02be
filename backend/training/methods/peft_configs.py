"""A run's config as PEFT's own: one small function per kind of method."""

from __future__ import annotations

from typing import Any

from backend.training.config import TrainingConfig
from backend.training.methods.catalog import METHODS
from backend.training.methods.modules import blocks_of_oft, feedforward_modules, head_names, target_modules, turned

STEPS = 1_000
"""What AdaLoRA's schedule is made for until `backend.training.methods.optimizers.AdaLoraSteps` knows the run's own."""


def peft_config(config: TrainingConfig, model: Any) -> Any:
    """The PeftConfig of a method that PEFT carries (`METHODS[method].peft`), for this model.

    Raises BadInput("error.training_target_modules"), BadInput("error.training_architecture").
    """
    task = "SEQ_CLS" if config.objective == "head" else "CAUSAL_LM"
    if METHODS[config.method].prompt_learning:
        return _prompt(config, task)
    chosen = target_modules(config, model)
    more: dict[str, Any] = {"task_type": task, "target_modules": chosen}
    if config.objective == "head":
        more["modules_to_save"] = head_names(model)
    if config.method in {"loha", "lokr"}:
        return _lycoris(config, more)
    if config.method in {"ia3", "vera", "oft"}:
        return _scaling(config, model, chosen, more)
    more["fan_in_fan_out"] = turned(model, chosen)
    return _adalora(config, more) if config.method == "adalora" else _lora(config, more)


def _lora(config: TrainingConfig, more: dict[str, Any]) -> Any:
    from peft import LoraConfig

    start: Any = True if config.init_lora_weights == "default" else config.init_lora_weights
    return LoraConfig(
        r=config.r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        init_lora_weights=start,
        use_rslora=config.method == "rslora",
        use_dora=config.method == "dora",
        **more,
    )


def _adalora(config: TrainingConfig, more: dict[str, Any]) -> Any:
    """Starts at one and a half times the rank that is asked for, and ends at that rank on average (as in the paper)."""
    from peft import AdaLoraConfig

    return AdaLoraConfig(
        init_r=max(config.r + 1, config.r * 3 // 2),
        target_r=config.r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        total_step=STEPS,
        tinit=STEPS // 10,
        tfinal=STEPS // 2,
        deltaT=1,
        **more,
    )


def _lycoris(config: TrainingConfig, more: dict[str, Any]) -> Any:
    """LyCORIS has no dropout of its inputs; PEFT's `rank_dropout` is the nearest."""
    from peft import LoHaConfig, LoKrConfig

    kind = LoHaConfig if config.method == "loha" else LoKrConfig
    return kind(r=config.r, alpha=config.lora_alpha, rank_dropout=config.lora_dropout, **more)


def _scaling(config: TrainingConfig, model: Any, chosen: list[str], more: dict[str, Any]) -> Any:
    from peft import IA3Config, OFTConfig, VeraConfig

    if config.method == "ia3":
        feedforward = feedforward_modules(model, chosen)
        return IA3Config(feedforward_modules=feedforward, fan_in_fan_out=turned(model, chosen), **more)
    if config.method == "vera":
        more["fan_in_fan_out"] = turned(model, chosen)
        return VeraConfig(r=config.r, vera_dropout=config.lora_dropout, projection_prng_key=config.seed, **more)
    count = blocks_of_oft(config, model, chosen)
    return OFTConfig(r=count, oft_block_size=0, module_dropout=config.lora_dropout, **more)


def _prompt(config: TrainingConfig, task: str) -> Any:
    """Prefix tuning learns keys and values directly, without a network before them that would not be saved."""
    from peft import PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig

    more: dict[str, Any] = {"task_type": task, "num_virtual_tokens": config.num_virtual_tokens}
    if config.method == "prompt_tuning":
        return PromptTuningConfig(prompt_tuning_init="SAMPLE_VOCAB", **more)
    if config.method == "p_tuning":
        return PromptEncoderConfig(encoder_hidden_size=config.encoder_hidden_size, **more)
    return PrefixTuningConfig(prefix_projection=False, **more)
