"""A model card for what a run made: for whom and what, measured how, trained on what, with which limits.

The sections are those of Mitchell et al. 2019, "Model cards for model reporting", in the form that model hubs read.
Figures are those that were measured on the locked test split; without any the card says that there are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from backend.errors import StudioError
from backend.evaluation.comparison import Comparison, compare
from backend.evaluation.identity import Where
from backend.evaluation.report import Tell, libraries
from backend.examples.task import Task
from backend.files import write_atomic
from backend.jobs.run import Run
from backend.models.memory import readable
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.settings import ASSETS
from backend.training.config import TrainingConfig
from backend.training.methods import METHODS

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
FEW: Final = 100
"""Test examples below which the card warns that the interval is wide."""


def write_card(path: Path, project: Project, run: Run, tell: Tell, language: str, where: Where) -> Path:
    """Write the model card of a finished run in one language.

    tell  makes a sentence of a words key and its details; where  the folder of a model. Raises StorageProblem.
    """
    from huggingface_hub import ModelCardData
    from jinja2 import Environment, StrictUndefined

    config = TrainingConfig.model_validate(run.config)
    data = ModelCardData(
        language=["ko", "en"],
        license=licence(config, where),
        library_name="peft" if config.method != "full" else "transformers",
        base_model=config.assistant.model.label(),
        tags=["matchum", config.method],
    )
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    told = lambda key, **details: tell(key, details)  # noqa: E731  the template's own `t`
    page = environment.from_string(TEMPLATE.read_text("utf-8")).render(
        t=told, card_data=data.to_yaml(), **_contents(project, run, config, tell, data.license)
    )
    write_atomic(path, page)
    return path


def licence(config: TrainingConfig, where: Where) -> str:
    """The base model's licence, as its own card tells it; what is trained from it is bound by it too."""
    from huggingface_hub import ModelCard

    try:
        told = ModelCard.load(where(config.assistant.model) / "README.md", ignore_metadata_errors=True).data.license
    except (StudioError, OSError, ValueError):
        return UNKNOWN
    return str(told or UNKNOWN)


def _contents(project: Project, run: Run, config: TrainingConfig, tell: Tell, terms: Any) -> dict[str, Any]:
    task = project.examples.task()
    found, said = measured(project, run), config.assistant.instructions
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
        "limits": list(_limits(task, found, config, str(terms), tell)),
    }


def measured(project: Project, run: Run) -> Comparison | None:
    """The assistants that carry this run's adapter and their parents on the test split; None when never measured."""
    made = str(run.result.get("adapter", ""))
    own = [one for one in project.assistants.list() if one.assistant.adapter and one.assistant.adapter.id == made]
    parents = {one.parent_id for one in own if one.parent_id is not None}
    wanted = [*(one.id for one in _there(project, parents)), *(one.id for one in own)]
    if not made or not own:
        return None
    try:
        found = compare(project, wanted, "test")
    except StudioError:
        return None
    return found if found.n else None


def _there(project: Project, ids: set[int]) -> Iterator[SavedAssistant]:
    """Parents that were not deleted meanwhile."""
    return (one for one in project.assistants.list() if one.id in ids)


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
    counts = project.examples.counts()
    yield tell("takeaway.card.split_train", {}), f"{counts.train:,}"
    yield tell("takeaway.card.split_dev", {}), f"{counts.dev:,}"
    yield tell("takeaway.card.split_test", {}), f"{counts.test:,}"
    origins = project.examples.origins()
    if origins:
        yield tell("takeaway.card.origins", {}), _cell(", ".join(origins[:10]))
    if "tokens" in run.result:
        yield tell("takeaway.card.tokens", {}), f"{int(run.result['tokens']):,}"


def _training(run: Run, config: TrainingConfig, tell: Tell) -> Iterator[tuple[str, object]]:
    facts: Mapping[str, Any] = run.result
    yield tell("takeaway.card.objective", {}), config.objective
    for name in (*METHODS[config.method].fields, *TOLD):
        value = getattr(config, name)
        yield name, ", ".join(value) if isinstance(value, tuple) else value
    for name in ("steps", "best_step"):
        if name in facts:
            yield tell(f"takeaway.card.{name}", {}), facts[name]
    if "trainable" in facts and "total" in facts:
        yield tell("takeaway.card.trainable", {}), f"{facts['trainable']:,} / {facts['total']:,}"
    if "seconds" in facts:
        yield tell("takeaway.card.seconds", {}), f"{float(facts['seconds']):,.0f}"
    if facts.get("peak_bytes"):
        yield tell("takeaway.card.memory", {}), readable(int(facts["peak_bytes"]))
    if facts.get("joules"):
        yield tell("takeaway.card.energy", {}), f"{float(facts['joules']) / 3600:,.2f} Wh"
    yield tell("takeaway.card.libraries", {}), ", ".join(_versions())


def _versions() -> Sequence[str]:
    return [f"{name} {number}" for name, number in libraries(MAKERS).items()]


def _limits(
    task: Task | None, found: Comparison | None, config: TrainingConfig, terms: str, tell: Tell
) -> Iterator[str]:
    yield tell("takeaway.card.limit_licence", {"licence": terms, "base": config.assistant.model.label()})
    if terms == UNKNOWN:
        yield tell("takeaway.card.limit_licence_unknown", {})
    if found is None:
        yield tell("takeaway.card.limit_not_measured", {})
    elif found.n < FEW:
        yield tell("takeaway.card.limit_few", {"n": found.n})
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
