"""The trainers that a run uses: TRL's and transformers', told apart by what they train, with three things seen to.

* useful tokens are counted, and a loss or gradient that is no number ends the run before it reaches the weights
* the order of the rows is a function of seed and epoch alone, so that a resumed run sees the same rows
* no model card is written into each checkpoint

Only a worker imports this, after Unsloth where that trains: it patches the classes that are imported here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers import Trainer
from transformers.trainer_pt_utils import LengthGroupedSampler

from backend.training.running.faults import NotFinite, saving


class GroupedOrder(Sampler[int]):
    """Rows of alike length together, drawn anew in each epoch from the seed: transformers' own way of grouping.

    Its sampler draws from torch's global generator, which stands elsewhere after a resume.
    """

    def __init__(self, lengths: list[int], batch: int, seed: int) -> None:
        self._lengths, self._batch, self._seed, self._epoch = lengths, batch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        drawn = torch.Generator().manual_seed(self._seed + self._epoch)
        grouped: Any = LengthGroupedSampler
        return iter(grouped(self._batch, lengths=self._lengths, generator=drawn))


class Watched:
    """Goes before a trainer class in a subclass of both."""

    args: Any
    state: Any
    accelerator: Any
    train_dataset: Any
    tokens_seen: int = 0
    """Useful tokens that this process trained on in this attempt."""

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Raises NotFinite."""
        self.tokens_seen += _useful(inputs)
        loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)  # type: ignore[misc]
        if not bool(torch.isfinite(loss)):
            raise NotFinite(self.state.global_step)
        return loss

    def _clip_grad_norm(self, model: Any) -> Any:
        """Raises NotFinite; in half precision, where the scaler leaves such a step out by itself, it is let pass."""
        norm: Any = super()._clip_grad_norm(model)  # type: ignore[misc]
        if self.accelerator.scaler is None and norm is not None and not bool(torch.isfinite(torch.as_tensor(norm))):
            raise NotFinite(self.state.global_step, gradient=True)
        return norm

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        rows = train_dataset if train_dataset is not None else self.train_dataset
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)  # type: ignore[misc]
        lengths = [len(ids) for ids in rows["input_ids"]]
        together = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return GroupedOrder(lengths, together, self.args.seed)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Raises NotSaved, whatever the libraries say about a file that they could not write."""
        step = self.state.global_step
        with saving(step, Path(self.args.output_dir) / f"checkpoint-{step}"), warnings.catch_warnings():
            # The base may have been deleted since: its vocabulary is the one that was loaded.
            warnings.filterwarnings("ignore", "Could not find a config file")
            super()._save_checkpoint(model, trial)  # type: ignore[misc]

    def create_model_card(self, *_: object, **__: object) -> None:
        """The studio writes its own, once, when a run is taken away."""


class HeadTrainer(Watched, Trainer):
    """For a classification head."""


def sft_trainer() -> type[Any]:
    """TRL's, imported when it is needed: it takes seconds."""
    import trl

    library: Any = trl

    class AnswerTrainer(Watched, library.SFTTrainer):  # type: ignore[misc]
        """For answers and documents: rows of tokens with their labels."""

    return AnswerTrainer


def _useful(inputs: dict[str, Any]) -> int:
    """Tokens of a batch that are no padding."""
    mask = inputs.get("attention_mask")
    return int(inputs["input_ids"].numel() if mask is None else mask.sum())
