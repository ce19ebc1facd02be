"""An attempt as one of several processes makes it. Only those import this."""

from __future__ import annotations

from typing import Any

import torch
from torch import distributed

from backend.training.running.attempt import Attempt
from backend.training.running.callbacks import Telling


class TellingForAll(Telling):
    """The pace of all processes together: tokens are summed after every step."""

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.trainer.tokens_seen = self._seen + summed(self.trainer.tokens_seen - self._seen)
        super().on_step_end(args, state, control, **more)


class Together(Attempt):
    """One process's part in an attempt."""

    def _telling(self) -> Telling:
        from backend.models.presence import Threads

        return TellingForAll(self.progress, self.meters, self.finish, Threads(self.job.settings.home))


def summed(count: int) -> int:
    """Over all processes."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return count
    told = torch.tensor([count], device="cuda" if distributed.get_backend() == "nccl" else "cpu")
    distributed.all_reduce(told)
    return int(told.item())
