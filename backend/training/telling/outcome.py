"""From a run that ended to a new version of its assistant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from backend.assistants import AdapterRef, Assistant, Examples
from backend.errors import BadInput, Busy, NotFound
from backend.evaluation.cost import keep_making
from backend.jobs.run import Run, RunState
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.training.config import TrainingConfig

KEEP_EXAMPLES: Final = ("prompt_based", "documents")
"""Objectives after which the prompt still shows its examples: trained with them, or no answer was taught at all."""


class FindsAdapters(Protocol):
    """`backend.models.adapters.Adapters`."""

    def folder_of(self, ref: AdapterRef) -> Path:
        """Raises NotFound."""


def config_of(run: Run) -> TrainingConfig:
    """What the run was asked to do. Raises BadInput("error.training_config"): a newer studio's, or tampered with."""
    try:
        return TrainingConfig.model_validate(run.config)
    except ValueError as fault:
        raise BadInput("error.training_config", title=run.title) from fault


def adapter_of(run: Run) -> AdapterRef | None:
    """What the run yielded; None as long as it has not come to its end."""
    told = run.result
    try:
        return AdapterRef(id=told["adapter"], method=str(told.get("method") or ""))
    except (KeyError, ValueError):
        return None


def trained(config: TrainingConfig, adapter: AdapterRef) -> Assistant:
    """The run's assistant with what it learned: its examples are learned by heart now, unless they are trained with."""
    keeps = config.objective in KEEP_EXAMPLES
    return config.assistant.model_copy(
        update={
            "adapter": adapter,
            "quantization": config.quantization,
            "examples": config.assistant.examples if keeps else Examples(),
        }
    )


def save_assistant(
    project: Project, adapters: FindsAdapters, run: Run, name: str = "", note: str = ""
) -> SavedAssistant:
    """Keep what the run yielded as a new version; asked twice, the version that is there.

    name  of the assistant, by default the parent's. A model that nobody had saved is saved first, as the parent, so
    that there is something to compare with.
    Raises Busy("error.training_unfinished"), BadInput("error.training_config"), NotFound (adapter), StorageProblem.
    """
    config, adapter = config_of(run), adapter_of(run)
    if adapter is None:
        raise Busy("error.training_unfinished", title=run.title)
    adapters.folder_of(adapter)
    assistant = trained(config, adapter)
    kept_name = name.strip() or assistant.name or assistant.model.label()
    wanted = assistant.model_copy(update={"name": kept_name})
    for known in project.assistants.versions(kept_name):
        if known.assistant == wanted:
            return known
    parent = parent_of(project, config)
    before = parent.id if parent else _save_before(project, config, kept_name).id
    saved = project.assistants.save(kept_name, assistant, note, before)
    seconds = run.result.get("seconds")
    if isinstance(seconds, int | float) and seconds >= 0:
        keep_making(project, saved.assistant, float(seconds))
    return saved


def parent_of(project: Project, config: TrainingConfig) -> SavedAssistant | None:
    """The saved version that was trained; None when it was none, or is no more."""
    try:
        return None if config.parent_id is None else project.assistants.get(config.parent_id)
    except NotFound:
        return None


def saved_from(project: Project, adapter_id: str) -> tuple[SavedAssistant, ...]:
    """The versions that stand on this adapter, the newest first."""
    return tuple(saved_by_adapter(project).get(adapter_id, ()))


def saved_by_adapter(project: Project) -> Mapping[str, list[SavedAssistant]]:
    """Adapter id -> the versions that stand on it, the newest first."""
    found: dict[str, list[SavedAssistant]] = {}
    for latest in project.assistants.list():
        for one in project.assistants.versions(latest.name):
            if one.assistant.adapter is not None:
                found.setdefault(one.assistant.adapter.id, []).append(one)
    return {adapter: sorted(saved, key=_newest) for adapter, saved in found.items()}


def fact(run: Run | RunState, name: str) -> Any:
    """A fact of the result as a finite number or a text, else None: the folder may come from elsewhere."""
    value = run.result.get(name)
    if isinstance(value, bool | str):
        return value
    return value if isinstance(value, int | float) and abs(value) < 1e18 else None


def number(run: Run, name: str) -> float | None:
    """A fact of the result that is a number; None when it is another thing, or not there."""
    value = fact(run, name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _save_before(project: Project, config: TrainingConfig, name: str) -> SavedAssistant:
    """The assistant as it was before, under the same name."""
    before = config.assistant.model_copy(update={"name": name})
    for known in project.assistants.versions(name):
        if known.assistant == before:
            return known
    return project.assistants.save(name, before)


def _newest(saved: SavedAssistant) -> int:
    return -saved.id
