"""A model card for what a run made: for whom and what, measured how, trained on what, with which limits.

The sections are those of Mitchell et al. 2019, "Model cards for model reporting", in the form that model hubs read.
Figures are those that were measured on the locked test split; without any the card says that there are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from backend.errors import StorageProblem, StudioError
from backend.evaluation.comparison import Comparison, compare
from backend.evaluation.identity import Where
from backend.evaluation.report import Tell, libraries
from backend.evaluation.run import LIMIT
from backend.examples.task import Task
from backend.files import write_atomic
from backend.jobs.run import Run
from backend.models.memory import readable
from backend.projects.folder import Project
from backend.settings import ASSETS
from backend.training.config import TrainingConfig
from backend.training.methods.catalog import METHODS
from backend.training.rows import snapshot
from backend.training.rows.seen import seen_in_test
from backend.training.telling.outcome import adapter_of, number, saved_from

TEMPLATE: Final = ASSETS / "takeaway" / "model_card.md.j2"
UNKNOWN: Final = "unknown"
TOLD: Final = (
    "learning_rate",
    "num_train_epochs",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "seed",
)
MAKERS: Final = ("torch", "transformers", "peft", "trl", "bitsandbytes", "unsloth")
MEASURED: Final = ("trainable", "total", "seconds", "peak_bytes", "joules")
FEW: Final = 100
"""Test examples below which the card warns that the interval is wide."""


def write_card(path: Path, project: Project, run: Run, tell: Tell, language: str, where: Where) -> Path:
    """Write the model card of a finished run in one language.

    tell  makes a sentence of a words key and its details; where  the folder of a model. Raises StorageProblem.
    """
    from huggingface_hub import ModelCardData
    from jinja2 import Environment, StrictUndefined

    config = TrainingConfig.model_validate(run.config)
    base = base_card(config, where)
    data = ModelCardData(
        language=base.language,
        license=str(base.license or UNKNOWN),
        library_name="peft" if METHODS[config.method].peft else "transformers",
        base_model=config.assistant.model.label(),
        tags=["matchum", config.method],
    )
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    told = lambda key, **details: tell(key, details)  # noqa: E731  the template's own `t`
    page = environment.from_string(TEMPLATE.read_text("utf-8")).render(
        t=told, card_data=data.to_yaml(), **_contents(project, run, config, tell, where, str(data.license))
    )
    write_atomic(path, page)
    return path


def base_card(config: TrainingConfig, where: Where) -> Any:
    """What the base model's own card says; its licence binds what is trained from it, too. Empty without a card."""
    from huggingface_hub import ModelCard, ModelCardData

    try:
        return ModelCard.load(where(config.assistant.model) / "README.md", ignore_metadata_errors=True).data
    except (StudioError, OSError, ValueError):
        return ModelCardData()


def _contents(
    project: Project, run: Run, config: TrainingConfig, tell: Tell, where: Where, terms: str
) -> dict[str, Any]:
    task = project.examples.task()
    found, said = measured(project, run, where), config.assistant.instructions
    method = tell(f"methods.name.{config.method}", {})
    if config.quantization:
        method += f" · {config.quantization}"
    return {
        "title": run.title or config.assistant.name or config.assistant.model.label(),
        "base": config.assistant.model.label(),
        "method_name": method,
        "good": task.good if task else "",
        "task_kind": task.kind if task else None,
        "labels": ", ".join(task.labels[:40]) if task else "",
        "prompt": "\n\n".join(filter(None, (said.system, said.template))),
        **_figures(found, tell),
        "data": list(_data(project, run, tell)),
        "training": list(_training(run, config, tell)),
        "limits": list(_limits(project, task, found, config, terms, tell)),
    }


def measured(project: Project, run: Run, where: Where) -> Comparison | None:
    """The newest version on this run's adapter beside what it was made from, on the test split, as the page compares
    them; None when they were never measured together."""
    adapter = adapter_of(run)
    own = saved_from(project, adapter.id) if adapter else ()
    if not own:
        return None
    pair = [one for one in (own[0].parent_id, own[0].id) if one is not None]
    try:
        found = compare(project, pair, "test", limit=LIMIT, where=where)
    except StudioError:  # the parent was deleted, or the task has changed since
        return None
    return found if found.n else None


