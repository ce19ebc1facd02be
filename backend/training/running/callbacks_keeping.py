"""What a run keeps while it trains: its newest whole checkpoint, the best adapter by the dev loss, and its patience."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, TrainerCallback

from backend.errors import StorageProblem
from backend.jobs.progress import Progress
from backend.training.running.arguments import DEV_LOSS
from backend.training.running.best import Best, BestKept, memorised_at
from backend.training.running.checkpoints import keep_only, newest, seal, waited
from backend.training.running.faults import NotSaved


class Patience(EarlyStoppingCallback):
    """transformers' own, which counts on where a checkpoint left off: a resumed run ends where a whole one does.

    The trainer restores callbacks only by putting them behind all others, where the end would be told too late.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step:
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            self.early_stopping_patience_counter = waited(checkpoint)


class Keeping(TrainerCallback):
    """`write` fills a folder with the adapter as it is now."""

    def __init__(self, checkpoints: Path, best: BestKept, write: Callable[[Path], object], progress: Progress) -> None:
        self._checkpoints, self._best, self._write, self._progress = checkpoints, best, write, progress

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Raises NotSaved. What was there before training is nobody's best."""
        loss = kwargs["metrics"].get(DEV_LOSS)
        if state.global_step == 0 or loss is None or not state.is_world_process_zero:
            return
        known = self._best.read()
        if loss == loss and (known is None or loss < known.loss):
            known = Best(step=state.global_step, loss=loss)
            try:
                self._best.keep(known, self._write)
            except Exception as fault:  # told as it is, with what could not be written
                raise NotSaved(state.global_step, self._best.folder) from fault
        told = {} if known is None else {"best_step": known.step, "best_loss": known.loss}
        self._progress.result(**told, memorised_at=memorised_at(evaluations(state)))

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Raises NotSaved; the checkpoint before stays until this one is whole."""
        wait_for_all()
        if not state.is_world_process_zero:
            return
        checkpoint = self._checkpoints / f"checkpoint-{state.global_step}"
        try:
            seal(checkpoint)
        except StorageProblem as fault:
            raise NotSaved(state.global_step, checkpoint) from fault
        keep_only(self._checkpoints, newest(self._checkpoints))


def evaluations(state: Any) -> list[tuple[int, float]]:
    """(step, dev loss) of the trained model so far."""
    return [(told["step"], told[DEV_LOSS]) for told in state.log_history if DEV_LOSS in told and told["step"] > 0]


def wait_for_all() -> None:
    """Until every process that trains with this one has written its part."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
