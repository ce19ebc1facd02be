"""One attempt at a run: from the config and whatever earlier attempts left to a trainer that has done its steps.

The same in the worker of a run and in each process of several that train together. Only those import this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.errors import ModelProblem, StorageProblem
from backend.evaluation.identity import weights_identity
from backend.files import write_atomic
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.models.adapter_card import BaseCard
from backend.models.adapters import verified
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.estimating.batches import cadence_of
from backend.training.running import checkpoints
from backend.training.running.best import BestKept
from backend.training.running.callbacks import Meters, Telling
from backend.training.running.faults import NotSaved, told
from backend.training.start import FINISH
from backend.training.values import Built, Rows

BASE = "base.json"


@dataclass
class Attempt:
    """What one attempt works with. `leads` is false in all but one of several processes that train together."""

    job: Job
    progress: Progress
    config: TrainingConfig
    project: Project
    host: ModelHost
    leads: bool = True
    meters: Meters = field(default_factory=Meters)

    @property
    def finish(self) -> Path:
        return self.job.folder / FINISH

    @property
    def best(self) -> BestKept:
        return BestKept(self.job.output)

    @property
    def base_folder(self) -> Path:
        """Raises NotFound when the model is not there any more."""
        return self.host.where(self.config.assistant.model)

    def base(self) -> BaseCard:
        """The model that is trained: the same in every attempt.

        Raises NotFound, ModelProblem("error.training_base_changed", model=).
        """
        ref, folder = self.config.assistant.model, self.base_folder
        file, identity = self.job.folder / BASE, weights_identity(folder)
        try:
            known = BaseCard.model_validate_json(file.read_text("utf-8"))
        except (OSError, ValueError):
            known = base_card(ref.label(), identity, folder)
            if self.leads:
                write_atomic(file, known.model_dump_json(indent=2))
        if known.identity != identity:
            raise ModelProblem("error.training_base_changed", model=ref.label())
        return known

    def adapter(self) -> Path | None:
        """The folder of the adapter that is trained further; None when there is none. Raises NotFound, ModelProblem."""
        ref, adapters = self.config.assistant.adapter, self.host.adapters
        if ref is None:
            return None
        folder = adapters.folder_in(self.project, ref)
        adapters.check_base(verified(folder), self.base_folder, self.config.assistant.model.label())
        return folder

    def go_on(self) -> None:
        """Take up what earlier attempts counted."""
        found = self.progress.state().result
        self.meters.seconds = float(found.get("seconds") or 0.0)
        self.meters.tokens = int(found.get("tokens") or 0)
        self.meters.peak = int(found.get("peak_bytes") or 0)
        self.meters.joules = found.get("joules")

    def train(self, built: Built, rows: Rows, callbacks: list[Any] | None = None) -> tuple[int, int]:
        """Do the steps that are left; (steps done, steps of the whole run). What is left after a stop is a checkpoint.

        Nothing is trained where the person asked to finish, or where the last step was done, or patience was at its
        end, before a kill: then the model is as the newest checkpoint has it. Raises StudioError for every fault that
        has a sentence.
        """
        from backend.training.running.loop import make_trainer

        start = checkpoints.newest(self.job.checkpoints)
        if self.leads:
            checkpoints.keep_only(self.job.checkpoints, start)
        done, of = checkpoints.steps(start)
        patience = self.config.early_stopping_patience
        impatient = bool(patience and rows.dev) and checkpoints.waited(start) >= patience
        over = self.finish.exists() or (start is not None and done >= of) or impatient
        if over and start is None:
            raise StorageProblem("error.training_nothing_kept")
        telling = self._telling()
        every = [*(callbacks or ()), telling]
        folder = self.job.checkpoints
        plan = cadence_of(self.config, rows)
        telling.trainer = make_trainer(self.config, built, rows, plan, folder, every, start is not None)
        if over:
            telling.trainer._load_from_checkpoint(str(start))
            return done, of
        self._go(telling, start)
        return telling.trainer.state.global_step, telling.trainer.state.max_steps

    def _go(self, telling: Telling, start: Path | None) -> None:
        if start is not None:
            self._resumed(checkpoints.step_of(start))
        try:
            telling.trainer.train(resume_from_checkpoint=None if start is None else str(start))
        except Exception as fault:
            self._let_go(fault)
            known = told(fault, self.config, telling.losses)
            if known is None:
                raise
            raise known from fault

    def _telling(self) -> Telling:
        from backend.models.presence import Threads

        return Telling(self.progress, self.meters, self.finish, Threads(self.job.settings.home))

    def _resumed(self, step: int) -> None:
        if not self.leads:
            return
        metrics = RunFolder(self.job.folder).metrics
        mend(metrics)
        mend(self.job.output / "samples.jsonl")
        self.progress.metric(resumed=step)

    def _let_go(self, fault: Exception) -> None:
        """A half-written checkpoint makes room for what has to be told."""
        if self.leads and isinstance(fault, NotSaved):
            checkpoints.keep_only(self.job.checkpoints, checkpoints.newest(self.job.checkpoints))


def base_card(label: str, identity: str, folder: Path) -> BaseCard:
    from backend.models.loading import read_json
    from backend.models.memory import numbers

    names = read_json(folder / "config.json", folder).get("architectures")
    architecture = str(names[0]) if isinstance(names, list) and names else ""
    return BaseCard(label=label, identity=identity, architecture=architecture, numbers=numbers(folder))


def mend(lines: Path) -> None:
    """End a line that a kill cut short, so that the next one stands by itself. Raises StorageProblem."""
    try:
        with lines.open("rb+") as file:
            if file.seek(0, 2) and file.seek(-1, 2) >= 0 and file.read(1) != b"\n":
                file.write(b"\n")
    except FileNotFoundError:
        return
    except OSError as fault:
        raise StorageProblem("error.cannot_write", path=lines.name, why=fault.strerror or "?") from fault
