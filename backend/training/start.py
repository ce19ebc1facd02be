"""Starting a training run, ending it early with its best, and starting it smaller after its memory ran out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backend.errors import BadInput, Busy
from backend.files import storing, write_atomic
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.estimating.disk import check_disk
from backend.training.methods.refusals import check
from backend.training.running.lowering import what_to_lower
from backend.training.telling.outcome import config_of

if TYPE_CHECKING:
    from backend.models.host import ModelHost

FINISH: Final = "finish"
"""The file in a run's folder that asks it to end here and to keep its best."""
RESTARTED: Final = "restarted_from"
"""The file in a run's input/ that names the run it goes on for, smaller."""
LARGEST_SUM: Final = 4096
"""Of batches that are added up before a step, as the config has it."""


def start_training(
    runs: Runs,
    project: Project,
    host: ModelHost,
    config: TrainingConfig,
    title: str = "",
    files: Mapping[str, Path] | None = None,
) -> Run:
    """Look at config and data, then let a worker train. Returns at once.

    files  name -> path of the documents in `config.documents`
    Raises BadInput (what cannot be trained, see `refusals`; "error.training_no_examples", "error.training_no_task",
    "error.training_no_document"), Refused("error.no_splits"), NotFound and ModelProblem (model or adapter), Busy,
    StorageProblem.
    """
    _check(project, host, config, files or {})
    told = title or f"{config.assistant.name or config.assistant.model.label()} · {config.method}"
    return runs.submit("training", config.model_dump(mode="json"), told[:120], dict(files or {}))


def keep_best(runs: Runs, run_id: str) -> Run:
    """End a run here and keep the best of it as if it had come to its end: one under way, or one that ended early.

    Raises NotFound, Busy("error.run_finished", title=), StorageProblem.
    """
    run = runs.get(run_id)
    if not run.active and not run.resumable:
        raise Busy("error.run_finished", title=run.title)
    with storing(run.folder):
        (run.folder / FINISH).touch()
    # One that has just ended by itself cannot be resumed, and needs it no more.
    return runs.stop(run_id) if run.active else runs.resume(run_id)


def go_on(runs: Runs, run_id: str) -> Run:
    """Resume with all of its steps, also when its best was once asked for. Raises as Runs.resume."""
    run = runs.get(run_id)
    if not run.active:
        (run.folder / FINISH).unlink(missing_ok=True)
    return runs.resume(run_id)


def restart_smaller(runs: Runs, run: Run) -> Run:
    """A new run of half the batch and twice as many of them before each step, which learns the same in less memory.

    Where the batch is one row already, activations are worked out twice instead of kept. The new run's input/ holds
    the old one's id in `restarted_from`.
    Raises BadInput("error.training_config" | "error.training_smallest"), Busy (it still runs), StorageProblem.
    """
    if run.active:
        raise Busy("error.run_active", title=run.title)
    config = smaller(config_of(run))
    with tempfile.TemporaryDirectory() as place:
        note = Path(place) / RESTARTED
        write_atomic(note, run.id)
        files = {path.name: path for path in sorted((run.folder / "input").glob("*")) if path.is_file()}
        return runs.submit("training", config.model_dump(mode="json"), run.title, {**files, RESTARTED: note})


def smaller(config: TrainingConfig) -> TrainingConfig:
    """The config that needs less memory and does the same. Raises BadInput("error.training_smallest")."""
    batch, added = config.per_device_train_batch_size, config.gradient_accumulation_steps
    changed: dict[str, object] = {}
    lower = what_to_lower(config)
    if lower == "batch":
        half = batch // 2
        changed = {
            "per_device_train_batch_size": half,
            "gradient_accumulation_steps": min(LARGEST_SUM, round(added * batch / half)),
        }
    elif lower == "checkpointing":
        changed = {"gradient_checkpointing": True}
    else:
        raise BadInput("error.training_smallest")
    return TrainingConfig.model_validate({**config.model_dump(), **changed, "effort": "own"})


def restarted_from(run: Run) -> str | None:
    """The id of the run that this one goes on for with less memory."""
    try:
        return (run.folder / "input" / RESTARTED).read_text("utf-8").strip()[:60] or None
    except (OSError, UnicodeDecodeError):
        return None


def _check(project: Project, host: ModelHost, config: TrainingConfig, files: Mapping[str, Path]) -> None:
    task = project.examples.task()
    labels = task.labels if config.objective == "head" and task is not None else None
    if config.objective == "head" and labels is None:
        raise BadInput("error.training_no_task")
    check(config, labels)
    base = host.where(config.assistant.model)
    _check_model(project, host, config, base)
    check_disk(project.runs_folder, config, base)
    if config.objective == "documents":
        for name in config.documents:
            if name not in files:
                raise BadInput("error.training_no_document", name=name)
        return
    if next(iter(project.examples.each("train", "train")), None) is None:
        raise BadInput("error.training_no_examples")


def _check_model(project: Project, host: ModelHost, config: TrainingConfig, base: Path) -> None:
    """Raises ModelProblem and NotFound for a damaged model, a missing adapter, an adapter of another model."""
    from backend.models.loading import check as check_folder

    check_folder(base)
    ref = config.assistant.adapter
    if ref is None:
        return
    card = host.adapters.card(host.adapters.folder_in(project, ref))
    host.adapters.check_base(card, base, config.assistant.model.label())
    check(config, None, card)
