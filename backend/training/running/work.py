"""The work of a training run: what earlier attempts left, the steps that remain, and what is kept of it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from backend.errors import StorageProblem, StudioError
from backend.evaluation.work import opened
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress, Stopped
from backend.jobs.turn import take_accelerator
from backend.training.config import TrainingConfig
from backend.training.estimating.measured import here
from backend.training.running.best import BestKept, yielded
from backend.training.start import FINISH

if TYPE_CHECKING:
    from backend.training.methods.engines import Choice
    from backend.training.running.attempt import Attempt
    from backend.training.running.sampling_answers import Asked
    from backend.training.values import Built, Rows


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped after a checkpoint, and StudioError for what has a sentence; after both it can be resumed."""
    config = config_of(job)
    progress.message("run.message.training_preparing")
    with opened(job) as (project, host):
        if not finishing(job, progress):
            host.where(config.assistant.model)  # a model that is gone is told before anything heavy is imported
        choice = chosen(job, config)
        from backend.training.running.attempt import Attempt

        take_accelerator(host, "training", progress)
        attempt = Attempt(job, progress, config, project, host)
        attempt.go_on()
        told = {"engine_reason": choice.reason, "engine_details": dict(choice.details), **here()}
        progress.result(engine=choice.engine, **told)
        run(attempt, choice)


def finishing(job: Job, progress: Progress) -> bool:
    """Whether nothing is trained any more: the person wants the best there is, or a kill came after the end."""
    over = (job.folder / FINISH).exists() or progress.state().result.get("stopped_early") is True
    return yielded(job.output) or (over and BestKept(job.output).read() is not None)


def config_of(job: Job) -> TrainingConfig:
    """Raises StorageProblem("error.training_config") for a newer studio's, or one that was tampered with."""
    try:
        return TrainingConfig.model_validate(job.config)
    except ValidationError as fault:
        raise StorageProblem("error.training_config", title=job.folder.name) from fault


def chosen(job: Job, config: TrainingConfig) -> Choice:
    """The engine; Unsloth is imported here, since it has to come before transformers. Raises StorageProblem."""
    from backend.models.device import best_device
    from backend.training.methods.engines import begin

    return begin(job, config, best_device().type)


def run(attempt: Attempt, choice: Choice) -> None:
    """Train unless the person wants what there is; then keep the best."""
    from backend.training.rows.loading import rows_of

    if finishing(attempt.job, attempt.progress):
        if "stopped_early" not in attempt.progress.state().result:
            attempt.progress.result(stopped_early=False)
        end(attempt, _asked_of_the_end(attempt), None)
        return
    rows = rows_of(attempt)
    if attempt.config.processes > 1:
        from backend.training.running.parallel import launch

        attempt.base()
        write = launch(attempt.job, attempt.progress, attempt.config)
        end(attempt, _asked_of_the_end(attempt), write)
        return
    done, of, asked, write = steps(attempt, choice, rows)
    wanted = attempt.finish.exists()
    if done < of and attempt.progress.should_stop() and not wanted:
        raise Stopped
    attempt.progress.result(stopped_early=done < of and not wanted, steps=done)
    attempt.progress.set()
    remember(attempt, choice)
    end(attempt, asked, write)


def steps(attempt: Attempt, choice: Choice, rows: Rows) -> tuple[int, int, Asked, Any]:
    """Do those that are left: (done, of, what the model was asked, what writes its adapter)."""
    built = built_by(attempt, choice, rows)
    asked = _asked(attempt, built.tokenizer)
    write = writer(attempt, built)
    return *attempt.train(built, rows, _callbacks(attempt, built, rows, asked, write)), asked, write


def remember(attempt: Attempt, choice: Choice) -> None:
    """How fast this engine was here, for the next choice; a run that was over at once says nothing about it.

    Where it cannot be written, the run is finished all the same.
    """
    from backend.models.device import best_device
    from backend.training.methods.speeds import LEAST_S, keep

    facts = attempt.progress.state().result
    if facts.get("tokens_per_s") and (facts.get("seconds") or 0) >= LEAST_S:
        home, device = attempt.job.settings.home, best_device().type
        try:
            keep(home, attempt.config, device, choice.engine, float(facts["tokens_per_s"]))
        except (OSError, StorageProblem) as fault:
            print(f"the speed of this run could not be kept: {fault}", flush=True)


def end(attempt: Attempt, asked: Asked | None, write: Any) -> None:
    """Keep and measure; after it the run is done."""
    from backend.training.running.yielding import measure, yield_adapter

    steps = int(attempt.progress.state().result.get("steps") or 0)
    ref = yield_adapter(attempt, write)
    if asked is not None:
        measure(attempt, ref, asked, steps)


def built_by(attempt: Attempt, choice: Choice, rows: Rows) -> Built:
    from backend.training.methods.engines import build_of

    attempt.progress.message("run.message.loading_model")
    attempt.base()
    built = build_of(choice, attempt.job)(attempt.config, attempt.base_folder, rows.labels, attempt.adapter())
    attempt.progress.result(trainable=built.trainable, total=built.total)
    attempt.progress.check_stop()
    return built


def writer(attempt: Attempt, built: Built) -> Any:
    """What fills a folder with the adapter as it is."""
    from backend.training.methods.saving import save

    base = attempt.base()

    def write(folder: Path) -> None:
        with warnings.catch_warnings():
            # The base may have been deleted since: its vocabulary is the one that was loaded.
            warnings.filterwarnings("ignore", "Could not find a config file")
            save(built, attempt.config, folder, base, attempt.job.folder.name)

    return write


def _asked_of_the_end(attempt: Attempt) -> Asked | None:
    """Without a model in memory; None when it was deleted meanwhile: what was learned is kept all the same."""
    from backend.models.tokenizing import open_tokenizer

    try:
        return _asked(attempt, open_tokenizer(attempt.base_folder))
    except StudioError as fault:
        print(f"the finished adapter cannot be asked: {fault}", flush=True)
        return None


def _asked(attempt: Attempt, tokenizer: Any) -> Asked:
    from backend.errors import Refused
    from backend.training.running.sampling_answers import Asked

    store = attempt.project.examples
    try:
        dev = list(store.each("dev", "tune"))
    except Refused:  # documents need no splits
        dev = []
    return Asked(attempt.config, store.task(), dev, tokenizer)


def _callbacks(attempt: Attempt, built: Built, rows: Rows, asked: Asked, write: Any) -> list[Any]:
    """In this order: what ends the run early, what is kept, what is asked. Telling comes last (see Attempt.train)."""
    from backend.training.methods.optimizers import method_callbacks
    from backend.training.running.callbacks_answers import Answering
    from backend.training.running.callbacks_keeping import Keeping, Patience
    from backend.training.running.sampling_answers import asked_as

    config, job = attempt.config, attempt.job
    callbacks: list[Any] = [
        *method_callbacks(config, built.model),
        Keeping(job.checkpoints, attempt.best, write, attempt.progress),
        Answering(asked, built, asked_as(config), job.output, attempt.progress),
    ]
    if config.early_stopping_patience and rows.dev:
        callbacks.insert(0, Patience(config.early_stopping_patience))
    return callbacks
