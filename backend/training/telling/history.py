"""All training runs of a project: finding, naming, comparing, starting from one again, and clearing up.

A run's name and note lie in its own folder (about.json), so that they go and come back with it.
"""

from __future__ import annotations

import filecmp
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict, Field

from backend.assistants import AdapterRef
from backend.errors import BadInput, Busy, NotFound, StorageProblem, StudioError
from backend.files import folder_bytes, make_folder, storing, write_atomic
from backend.jobs.folder import RunFolder, read_file
from backend.jobs.run import Run
from backend.jobs.runs import ID, Runs
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.text_limits import clean_text
from backend.training.config import Method, TrainingConfig
from backend.training.estimating.plan import UPLOADED
from backend.training.telling.outcome import adapter_of, config_of, saved_by_adapter

KIND: Final = "training"
DRAFT: Final = "training.draft"
"""The note of the project that the form reads when it is shown: the dump of a TrainingConfig."""
NAME_LIMIT: Final = 120
NOTE_LIMIT: Final = 2_000


class KeepsAdapters(Protocol):
    """`backend.models.adapters.Adapters`."""

    def keep(self, project: Project, folder: Path) -> AdapterRef:
        """Raises StorageProblem, ModelProblem."""

    def frees(self, project: Project, ref: AdapterRef) -> int:
        """Bytes; none while somebody needs it."""

    def remove(self, project: Project, ref: AdapterRef) -> object:
        """Raises Busy when somebody needs it."""


class About(BaseModel):
    """about.json: what a person calls a run, and what they noted."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field("", max_length=NAME_LIMIT)
    note: str = Field("", max_length=NOTE_LIMIT)


@dataclass(frozen=True)
class Training:
    """A training run as a list shows it. `config` is None for one that this version cannot read.

    saved  the assistants that stand on what it yielded, the newest first
    """

    run: Run
    config: TrainingConfig | None
    about: About
    adapter: AdapterRef | None
    saved: tuple[SavedAssistant, ...] = ()

    @property
    def name(self) -> str:
        return self.about.name or self.run.title

    @property
    def method(self) -> Method | None:
        return self.config.method if self.config else None


@dataclass(frozen=True)
class Filter:
    """Of which runs: `text` in name, note, method or model; `states` of the run, none for all; `method`, "" for all."""

    text: str = ""
    states: tuple[str, ...] = ()
    method: str = ""


@dataclass(frozen=True)
class Difference:
    """A field of the config that is not the same in all runs; `values` in the order of the runs."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Frees:
    """Bytes that go with a run: its folder, of it the checkpoints; and its adapter where no assistant needs it."""

    folder_bytes: int
    checkpoint_bytes: int
    adapter_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.folder_bytes + self.adapter_bytes


# --- finding ----------------------------------------------------------------------------------------------------------


def trainings(project: Project, runs: Runs) -> list[Training]:
    """All of the project, the newest first."""
    ours = [run for run in runs.list() if run.kind == KIND]
    saved = _saved(project) if ours else {}
    return [_training(run, saved) for run in ours]


def training(project: Project, runs: Runs, run_id: str) -> Training:
    """One of them. Raises NotFound("error.run_missing")."""
    run = runs.get(run_id)
    if run.kind != KIND:
        raise NotFound("error.run_missing")
    return _training(run, _saved(project))


def _saved(project: Project) -> Mapping[str, Sequence[SavedAssistant]]:
    """As `saved_by_adapter`. A saved assistant that cannot be read is told where assistants are listed; the runs are
    there all the same.
    """
    try:
        return saved_by_adapter(project)
    except StorageProblem:
        return {}


def matching(found: Sequence[Training], wanted: Filter) -> list[Training]:
    """Those that the filter lets through, in their order."""
    asked = wanted.text.strip().casefold()
    return [
        one
        for one in found
        if (not wanted.states or one.run.state in wanted.states)
        and (not wanted.method or one.method == wanted.method)
        and asked in _searched(one)
    ]


def _searched(one: Training) -> str:
    model = one.config.assistant.model.name if one.config else ""
    return "\n".join((one.name, one.run.title, one.about.note, one.method or "", model)).casefold()


def _training(run: Run, saved: Mapping[str, Sequence[SavedAssistant]]) -> Training:
    config: TrainingConfig | None = None
    with suppress(BadInput):
        config = config_of(run)
    adapter = adapter_of(run)
    return Training(run, config, about(run), adapter, tuple(saved.get(adapter.id, ())) if adapter else ())


# --- names and notes --------------------------------------------------------------------------------------------------


def about(run: Run) -> About:
    """What is written in about.json; nothing when there is none, or it cannot be read."""
    try:
        return About.model_validate_json(read_file(run.folder / "about.json"))
    except (OSError, ValueError):
        return About()


