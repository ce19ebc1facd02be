"""What a run would do, told before Start: the card of the form."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from backend.models.memory import machine
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.estimate import Estimate, estimate
from backend.training.facts import ModelFacts, RowFacts, model_facts
from backend.training.values import Problem

if TYPE_CHECKING:
    from backend.models.host import ModelHost


@dataclass(frozen=True)
class TrainingPlan:
    """Numbers of the card.

    examples, dev        rows that are trained on, and that it is watched by
    tokens, loss_tokens  of one pass over the training rows: all, and those that count
    steps                of the whole run, if nothing stops it early
    waste                the share of padding, 0..1
    saved_where          where the run's folder and the adapter will lie
    problems             what is wrong with the data, worst first
    engine, engine_reason  which library trains, and why (a key of the words files)
    probe_key            names what a probe would measure; see backend.training.probe
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
    problems: tuple[Problem, ...] = ()
    engine: str = "trl"
    engine_reason: str = ""
    rows: RowFacts = field(default_factory=lambda: RowFacts(()))
    model: ModelFacts | None = None
    probe_key: str = ""


def plan(project: Project, host: ModelHost, config: TrainingConfig) -> TrainingPlan:
    """Raises NotFound or ModelProblem when the model is not there; what is wrong with the data is in `problems`."""
    facts = model_facts(host.where(config.assistant.model), config.assistant.model.label())
    rows = RowFacts(())
    told = estimate(config, rows, facts, machine())
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
        rows=rows,
        model=facts,
    )
