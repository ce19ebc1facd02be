"""What is on this machine: the practice model, downloads that are whole, folders that were added."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.assistants import ModelRef
from backend.errors import BadInput, ModelProblem, NotFound, StorageProblem
from backend.models.installed import add_folder, installed, remove
from backend.settings import Settings
from tests.tiny import tiny_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "작은 모델")


def downloaded(settings: Settings, name: str, commit: str = COMMIT) -> Path:
    folder = settings.models / name.replace("/", "--") / commit
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(1000))
    return folder


def refs(settings: Settings) -> list[ModelRef]:
    return [model.ref for model in installed(settings) if model.ref.kind != "starter"]


def test_downloads_are_listed_when_they_are_whole(settings: Settings) -> None:
    assert refs(settings) == []
    folder = downloaded(settings, "Qwen/Qwen3-0.6B")
    (settings.models / ".partial" / "Qwen--Qwen3-1.7B" / COMMIT).mkdir(parents=True)
    downloaded(settings, ".odd/name")
    downloaded(settings, "a/b", "half")
    assert refs(settings) == [ModelRef(kind="hub", name="Qwen/Qwen3-0.6B", revision=COMMIT)]
    [model] = [model for model in installed(settings) if model.ref.kind == "hub"]
    assert (model.path, model.size_bytes, model.ref.label()) == (folder, 1000, "Qwen3-0.6B")


def test_the_practice_model_comes_first(settings: Settings) -> None:
    if (settings.starter / "config.json").exists():
        assert installed(settings)[0].ref == ModelRef()


def test_a_folder_is_added_once_and_forgotten_without_harm(settings: Settings, tiny: Path) -> None:
    ref = add_folder(settings, f' "{tiny}" ')
    assert ref == add_folder(settings, str(tiny)) == ModelRef(kind="local", name=str(tiny.resolve()))
    assert refs(settings) == [ref]
    remove(settings, ref)
    assert refs(settings) == [] and (tiny / "model.safetensors").is_file()
    with pytest.raises(NotFound):
        remove(settings, ref)


def test_a_folder_that_is_gone_is_left_out(settings: Settings, tiny: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for file in tiny.iterdir():
        (moved / file.name).write_bytes(file.read_bytes())
    add_folder(settings, str(moved))
    for file in moved.iterdir():
        file.unlink()
    moved.rmdir()
    assert refs(settings) == []


@pytest.mark.parametrize("path", ["", "relative/folder", "/none/such", "~", "\0", "/etc/passwd", "'"])
def test_what_is_no_model_folder(settings: Settings, path: str) -> None:
    with pytest.raises(ModelProblem):
        add_folder(settings, path)
    assert refs(settings) == []


def test_a_download_is_deleted_and_nothing_else_can_be(settings: Settings) -> None:
    folder = downloaded(settings, "a/b")
    other = downloaded(settings, "a/c")
    remove(settings, ModelRef(kind="hub", name="a/b", revision=COMMIT))
    assert not folder.parent.exists() and other.exists()
    assert not list((settings.models / ".partial").iterdir())
    for ref in (
        ModelRef(),
        ModelRef(kind="hub", name="a/b", revision=COMMIT),
        ModelRef(kind="hub", name="a/c"),
        ModelRef(kind="hub", name="a/c", revision="../.."),
        ModelRef(kind="endpoint", name="x", endpoint="y"),
        ModelRef(kind="local", name=str(other)),
    ):
        with pytest.raises(NotFound):
            remove(settings, ref)
    with pytest.raises(BadInput):
        remove(settings, ModelRef(kind="hub", name="../../etc", revision=COMMIT))
    assert other.exists()


def test_a_broken_list_is_told(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "local_models.json").write_text("{")
    with pytest.raises(StorageProblem, match="local_models_file"):
        installed(settings)
