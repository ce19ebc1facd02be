"""The probe: a few real steps of a config in a worker, so that memory and time are told from what was measured.

It runs what a run runs (rows, building, trainer, answers, a checkpoint) for some seconds and leaves no adapter.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backend.errors import Refused
from backend.evaluation.work import opened
from backend.files import write_atomic
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.jobs.turn import take_accelerator
from backend.training.config import TrainingConfig
from backend.training.estimating.measured import Measured, keep, key_for
from backend.training.estimating.quiet import Stopwatch
from backend.training.methods.engines import planned
from backend.training.methods.refusals import check

if TYPE_CHECKING:
    from backend.training.running.attempt import Attempt
    from backend.training.values import Built, Rows

STARTED: Final = 0.5
"""Seconds that a worker takes until its work begins."""


def start_probe(runs: Runs, config: TrainingConfig, title: str = "", files: Mapping[str, Path] | None = None) -> Run:
    """Measure a config as a run of some seconds; from then on `plan` knows it. `files` as for a training run.

    Raises BadInput (see `refusals`), StorageProblem; what else is wrong ends the run with the sentence that a training
    run would end with.
    """
    check(config)
    return runs.submit("training_probe", config.model_dump(mode="json"), title, files or {})


def work(job: Job, progress: Progress) -> None:
    """Writes output/probe.json and keeps it in the project. Raises Stopped, and StudioError as a run would."""
    loading = Stopwatch()
    from backend.training.running.work import chosen, config_of

    config = config_of(job)
    progress.message("estimate.message.preparing")
    with opened(job) as (project, host):
        host.where(config.assistant.model)
        choice = chosen(job, config)
        from backend.training.rows.loading import rows_of
        from backend.training.running.attempt import Attempt
        from backend.training.running.work import built_by

        take_accelerator(host, "training", progress)
        attempt = Attempt(job, progress, config, project, host)
        rows = rows_of(attempt)
        building = Stopwatch()
        built = built_by(attempt, choice, rows)
        build_s = building.lap()
        progress.message("estimate.message.probing")
        measured = _measured(attempt, built, rows, loading).model_copy(update={"build_s": build_s})
        progress.check_stop()
        _keep(attempt, rows, measured)


def _measured(attempt: Attempt, built: Built, rows: Rows, loading: Stopwatch) -> Measured:
    from backend.training.estimating.probing import probe
    from backend.training.running.work import writer

    ask = _asking(attempt, built)
    measured = probe(attempt.config, built, rows, attempt.job.checkpoints, loading, ask, attempt.progress.stop_event)
    watch, folder = Stopwatch(), attempt.job.output / "adapter-probe"
    writer(attempt, built)(folder)
    write_s, size = watch.lap(), sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    shutil.rmtree(folder, ignore_errors=True)
    return measured.model_copy(update={"write_s": write_s, "adapter_bytes": size})


def _asking(attempt: Attempt, built: Built) -> Callable[[], float]:
    """What asks the dev examples as the run does before its first step, and tells how long a round of it takes."""
    from backend.training.estimating.probing import ask_all
    from backend.training.running.callbacks_answers import answering
    from backend.training.running.sampling_answers import Asked, asked_as

    try:
        dev = list(attempt.project.examples.each("dev", "tune"))
    except Refused:  # documents need no splits
        dev = []
    config, task = attempt.config, attempt.project.examples.task()
    most = min(len(dev), max(config.metric_examples if task is not None else 0, config.sample_inputs))

    def ask(count: int) -> None:
        few = config.model_copy(update={"metric_examples": count, "sample_inputs": min(count, config.sample_inputs)})
        asked = Asked(few, task, dev, built.tokenizer)
        with answering(built) as host:
            asked.ask(host, asked_as(config), attempt.progress.stop_event, metric=True)

    return lambda: ask_all(ask, most)


def _keep(attempt: Attempt, rows: Rows, measured: Measured) -> None:
    write_atomic(attempt.job.output / "probe.json", measured.model_dump_json(indent=2))
    engine = planned(attempt.config, attempt.job.settings.home).engine
    keep(attempt.project, key_for(attempt.config, attempt.base_folder, rows.lengths, engine), measured)
    # The rows are made anew by the run, from the examples as they are then.
    shutil.rmtree(attempt.job.folder / "data", ignore_errors=True)
    attempt.progress.result(peak_bytes=measured.peak_bytes, waiting=measured.waiting)
