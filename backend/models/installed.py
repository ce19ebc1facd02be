"""The models of this machine: the practice model, downloads, and folders a person has pointed at.

Folders are remembered by their path in <home>/local_models.json and never copied, changed or deleted.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from backend.assistants import ModelRef
from backend.errors import ModelProblem, NotFound, StorageProblem
from backend.files import make_folder, storing, write_atomic
from backend.models.hub import COMMIT, folder_name
from backend.settings import Settings

_PATHS = TypeAdapter(list[str])


@dataclass(frozen=True)
class InstalledModel:
    """`ref` is what an assistant holds; `size_bytes` what its folder takes on disk."""

    ref: ModelRef
    path: Path
    size_bytes: int


def installed(settings: Settings) -> list[InstalledModel]:
    """The practice model first, then downloads and remembered folders by name. A folder that is gone is left out."""
    found = [(ModelRef(), settings.starter)] if (settings.starter / "config.json").is_file() else []
    downloads = sorted(settings.models.glob("[!.]*--*/*"), key=lambda path: str(path).casefold())
    found += [(_hub_ref(path), path) for path in downloads if COMMIT.fullmatch(path.name)]
    folders = sorted((Path(path) for path in remembered(settings)), key=lambda path: path.name.casefold())
    found += [(ModelRef(kind="local", name=str(path)), path) for path in folders]
    return [InstalledModel(ref, path, _size(path)) for ref, path in found if path.is_dir()]


def add_folder(settings: Settings, path: str) -> ModelRef:
    """Remember a model folder of this machine, given by its full path. Adding one twice changes nothing.

    Raises ModelProblem with what is wrong with the folder, StorageProblem.
    """
    from backend.models.loading import check

    folder = Path(path.strip().strip("\"'")).expanduser()
    if "\0" in path or not folder.is_absolute() or not folder.is_dir():
        raise ModelProblem("error.model_missing", model=path.strip()[:300])
    folder = folder.resolve()
    check(folder)
    with _lock(settings):
        known = remembered(settings)
        if str(folder) not in known:
            _remember(settings, [*known, str(folder)])
    return ModelRef(kind="local", name=str(folder))


def remove(settings: Settings, ref: ModelRef) -> None:
    """Delete a download from the disk, or forget a folder, whose files stay.

    Raises NotFound("error.model_not_installed", model=) for anything else, the practice model included.
    """
    if ref.kind == "local":
        with _lock(settings):
            known = remembered(settings)
            if ref.name not in known:
                raise NotFound("error.model_not_installed", model=ref.label())
            _remember(settings, [path for path in known if path != ref.name])
        return
    whole = settings.models / folder_name(ref.name) / (ref.revision or "") if ref.kind == "hub" else None
    if whole is None or not COMMIT.fullmatch(ref.revision or "") or not whole.is_dir():
        raise NotFound("error.model_not_installed", model=ref.label())
    with storing(whole):
        # Away from its own name first: a folder under that name is always whole.
        going = make_folder(settings.models / ".partial") / f"removed-{whole.parent.name}-{whole.name}"
        shutil.rmtree(going, ignore_errors=True)
        whole.rename(going)
        shutil.rmtree(going)
        if not any(whole.parent.iterdir()):
            whole.parent.rmdir()


def _hub_ref(path: Path) -> ModelRef:
    return ModelRef(kind="hub", name=path.parent.name.replace("--", "/", 1), revision=path.name)


def _size(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except OSError:  # it is being deleted at this moment
        return 0


def _file(settings: Settings) -> Path:
    return settings.home / "local_models.json"


def _lock(settings: Settings) -> FileLock:
    return FileLock(make_folder(settings.home) / "local_models.lock")


def remembered(settings: Settings) -> list[str]:
    """The full paths of the folders that were added. Raises StorageProblem."""
    try:
        return _PATHS.validate_json(_file(settings).read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as fault:
        raise StorageProblem("error.local_models_file", path=str(_file(settings))) from fault


def _remember(settings: Settings, paths: list[str]) -> None:
    write_atomic(_file(settings), _PATHS.dump_json(paths, indent=2))
