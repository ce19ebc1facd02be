"""Training a tiny model for real in a second or two: TRL's trainer for answers, transformers' for a head."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from backend.evaluation.identity import weights_identity
from backend.models.adapter_card import BaseCard
from backend.models.adapter_files import read_card
from backend.models.loading import load
from backend.training.config import TrainingConfig
from backend.training.methods.building import autocasts, build, trainable_parameters
from backend.training.methods.optimizers import method_callbacks, optimizer_for
from backend.training.values import IGNORED, Built

LABELS = ("bad", "good")
STEPS = 12
RATES = {
    "prompt_tuning": 0.1, "p_tuning": 0.02, "prefix_tuning": 0.1, "ia3": 0.05, "vera": 0.05, "oft": 0.01,
    "adalora": 0.03, "full": 2e-3, "last_layers": 3e-3, "frozen": 0.01, "lora_plus": 2e-3,
}  # fmt: skip


def config_for(method: Any, objective: Any = "answers", **more: Any) -> TrainingConfig:
    """A config that makes a model of 32 numbers learn a few rows by heart in STEPS steps."""
    values: dict[str, Any] = {
        "method": method, "objective": objective, "r": 4, "lora_alpha": 8, "num_virtual_tokens": 4,
        "encoder_hidden_size": 32, "last_layers": 1, "learning_rate": RATES.get(method, 0.01), "max_steps": STEPS,
        "per_device_train_batch_size": 8, "lr_scheduler_type": "constant", "warmup_steps": 0.0,
    }  # fmt: skip
    return TrainingConfig(**(values | more))


def rows_for(config: TrainingConfig, words: int = 300) -> list[dict[str, Any]]:
    """Eight rows of tokens: the second half counts, every token does, or there is a class."""
    drawn = random.Random(1)
    rows = []
    for number in range(8):
        ids = [drawn.randrange(5, words) for _ in range(6 + number % 3)]
        if config.objective == "head":
            rows.append({"input_ids": ids, "labels": number % 2})
        elif config.objective == "documents":
            rows.append({"input_ids": ids, "labels": list(ids)})
        else:
            rows.append({"input_ids": ids, "labels": [IGNORED] * 3 + ids[3:]})
    return rows


def start(config: TrainingConfig, base: Path, adapter: Path | None = None) -> Built:
    labels = LABELS if config.objective == "head" else ()
    return build(config, base, labels, adapter, torch.device("cpu"))


def train(config: TrainingConfig, built: Built, folder: Path, resume: bool = False, **more: Any) -> list[float]:
    """The loss of every step, in the trainer that the method gets."""
    trainer = trainer_for(config, built, folder, **more)
    trainer.train(resume_from_checkpoint=resume or None)
    return [float(line["loss"]) for line in trainer.state.log_history if "loss" in line]


def trainer_for(config: TrainingConfig, built: Built, folder: Path, **more: Any) -> Any:
    from datasets import Dataset
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments
    from trl import SFTConfig, SFTTrainer

    fields = {
        "output_dir": str(folder),
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "bf16": autocasts(config, torch.device("cpu")),
        "logging_steps": 1,
        "save_strategy": "no",
        "dataloader_pin_memory": False,
        "lr_scheduler_type": config.lr_scheduler_type,
        "learning_rate": config.learning_rate,
        "max_steps": config.max_steps,
        "per_device_train_batch_size": config.per_device_train_batch_size,
        "gradient_checkpointing": config.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False} if config.gradient_checkpointing else None,
        "optim": config.optim,
        "seed": config.seed,
    } | more
    parts: dict[str, Any] = {
        "model": built.model,
        "processing_class": built.tokenizer,
        "train_dataset": Dataset.from_list(rows_for(config)),
        "callbacks": method_callbacks(config, built.model),
        "optimizers": (optimizer_for(config, built.model), None),
    }
    if config.objective == "head":
        collator = DataCollatorWithPadding(built.tokenizer)
        return Trainer(args=TrainingArguments(**fields), data_collator=collator, **parts)
    settings = SFTConfig(
        **fields, max_length=None, dataset_kwargs={"skip_prepare_dataset": True}, loss_type="chunked_nll"
    )
    kept = {name: parameter.dtype for name, parameter in trainable_parameters(built).items()}
    trainer = SFTTrainer(args=settings, **parts)
    for name, parameter in trainable_parameters(built).items():
        parameter.data = parameter.data.to(kept[name])  # TRL makes them bf16 over a quantized base
    return trainer


def state_of(model: Any) -> dict[str, torch.Tensor]:
    """A copy of every parameter and buffer."""
    return {
        name: copy.deepcopy(tensor.detach()) for name, tensor in (*model.named_parameters(), *model.named_buffers())
    }


def moved(before: dict[str, torch.Tensor], model: Any) -> set[str]:
    """The names of what differs now."""
    now = dict((*model.named_parameters(), *model.named_buffers()))
    assert before.keys() == now.keys()
    return {name for name, tensor in before.items() if not torch.equal(tensor, now[name])}


@torch.no_grad()
def logits(model: Any, rows: Sequence[Sequence[int]] = ((7, 60, 120, 200, 33), (9, 10, 11, 12, 13))) -> torch.Tensor:
    """What the model says of two rows, not training."""
    training = model.training
    model.eval()
    found: torch.Tensor = model(input_ids=torch.tensor(rows)).logits.float().clone()
    model.train(training)
    return found


def card_of(base: Path) -> BaseCard:
    return BaseCard(label="tiny", identity=weights_identity(base))


def answers_alike(built: Built, base: Path, folder: Path, atol: float = 2e-4) -> None:
    """What was saved in `folder`, loaded over the untouched base by the studio's own loader, says what `built` says."""
    card = read_card(folder)
    loaded = load(base, torch.device("cpu"), torch.float32, card.quantization, folder)
    if loaded.prefix is None:
        torch.testing.assert_close(logits(loaded.model), logits(built.model), atol=atol, rtol=1e-3)
        return
    row = (7, 60, 120, 200, 33)
    with torch.no_grad():
        told = loaded.model(input_ids=torch.tensor([row]), **loaded.prefix.alone()).logits
    torch.testing.assert_close(told[0].float(), logits(built.model, [row])[0, -len(row) :], atol=atol, rtol=1e-3)
