"""What a run leaves at its end: the best adapter kept in the project, measured by answering with it as people will."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from backend.assistants import AdapterRef
from backend.errors import StorageProblem, StudioError
from backend.files import storing
from backend.training.rows import seen
from backend.training.running.attempt import Attempt
from backend.training.running.best import FINISHED, yielded
from backend.training.running.callbacks_answers import tell
from backend.training.running.checkpoints import keep_only, sync
from backend.training.running.sampling_answers import Asked
from backend.training.telling.outcome import trained

Write = Callable[[Path], object]


def yield_adapter(attempt: Attempt, write: Write | None) -> AdapterRef:
    """Put the finished adapter into the project and into output/adapter, and let the checkpoints go.

    The best by the dev loss; where nothing was evaluated, what `write` writes. After a kill at any moment, asked again
    it ends the same. Raises StorageProblem, ModelProblem.
    """
    attempt.progress.message("run.message.training_keeping")
    best = attempt.best.read()
    source = attempt.job.output / FINISHED if yielded(attempt.job.output) else attempt.best.folder
    if best is None and not yielded(attempt.job.output):
        source = _last(attempt.job.output, write)
    ref = attempt.host.adapters.keep(attempt.project, source)
    seen.keep(attempt.project, attempt.job.folder / "data", ref, attempt.config.assistant.adapter)
    facts: dict[str, object] = {"adapter": ref.id, "method": ref.method}
    if best is not None:
        facts |= {"best_step": best.step, "best_loss": best.loss}
    elif source.name != FINISHED and "best_step" in attempt.progress.state().result:
        facts |= {"best_step": None, "best_loss": None, "memorised_at": None}  # it was damaged, and is not what is kept
    attempt.progress.result(**facts)
    attempt.progress.set()  # on the disk before anything that it stands on is let go
    if source.name != FINISHED:
        with storing(source):
            # As it is, with its facts: a folder without them would be nobody's best if a kill came before the rename.
            source.rename(attempt.job.output / FINISHED)
    keep_only(attempt.job.checkpoints, None)
    return ref


def _last(output: Path, write: Write | None) -> Path:
    """The adapter as it is now, in a folder. Raises StorageProblem."""
    if write is None:
        raise StorageProblem("error.training_nothing_kept")
    folder = output / f"{FINISHED}-last"
    shutil.rmtree(folder, ignore_errors=True)
    with storing(folder):
        write(folder)
        sync(folder)
    return folder


def measure(attempt: Attempt, ref: AdapterRef, asked: Asked, step: int) -> None:
    """Ask the dev examples once more, of the kept adapter loaded as it will be, and tell the answers of `step`.

    A model that cannot be loaded now (the base was deleted meanwhile, no memory), or a stop, leaves the run finished
    without it; the person is told by the missing figure, the reason stands in the log.
    """
    progress = attempt.progress
    progress.message("run.message.training_after")
    # Whoever ends a run with its best has asked it to stop already, and wants the figure all the same.
    stop = threading.Event() if attempt.finish.exists() else progress.stop_event
    try:
        answered = asked.ask(attempt.host, trained(attempt.config, ref), stop, metric=True)
    except StudioError as fault:
        print(f"the finished adapter could not be asked: {fault}", flush=True)
        return
    if answered is None:
        return
    tell(answered, step, attempt.job.output, progress)
    if answered.metric is not None:
        progress.result(metric_after=answered.metric, metric_name=asked.metric, metric_n=asked.count)
