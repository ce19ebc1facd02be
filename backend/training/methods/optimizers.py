"""What a method needs beside the trainer's own optimizer and steps. Only a worker imports this."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from transformers import TrainerCallback

from backend.training.config import TrainingConfig
from backend.training.running.faults import saving

STATE: Final = "method_state.safetensors"
"""In a checkpoint: what PEFT's adapter files do not hold and an exact resume needs."""
LEAST_STEPS: Final = 10
"""A run of fewer steps is over before AdaLoRA could tell which ranks matter: all of them stay."""


def optimizer_for(config: TrainingConfig, model: Any) -> torch.optim.Optimizer | None:
    """The optimizer that the method asks for; None where the trainer makes its own by `optim`.

    LoRA+ (Hayou 2024): matrices B learn `loraplus_lr_ratio` times as fast as matrices A.
    """
    if config.method != "lora_plus":
        return None
    from peft.optimizers import create_loraplus_optimizer

    kind, more = _optimizer(config)
    made: torch.optim.Optimizer = create_loraplus_optimizer(
        model,
        kind,
        lr=config.learning_rate,
        loraplus_lr_ratio=config.loraplus_lr_ratio,
        loraplus_weight_decay=config.weight_decay,
        **more,
    )
    return made


def method_callbacks(config: TrainingConfig, model: Any) -> list[TrainerCallback]:
    """What a method does between steps and adds to a checkpoint; they stand before the callback that seals it."""
    if config.method == "adalora":
        return [AdaLoraSteps(model)]
    return [EncoderState(model)] if config.method == "p_tuning" else []


class AdaLoraSteps(TrainerCallback):
    """AdaLoRA's schedule of ranks, made for the run's own number of steps.

    A rank that was taken away is a zero on the diagonal E. The list of those stays out of PEFT's configuration: with it
    a checkpoint would be cut to smaller matrices, which the optimizer's state does not fit when the run resumes. The
    adapter that is saved answers the same either way.
    """

    def __init__(self, model: Any) -> None:
        self._tuner = model.base_model
        self._config = model.peft_config[model.active_adapter]
        self._kept: dict[str, list[bool]] | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        steps = int(state.max_steps)
        self._config.total_step = steps
        self._config.tinit, self._config.tfinal = steps // 10, max(1, steps * 3 // 10)
        self._config.deltaT = max(1, steps // 200)
        file = Path(args.output_dir) / f"checkpoint-{state.global_step}" / STATE
        if state.global_step and file.is_file():
            self._restore(file)

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Between the optimizer's step and the gradients' end, as PEFT wants it."""
        if state.max_steps < LEAST_STEPS:
            return
        self._config.rank_pattern = self._kept
        self._tuner.update_and_allocate(state.global_step)
        self._kept, self._config.rank_pattern = self._config.rank_pattern, None

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Raises NotSaved."""
        from safetensors.torch import save_file

        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        allocator = self._tuner.rankallocator
        told = {
            f"{part}/{name}": tensor.contiguous()
            for part in ("ipt", "exp_avg_ipt", "exp_avg_unc")
            for name, tensor in getattr(allocator, part).items()
        }
        told |= {f"kept/{name}": torch.tensor(kept) for name, kept in (self._kept or {}).items()}
        if folder.is_dir():
            with saving(state.global_step, folder):
                save_file(told, folder / STATE)

    def _restore(self, file: Path) -> None:
        from safetensors.torch import load_file

        told: dict[str, dict[str, Any]] = {"ipt": {}, "exp_avg_ipt": {}, "exp_avg_unc": {}, "kept": {}}
        device = next(self._tuner.parameters()).device
        for name, tensor in load_file(file, device=str(device)).items():
            part, _, rest = name.partition("/")
            told[part][rest] = tensor.tolist() if part == "kept" else tensor
        self._kept = told.pop("kept") or None
        for part, found in told.items():
            setattr(self._tuner.rankallocator, part, found)


class EncoderState(TrainerCallback):
    """P-tuning's encoder, which PEFT leaves out of a checkpoint: it keeps only the vectors that come out of it."""

    def __init__(self, model: Any) -> None:
        self._encoder = model.prompt_encoder

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        from safetensors.torch import load_model

        file = Path(args.output_dir) / f"checkpoint-{state.global_step}" / STATE
        if state.global_step and file.is_file():
            load_model(self._encoder, file)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Raises NotSaved."""
        from safetensors.torch import save_model

        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if folder.is_dir():
            with saving(state.global_step, folder):
                save_model(self._encoder, str(folder / STATE))


def _optimizer(config: TrainingConfig) -> tuple[Any, dict[str, Any]]:
    """transformers' own choice for `optim`, with its settings but the learning rate."""
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(output_dir="-", optim=config.optim, report_to="none", disable_tqdm=True)
    kind, more = Trainer.get_optimizer_cls_and_kwargs(arguments)
    return kind, {name: value for name, value in more.items() if name != "lr"}
