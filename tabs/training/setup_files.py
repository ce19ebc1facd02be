"""The text files of continued pre-training: kept in the project until a run takes a copy of them."""

from __future__ import annotations

import secrets
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
LARGEST: Final = 100_000_000
"""Bytes of one file, which is read as a whole: about 30 million letters of Korean."""


def folder(project: Project) -> Path:
    return make_folder(project.uploads / FOLDER)


def bring(project: Project, config: TrainingConfig, paths: Sequence[str]) -> TrainingConfig:
    """Keep these files; one of the same name replaces the older. All of them or none.

    Raises BadInput, StorageProblem.
    """
    files = list(map(Path, paths))
    names = tuple(dict.fromkeys([*config.documents, *(file.name for file in files)]))
    for file in files:
        check(file)
    if len(names) > MOST:
        raise BadInput("error.train_files", most=MOST)
    for file in files:
        place = folder(project) / file.name
        part = place.with_name(f".{secrets.token_hex(8)}.part")
        with storing(place):
            try:
                shutil.copyfile(file, part)
                part.replace(place)
            finally:
                part.unlink(missing_ok=True)
    return config.model_copy(update={"documents": names})


def check(file: Path) -> None:
    """Raises BadInput for a file that is no text by its name, or too large."""
    if file.suffix.lower() not in ENDINGS:
        raise BadInput("error.train_file", name=file.name, endings=", ".join(ENDINGS))
    size = file.stat().st_size
    if size > LARGEST:
        raise BadInput("error.train_file_large", name=file.name, file_bytes=size, most_bytes=LARGEST)


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
