"""The training loop: one plain loop over packed rows that can be killed at any time and goes on where it was.

The data of a step depend on the seed and the number of the step alone, so nothing but weights, optimizer, step
and time spent needs to be kept.
"""

import math
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.starter.episodes import Mixture
from backend.starter.export import build_model, write_folder
from backend.starter.packing import IGNORED, Row, fill_rows
from backend.starter.recipe import SIZES, Recipe

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

Report = Callable[[dict[str, float]], None]


class Training:
    """One run. `work` holds its checkpoint; `out` gets the model from time to time and at the end."""

    def __init__(
        self, recipe: Recipe, tokenizer: "PreTrainedTokenizerFast", mixture: Mixture, work: Path, out: Path
    ) -> None:
        import torch

        self.recipe, self.tokenizer, self.mixture, self.work, self.out = recipe, tokenizer, mixture, work, out
        self.device = _device(recipe.device)
        self.model: LlamaForCausalLM = build_model(recipe, tokenizer).to(device=self.device)  # type: ignore[call-arg]
        decayed = [p for p in self.model.parameters() if p.dim() > 1]
        others = [p for p in self.model.parameters() if p.dim() <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=SIZES[recipe.size].learning_rate,
            betas=(0.9, 0.95),
        )
        self.step, self.seconds, self.tokens = 0, 0.0, 0
        self._resume()

    def run(self, report: Report) -> None:
        """Trains to the end of the recipe and writes `out`. `report` gets the figures of each step."""
        saved = exported = time.monotonic()
        while (progress := self.recipe.progress(self.step, self.seconds)) < 1.0:
            began = time.monotonic()
            loss = self._one_step(progress)
            now = time.monotonic()
            self.seconds += now - began
            figures = {"step": self.step, "progress": progress, "loss": loss}
            report({**figures, "tokens": self.tokens, "seconds": self.seconds})
            if now - saved > self.recipe.save_minutes * 60:
                self.save()
                saved = now
            if now - exported > self.recipe.export_minutes * 60:
                write_folder(self.model, self.tokenizer, self.out)
                exported = now
        self.save()
        write_folder(self.model, self.tokenizer, self.out)

    def save(self) -> None:
        """Writes the checkpoint beside and renames it, so that there is always a whole one."""
        import torch

        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "tokens": self.tokens,
        }
        self.work.mkdir(parents=True, exist_ok=True)
        torch.save(state, self.work / "checkpoint.partial")
        os.replace(self.work / "checkpoint.partial", self.work / "checkpoint.pt")

    def _resume(self) -> None:
        import torch

        path = self.work / "checkpoint.pt"
        if not path.is_file():
            return
        state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.tokens = state["step"], state["seconds"], state["tokens"]

    def _one_step(self, progress: float) -> float:
        import torch

        recipe = self.recipe
        rng = random.Random(f"step:{recipe.seed}:{self.step}")
        rows = fill_rows(self.mixture, self.tokenizer, recipe.rows, recipe.length, rng, progress)
        for group in self.optimizer.param_groups:
            group["lr"] = SIZES[recipe.size].learning_rate * rate(progress, recipe.warmup)
        # bfloat16 only where the hardware has it: on a CPU without it, it is thirty times slower than float32.
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            loss = weighted_loss(self.model, rows, self.device)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += recipe.rows * recipe.length
        return float(loss.detach())


def rate(progress: float, warmup: float) -> float:
    """Share of the full learning rate: a straight rise, then half a cosine down to 2 %."""
    if progress < warmup:
        return max(0.02, progress / warmup)
    done = (progress - warmup) / (1 - warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))


def weighted_loss(model: "LlamaForCausalLM", rows: list[Row], device: str) -> "torch.Tensor":
    """Mean cross-entropy of the learned tokens by weight. The big last layer runs only where something is learned."""
    import torch

    ids = torch.tensor([row.ids for row in rows], device=device)
    positions = torch.tensor([row.positions for row in rows], device=device)
    targets = torch.tensor([row.targets for row in rows], device=device)[:, 1:]
    weights = torch.tensor([row.weights for row in rows], device=device)[:, 1:]
    hidden = model.model(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state[:, :-1]
    learned = targets != IGNORED
    scores = model.lm_head(hidden[learned]).float()
    losses = torch.nn.functional.cross_entropy(scores, targets[learned], reduction="none")
    return (losses * weights[learned]).sum() / weights[learned].sum()


def _device(wanted: str) -> str:
    import torch

    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"
