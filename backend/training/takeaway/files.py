"""What there is to take away of a run, as files made when they are asked for."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from backend.assistants import AdapterRef
from backend.errors import Busy
from backend.evaluation.report import Tell
from backend.files import make_folder, storing, write_atomic
from backend.jobs.run import Run
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.rows import snapshot
from backend.training.takeaway.merging import write_merged
from backend.training.takeaway.model_card import write_card
from backend.training.takeaway.script import script_text
from backend.training.takeaway.yaml_file import write_config
from backend.training.telling.outcome import adapter_of, config_of
from backend.training.values import Rows

if TYPE_CHECKING:
    from backend.models.host import ModelHost

Wanted = Literal["yaml", "script", "card", "adapter", "merged", "all"]
WANTED: Final[tuple[Wanted, ...]] = ("yaml", "script", "card", "adapter", "merged", "all")
NAMES: Final = {"yaml": "config.yaml", "script": "train.py", "card": "README.md", "adapter": "adapter.zip"}


def take_away(
    wanted: Wanted, project: Project, host: ModelHost, run: Run, tell: Tell, language: str, folder: Path
) -> Path:
    """Make one file in `folder` and return its path.

    yaml     the config, to be loaded again here            script   train.py (its data is in "all")
    card     the model card, in the page's language         adapter  the adapter folder as a zip
    merged   base and adapter as one model folder, a zip: see backend.training.takeaway.merging
    all      a zip of everything with the rows that were trained on: the person's own texts
    A run that has not come to its end gives its config and nothing else: Busy("error.training_unfinished", title=).
    Raises BadInput("error.training_config"), NotFound, StorageProblem.
    """
    config = config_of(run)
    make_folder(folder)
    if wanted == "yaml":
        return _written(folder / NAMES["yaml"], write_config(config))
    adapter = adapter_of(run)
    if adapter is None:
        raise Busy("error.training_unfinished", title=run.title)
    if wanted == "card":
        return write_card(folder / NAMES["card"], project, run, tell, language, host.where)
    if wanted == "adapter":
        return zipped(folder / NAMES["adapter"], [("adapter", host.adapters.folder_in(project, adapter))])
    rows = snapshot.read(run.folder / "data")
    if wanted == "merged":
        whole = make_folder(folder / "merged")
        write_merged(config, host.where(config.assistant.model), host.adapters.folder_in(project, adapter), rows, whole)
        write_card(whole / NAMES["card"], project, run, tell, language, host.where)
        return zipped(folder / "merged.zip", [("merged", whole)])
    script = _script(project, host, run, config, rows, adapter)
    if wanted == "script":
        return _written(folder / NAMES["script"], script)
    return _all(folder, project, host, run, tell, language, config, rows, script)


def _all(
    folder: Path,
    project: Project,
    host: ModelHost,
    run: Run,
    tell: Tell,
    language: str,
    config: TrainingConfig,
    rows: Rows,
    script: str,
) -> Path:
    """train.py beside its data, the config, the card and what came out of it."""
    whole = folder / "run"
    shutil.rmtree(whole, ignore_errors=True)
    make_folder(whole / "data")
    _written(whole / NAMES["yaml"], write_config(config))
    _written(whole / NAMES["script"], script)
    write_card(whole / NAMES["card"], project, run, tell, language, host.where)
    with storing(whole):
        shutil.copyfile(run.folder / "data" / "train.jsonl", whole / "data" / "train.jsonl")
        _written(whole / "data" / "dev.jsonl", _dev(config, rows))
        made = adapter_of(run)
        if made is not None:
            shutil.copytree(host.adapters.folder_in(project, made), whole / "adapter", dirs_exist_ok=True)
        if config.assistant.adapter is not None:
            shutil.copytree(
                host.adapters.folder_in(project, config.assistant.adapter), whole / "start", dirs_exist_ok=True
            )
        made_zip = zipped(folder / "training.zip", [("training", whole)])
        shutil.rmtree(whole)
    return made_zip


def zipped(target: Path, folders: Iterable[tuple[str, Path]]) -> Path:
    """A zip of the files of some folders, each under its name. Raises StorageProblem."""
    with storing(target), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, folder in folders:
            for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
                made.write(file, f"{name}/{file.relative_to(folder).as_posix()}")
    return target


def _script(
    project: Project, host: ModelHost, run: Run, config: TrainingConfig, rows: Rows, adapter: AdapterRef
) -> str:
    return script_text(run, config, rows, host.adapters.folder_in(project, adapter), host.where(config.assistant.model))


def _dev(config: TrainingConfig, rows: Rows) -> str:
    """The dev rows whose loss the run measured."""
    from backend.training.estimating.batches import cadence_of
    from backend.training.running.loop import dev_rows

    chosen = dev_rows(rows, cadence_of(config, rows), config.seed)
    return "".join(json.dumps(vars(row), ensure_ascii=False) + "\n" for row in chosen)


def _written(path: Path, text: str) -> Path:
    write_atomic(path, text)
    return path