def _figures(found: Comparison | None, tell: Tell) -> dict[str, Any]:
    if found is None:
        return {"scores": [], "verdicts": [], "n": 0, "metric_name": ""}
    rows = found.rows[: len(found.scores)]
    return {
        "n": found.n,
        "metric_name": tell(f"metrics.name.{found.metric}", {}),
        "scores": [
            {
                "name": _cell(row.name),
                "value": _hundred(row.score.value),
                "low": _hundred(row.score.interval.low),
                "high": _hundred(row.score.interval.high),
                "n": row.score.n,
            }
            for row in rows
            if row.score is not None
        ],
        "verdicts": [tell(verdict.key, verdict.details) for verdict in found.pairs.values()],
    }


def _data(project: Project, run: Run, tell: Tell) -> Iterator[tuple[str, object]]:
    """Of what the run trained on, which later imports and splits do not change."""
    try:
        counts = snapshot.counts(run.folder / "data")
    except StorageProblem:  # a run from elsewhere comes without its data
        counts = {}
    for split in ("train", "dev"):
        if split in counts:
            yield tell(f"takeaway.card.split_{split}", {}), f"{counts[split]:,}"
    origins = project.examples.origins()
    if origins:
        yield tell("takeaway.card.origins", {}), _cell(", ".join(origins[:10]))
    tokens = number(run, "tokens")
    if tokens is not None:
        yield tell("takeaway.card.tokens", {}), f"{tokens:,.0f}"


def _training(run: Run, config: TrainingConfig, tell: Tell) -> Iterator[tuple[str, object]]:
    yield tell("takeaway.card.objective", {}), tell(f"train.objective_{config.objective}", {})
    for name in (*METHODS[config.method].fields, *TOLD):
        value = getattr(config, name)
        yield name, ", ".join(value) if isinstance(value, tuple) else value
    for name in ("steps", "best_step"):
        if (steps := number(run, name)) is not None:
            yield tell(f"takeaway.card.{name}", {}), f"{steps:,.0f}"
    trainable, total, seconds, peak, joules = (number(run, name) for name in MEASURED)
    if trainable and total:
        yield tell("takeaway.card.trainable", {}), f"{trainable:,.0f} / {total:,.0f}"
    if seconds:
        yield tell("takeaway.card.seconds", {}), f"{seconds:,.0f}"
    if peak:
        yield tell("takeaway.card.memory", {}), readable(int(peak))
    if joules:
        yield tell("takeaway.card.energy", {}), f"{joules / 3600:,.2f} Wh"
    yield tell("takeaway.card.libraries", {}), ", ".join(_versions())


def _versions() -> Sequence[str]:
    return [f"{name} {number}" for name, number in libraries(MAKERS).items()]


def _limits(
    project: Project, task: Task | None, found: Comparison | None, config: TrainingConfig, terms: str, tell: Tell
) -> Iterator[str]:
    yield tell("takeaway.card.limit_licence", {"licence": terms, "base": config.assistant.model.label()})
    if terms == UNKNOWN:
        yield tell("takeaway.card.limit_licence_unknown", {})
    if found is None:
        yield tell("takeaway.card.limit_not_measured", {})
    elif found.n < FEW:
        yield tell("takeaway.card.limit_few", {"n": found.n})
    if found is not None and (seen := seen_in_test(project, found.rows[-1].saved.assistant)):
        yield tell("takeaway.card.limit_seen", {"count": seen})
    if config.assistant.model.kind == "starter":
        yield tell("takeaway.card.limit_practice", {})
    if task is not None and task.labelled:
        yield tell("takeaway.card.limit_labels", {})
    yield tell("takeaway.card.limit_memory", {})


def _hundred(value: float) -> str:
    return f"{value * 100:.1f}"


def _cell(text: str) -> str:
    """A person's text in a table of Markdown."""
    return " ".join(text.replace("|", "\\|").split())
