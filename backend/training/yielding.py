"""What a run leaves at its end: the best adapter kept in the project, measured by answering with it as people will."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from backend.assistants import AdapterRef
from backend.errors import StorageProblem, StudioError
from backend.files import storing
from backend.jobs.progress import Stopped
from backend.training.attempt import Attempt
from backend.training.best import FACTS, Best
from backend.training.callbacks_answers import tell
from backend.training.checkpoints import keep_only
from backend.training.outcome import trained
from backend.training.sampling_answers import Asked

FINISHED: Final = "adapter"


def yield_adapter(attempt: Attempt, best: Best | None, write: Callable[[Path], object] | None) -> AdapterRef:
    """Put the finished adapter into output/adapter and into the project, and let the checkpoints go.

    The best by the dev loss; where nothing was evaluated, what `write` writes. Asked again after a kill it ends the
    same. Raises StorageProblem, ModelProblem.
    """
    attempt.progress.message("run.message.training_keeping")
    finished = attempt.job.output / FINISHED
    source = attempt.best.folder if best is not None else attempt.job.output / f"{FINISHED}.last"
    if best is None and write is not None:
        shutil.rmtree(source, ignore_errors=True)
        with storing(source):
            write(source)
    if not source.is_dir():
        raise StorageProblem("error.training_nothing_kept")
    ref = attempt.host.adapters.keep(attempt.project, source)
    shutil.rmtree(finished, ignore_errors=True)
    with storing(finished):
        (source / FACTS).unlink(missing_ok=True)
        source.rename(finished)
    keep_only(attempt.job.checkpoints, None)
    return ref


def measure(attempt: Attempt, ref: AdapterRef, asked: Asked, step: int) -> None:
    """Ask the dev examples once more, of the kept adapter loaded as it will be, and tell the answers of `step`.

    A model that cannot be loaded now (the base was deleted meanwhile, no memory) leaves the run finished without it;
    the person is told by the missing figure and by the log. Raises Stopped.
    """
    progress = attempt.progress
    progress.message("run.message.training_after")
    try:
        answered = asked.ask(attempt.host, trained(attempt.config, ref), progress.stop_event, metric=True)
    except StudioError as fault:
        print(f"the finished adapter could not be asked: {fault}", flush=True)
        return
    if answered is None:
        raise Stopped
    tell(answered, step, attempt.job.output, progress)
    if answered.metric is not None:
        progress.result(metric_after=answered.metric, metric_name=asked.metric)
