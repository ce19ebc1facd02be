"""A trainer made ready: rows as a data set, the arguments, the callbacks. Only a worker imports this."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import DataCollatorWithPadding, PrinterCallback

from backend.training.config import TrainingConfig
from backend.training.methods.building import autocasts
from backend.training.methods.optimizers import optimizer_for
from backend.training.running.arguments import head_arguments, sft_arguments, shared_arguments
from backend.training.running.cadence import Cadence
from backend.training.running.watched import HeadTrainer, sft_trainer
from backend.training.values import Built, Row, Rows


def make_trainer(
    config: TrainingConfig,
    built: Built,
    rows: Rows,
    cadence: Cadence,
    folder: Path,
    callbacks: Sequence[Any] = (),
    resumes: bool = False,
) -> Any:
    """TRL's SFTTrainer over token rows, or transformers' Trainer for a head. `folder` gets the checkpoints."""
    device = next(built.model.parameters()).device
    shared = shared_arguments(config, cadence, folder, device, resumes)
    kept = {parameter: parameter.dtype for parameter in built.model.parameters() if parameter.requires_grad}
    parts: dict[str, Any] = {
        "model": built.model,
        "train_dataset": dataset_of(rows.train, config.objective == "head"),
        "eval_dataset": dataset_of(dev_rows(rows, cadence, config.seed), config.objective == "head"),
        "processing_class": padded(built.tokenizer),
        "callbacks": list(callbacks),
        "optimizers": (optimizer_for(config, built.model), None),
    }
    if config.objective == "head":
        collator = DataCollatorWithPadding(built.tokenizer)
        return quiet(HeadTrainer(args=head_arguments(shared), data_collator=collator, **parts))
    longest = max((*rows.lengths, *rows.dev_lengths), default=1)
    trainer = sft_trainer()(args=sft_arguments(config, shared, longest, built.engine), **parts)
    if not autocasts(config, device):
        # TRL turns what is trained over a quantized base to bf16, which takes many times longer on a processor.
        for parameter, dtype in kept.items():
            parameter.data = parameter.data.to(dtype)
    return quiet(trainer)


def quiet(trainer: Any) -> Any:
    """The curves tell every step; the log has no need of them."""
    trainer.remove_callback(PrinterCallback)
    return trainer


def dataset_of(rows: Sequence[Row], head: bool) -> Any:
    """A `datasets.Dataset` of token ids and labels; None without rows."""
    from datasets import Dataset

    if not rows:
        return None
    labels = [row.label for row in rows] if head else [list(row.labels) for row in rows]
    return Dataset.from_dict({"input_ids": [list(row.input_ids) for row in rows], "labels": labels})


def dev_rows(rows: Rows, cadence: Cadence, seed: int) -> Sequence[Row]:
    """Those whose loss is measured: all, or as many as there is time for, drawn by the seed and always the same."""
    if cadence.dev_rows >= len(rows.dev):
        return rows.dev
    drawn = sorted(random.Random(seed).sample(range(len(rows.dev)), cadence.dev_rows))
    return [rows.dev[place] for place in drawn]


def padded(tokenizer: Any) -> Any:
    """With something to pad with: its end token where it has no token for that. Padding never counts for the loss."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
