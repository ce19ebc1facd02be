"""The text files of continued pre-training: kept in the project until a run takes a copy of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from backend.errors import BadInput
from backend.files import make_folder, storing
from backend.projects.folder import Project
from backend.training.config import TrainingConfig

FOLDER: Final = "training"
ENDINGS: Final = (".txt", ".md")
MOST: Final = 200


def folder(project: Project) -> Path:
    return make_folder(project.uploads / FOLDER)


def bring(project: Project, config: TrainingConfig, paths: Sequence[str]) -> TrainingConfig:
    """Keep these files; one of the same name replaces the older. Raises BadInput, StorageProblem."""
    names = list(config.documents)
    for path in map(Path, paths):
        if path.suffix.lower() not in ENDINGS:
            raise BadInput("error.train_file", name=path.name, endings=", ".join(ENDINGS))
        with storing(folder(project)):
            shutil.copyfile(path, folder(project) / path.name)
        names.append(path.name)
    names = list(dict.fromkeys(names))
    if len(names) > MOST:
        raise BadInput("error.train_files", most=MOST)
    return config.model_copy(update={"documents": tuple(names)})


def drop(config: TrainingConfig, name: str) -> TrainingConfig:
    """Without this one. Its copy stays, since an earlier run may be set up from it again."""
    return config.model_copy(update={"documents": tuple(one for one in config.documents if one != name)})


def handed(project: Project, config: TrainingConfig) -> dict[str, Path]:
    """Name and place of each file that is there: what a run is handed."""
    found = {name: folder(project) / Path(name).name for name in config.documents}
    return {name: path for name, path in found.items() if path.is_file()}


def sizes(project: Project, config: TrainingConfig) -> list[tuple[str, int]]:
    """(name, bytes) of each."""
    return [(name, path.stat().st_size) for name, path in handed(project, config).items()]
