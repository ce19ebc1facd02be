"""A config in the trainers' own words: transformers' TrainingArguments, TRL's SFTConfig. Only a worker imports this."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch

from backend.training.config import TrainingConfig
from backend.training.methods.building import CHECKPOINTING, autocasts
from backend.training.methods.catalog import adapts_head
from backend.training.running.cadence import Cadence
from backend.training.values import EngineName

DEV_LOSS: Final = "eval_loss"


def shared_arguments(
    config: TrainingConfig, cadence: Cadence, folder: Path, device: torch.device, resumes: bool
) -> dict[str, Any]:
    """What both trainers are told. `folder` gets the checkpoints; which of them are kept is for our callbacks.

    On purpose: nothing is reported, pushed or drawn on a terminal; a loss that is no number is told as it is; the dev
    loss is measured once before training too, unless this attempt resumes.
    """
    evaluates = cadence.dev_rows > 0
    half = autocasts(config, device)
    return {
        "output_dir": str(folder),
        "num_train_epochs": config.num_train_epochs,
        "max_steps": config.max_steps,
        "learning_rate": config.learning_rate,
        "per_device_train_batch_size": config.per_device_train_batch_size,
        "per_device_eval_batch_size": config.per_device_train_batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation_steps,
        "lr_scheduler_type": config.lr_scheduler_type,
        "warmup_steps": int(config.warmup_steps) if config.warmup_steps >= 1 else config.warmup_steps,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "optim": config.optim,
        "neftune_noise_alpha": config.neftune_noise_alpha,
        "gradient_checkpointing": config.gradient_checkpointing,
        "gradient_checkpointing_kwargs": CHECKPOINTING if config.gradient_checkpointing else None,
        "bf16": half,
        "fp16": config.dtype == "float16" and device.type == "cuda",
        "use_cpu": device.type == "cpu",
        "seed": config.seed,
        "data_seed": config.seed,
        "train_sampling_strategy": config.train_sampling_strategy,
        "logging_strategy": "steps",
        "logging_steps": cadence.logging_steps,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
        "push_to_hub": False,
        "eval_strategy": "steps" if evaluates else "no",
        "eval_steps": cadence.eval_steps,
        "eval_on_start": evaluates and not resumes,
        "metric_for_best_model": DEV_LOSS if evaluates else None,
        "greater_is_better": False,
        "load_best_model_at_end": False,
        "prediction_loss_only": True,
        "save_strategy": "steps",
        "save_steps": cadence.save_steps,
        "save_total_limit": None,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": device.type == "cuda",
    }


def sft_arguments(config: TrainingConfig, shared: dict[str, Any], longest: int, engine: EngineName = "trl") -> Any:
    """TRL's SFTConfig for rows that are tokens already. `longest` row, in tokens: none is ever cut."""
    import trl

    library: Any = trl
    return library.SFTConfig(
        **shared,
        max_length=max(config.max_length or 0, longest) if config.packing else None,
        packing=config.packing,
        eval_packing=False,
        dataset_kwargs=None if config.packing else {"skip_prepare_dataset": True},
        # Logits for the tokens that count alone, 256 at a time, from the head's own weights: an adapter on the head
        # would be passed by, and so would the loss that Unsloth brings, which was 1.5 times as fast.
        loss_type="nll" if adapts_head(config) or engine == "unsloth" else "chunked_nll",
    )


def head_arguments(shared: dict[str, Any]) -> Any:
    """transformers' TrainingArguments for a classification head."""
    from transformers import TrainingArguments

    return TrainingArguments(**shared)