def describe(runs: Runs, run_id: str, name: str, note: str) -> Run:
    """Keep a name (empty: the run's own title again) and a note. Raises NotFound, BadInput, StorageProblem."""
    run = runs.get(run_id)
    clean = " ".join(clean_text(name, NAME_LIMIT).split())
    kept = About(name=clean, note=clean_text(note, NOTE_LIMIT).strip())
    write_atomic(run.folder / "about.json", kept.model_dump_json())
    return run


# --- comparing and starting again -------------------------------------------------------------------------------------


def differences(configs: Sequence[TrainingConfig]) -> list[Difference]:
    """The fields in which the configs are not all the same, in the order of TrainingConfig."""
    dumps = [config.model_dump(mode="json") for config in configs]
    found = []
    for field in TrainingConfig.model_fields:
        told = tuple(_written(dump[field]) for dump in dumps)
        if len(set(told)) > 1:
            found += _parts(field, [dump[field] for dump in dumps]) if field == "assistant" else []
            found += [Difference(field, told)] if field != "assistant" else []
    return found


def _parts(field: str, values: Sequence[dict[str, object]]) -> list[Difference]:
    """An assistant is told by the parts that differ."""
    found = []
    for part in values[0]:
        told = tuple(_written(value.get(part)) for value in values)
        if len(set(told)) > 1:
            found.append(Difference(f"{field}.{part}", told))
    return found


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def clone(project: Project, run: Run) -> TrainingConfig:
    """Lay the run's config down for the form, and its texts where the form looks for them.

    Raises BadInput("error.training_config"), StorageProblem.
    """
    config = config_of(run)
    texts = tuple(_taken_back(project, run, name) for name in config.documents)
    config = config.model_copy(update={"documents": texts})
    project.set_note(DRAFT, config.model_dump(mode="json"))
    return config


def _taken_back(project: Project, run: Run, name: str) -> str:
    """The name under which a text of the run lies in the project now; another text of its name stays as it is."""
    own = run.folder / "input" / Path(name).name
    place = make_folder(project.uploads / UPLOADED) / own.name
    if not own.is_file():
        return name
    if place.exists() and not filecmp.cmp(own, place, shallow=False):
        place = place.with_name(f"{own.stem[:60]}-{run.id}{own.suffix}")
    with storing(place):
        part = place.with_name(f".{run.id}.part")
        shutil.copyfile(own, part)
        part.replace(place)
    return place.name


# --- clearing up ------------------------------------------------------------------------------------------------------


def frees(project: Project, runs: Runs, adapters: KeepsAdapters, run_id: str) -> Frees:
    """What deleting would give back."""
    one = training(project, runs, run_id)
    adapter_bytes = 0
    if one.adapter and not one.saved and not _shared(project, runs, one):
        with suppress(StudioError, OSError):
            adapter_bytes = adapters.frees(project, one.adapter)
    return Frees(folder_bytes(one.run.folder), folder_bytes(one.run.folder / "checkpoints"), adapter_bytes)


def delete(project: Project, runs: Runs, adapters: KeepsAdapters, run_id: str) -> Frees:
    """Take a run off the list; for a week `undo_delete` brings it back, then its space is free.

    Its adapter goes at once when nobody else needs it (no assistant, also none in the bin, no other run, no project of
    the same owner) and a copy lies in the run's own folder.
    Raises NotFound, Busy("error.run_active").
    """
    one, told = training(project, runs, run_id), frees(project, runs, adapters, run_id)
    runs.remove(run_id)
    if one.adapter and told.adapter_bytes and _left(one.run.folder.parent / ".removed" / run_id):
        with suppress(Busy, NotFound):
            adapters.remove(project, one.adapter)
    return told


def undo_delete(project: Project, runs: Runs, adapters: KeepsAdapters, run_id: str) -> Run:
    """Its adapter first: where there is no room for that, the run stays off the list and can be asked for again.

    Raises NotFound("error.run_missing"), StorageProblem.
    """
    place = runs.folder / ".removed" / run_id
    if ID.fullmatch(run_id) and _left(place) and _yielded(place):
        adapters.keep(project, place / "output" / "adapter")
    return runs.undo_remove(run_id)


def clear_checkpoints(runs: Runs, run_id: str) -> int:
    """Throw away the checkpoints of a run that came to its end, which needs them no more. Returns the bytes freed.

    Raises NotFound, Busy("error.training_needs_checkpoints", title=), StorageProblem.
    """
    run = runs.get(run_id)
    if run.state != "succeeded":
        raise Busy("error.training_needs_checkpoints", title=run.title)
    place = run.folder / "checkpoints"
    freed = folder_bytes(place)
    if place.is_dir():
        with storing(place):
            shutil.rmtree(place)
    return freed


def _shared(project: Project, runs: Runs, one: Training) -> bool:
    others = (run for run in runs.list() if run.kind == KIND and run.id != one.run.id)
    return any(adapter_of(run) == one.adapter for run in others)


def _left(folder: Path) -> bool:
    return (folder / "output" / "adapter").is_dir()


def _yielded(folder: Path) -> bool:
    try:
        return "adapter" in RunFolder(folder).read_state().result
    except (OSError, ValueError):
        return False
