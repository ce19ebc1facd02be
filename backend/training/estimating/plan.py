"""What a run would do, told before Start: the card of the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import ref

from backend.models.memory import machine
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.estimating.disk import free_bytes
from backend.training.estimating.earlier import earlier_run
from backend.training.estimating.estimate import Estimate, estimate
from backend.training.estimating.facts import ModelFacts, RowFacts, model_facts
from backend.training.estimating.measured import Measured, kept, key_for
from backend.training.estimating.presets import preset
from backend.training.methods.engines import planned
from backend.training.values import Problem

if TYPE_CHECKING:
    from backend.models.host import ModelHost

DATA: Final = frozenset(
    {"assistant", "objective", "limit", "tag", "documents", "max_length", "seed", "method", "num_virtual_tokens"}
)
"""Fields of a config on which its rows depend; virtual tokens take room in the context."""
UPLOADED: Final = "training"
"""Where a project keeps texts that were handed in for training, in its uploads/."""


@dataclass(frozen=True)
class TrainingPlan:
    """Numbers of the card.

    examples, dev        rows that are trained on, and that it is watched by
    tokens, loss_tokens  of one pass over the training rows: all, and those that count
    steps                of the whole run, if nothing stops it early
    waste                the share of padding, 0..1
    saved_where          the folders in which the run and the adapter will lie
    problems             what is wrong with the data, worst first
    engine, engine_reason, engine_details  which library trains, and why (a key of the words files)
    rows, model, probe   what all of it was worked out from; `probe` is None until one was made of this config
    """

    config: TrainingConfig
    examples: int
    dev: int
    tokens: int
    loss_tokens: int
    steps: int
    waste: float
    estimate: Estimate
    saved_where: tuple[Path, ...]
    problems: tuple[Problem, ...]
    engine: str
    engine_reason: str
    engine_details: Mapping[str, object]
    rows: RowFacts
    model: ModelFacts
    probe: Measured | None = None


@dataclass(frozen=True)
class DataFacts:
    """What is known of a config's rows, without the rows."""

    rows: RowFacts
    problems: tuple[Problem, ...] = field(default=())


def plan(
    project: Project, host: ModelHost, config: TrainingConfig, documents: Sequence[Path] | None = None
) -> TrainingPlan:
    """`documents` are the files of `config.documents`; None: those of the project's uploads.

    Raises NotFound or ModelProblem (the model is not there, or damaged), BadInput (a document that is no text); what is
    wrong with examples is in `problems`.
    """
    named = config.assistant.model
    folder = host.where(named)
    model, data = model_facts(folder, named.label()), facts_of(project, folder, config, documents)
    rows, here = data.rows, machine()
    choice = planned(config, _home(project))
    probe = kept(project, key_for(config, folder, rows.lengths, choice.engine))
    earlier = None if probe else earlier_run(project, config, rows, choice.engine)
    told = estimate(config, rows, model, here, probe, earlier, free_bytes(project.runs_folder))
    return TrainingPlan(
        config=config,
        examples=len(rows.lengths),
        dev=len(rows.dev_lengths),
        tokens=rows.tokens,
        loss_tokens=rows.loss_tokens,
        steps=told.steps,
        waste=told.waste,
        estimate=told,
        saved_where=(project.runs_folder, project.files / "adapters"),
        problems=data.problems,
        engine=choice.engine,
        engine_reason=choice.reason,
        engine_details=choice.details,
        rows=rows,
        model=model,
        probe=probe,
    )


def prefilled(
    project: Project, host: ModelHost, config: TrainingConfig, documents: Sequence[Path] | None = None
) -> TrainingConfig:
    """The config with the numbers of its effort, from the data, the model and the machine. Raises as plan."""
    folder = host.where(config.assistant.model)
    data, model = facts_of(project, folder, config, documents), model_facts(folder)
    return preset(config.effort, project.examples.task(), data.rows, machine(), config, model)


def facts_of(
    project: Project, base_folder: Path, config: TrainingConfig, documents: Sequence[Path] | None = None
) -> DataFacts:
    """Lengths of the rows and what is wrong with them; worked out once for each state of the examples."""
    files = tuple(documents) if documents is not None else _uploaded(project, config)
    alone = TrainingConfig.model_validate(config.model_dump(include=set(DATA)))
    return _facts(ref(project), base_folder, alone, files, _stamp(project, base_folder, files))


@lru_cache(maxsize=16)
def _facts(
    opened: ref[Project], base_folder: Path, config: TrainingConfig, documents: tuple[Path, ...], stamp: object
) -> DataFacts:
    """`stamp` changes with everything that is read here. A project is not kept open for what is remembered of it."""
    from backend.models.tokenizing import Tokenizing
    from backend.training.rows.checking import check_data
    from backend.training.rows.making import make_rows

    project = opened()
    assert project is not None  # whoever asks holds it
    rows = make_rows(project, config, Tokenizing.open(base_folder), documents)
    return DataFacts(RowFacts.of(rows), check_data(project, config, rows))


def _stamp(project: Project, base_folder: Path, documents: Sequence[Path]) -> tuple[object, ...]:
    """What the examples, the task and the tokenizer are now: the number of the last edit counts every change."""
    store = project.examples
    newest = next(iter(store.edits(1)), None)
    files = [base_folder / "tokenizer.json", base_folder / "tokenizer_config.json", *documents]
    times = tuple(file.stat().st_mtime_ns for file in files if file.exists())
    return (newest, store.counts(), store.task(), times)


def _home(project: Project) -> Path:
    """<home>/projects/<owner>/<project>: see Projects."""
    return project.folder.parents[2]


def _uploaded(project: Project, config: TrainingConfig) -> tuple[Path, ...]:
    places = (project.uploads / UPLOADED / Path(name).name for name in config.documents)
    return tuple(place for place in places if place.is_file())
