"""A project's adapters go out and come in with it; what a stranger put in their place does not."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.assistants import AdapterRef, Assistant
from backend.errors import BadInput
from backend.models.adapter_files import CARD, CONFIG, WHOLE_TENSORS
from backend.models.adapters import Adapters, adapters_of, verified
from backend.projects.folder import Project
from backend.projects.projects import Projects
from tests.models.adapters import weights_adapter

PLACE = "files/adapters"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Projects:
    """The projects of another machine."""
    return Projects(tmp_path / "elsewhere" / "projects")


@pytest.fixture
def trained(project: Project, tmp_path: Path) -> AdapterRef:
    """What a training left in the project, and an assistant that answers with it."""
    ref = Adapters(tmp_path).keep(project, weights_adapter(tmp_path / "trained", "1" * 32))
    project.assistants.save("훈련", Assistant(adapter=ref, quantization="nf4"))
    run = project.runs_folder / "ended"
    for name in (
        "checkpoints/checkpoint-4/optimizer.pt",
        "data/train.jsonl",
        "output/adapter/weights.safetensors",
        "output/adapter-best/weights.safetensors",
        "output/adapter-best.old/weights.safetensors",
        "output/adapter-best.new/weights.safetensors",
        "output/adapter-last/weights.safetensors",
        "ranks/adapter/weights.safetensors",
        "output/samples.jsonl",
        "output/report.json",
        "metrics.jsonl",
    ):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("{}", "utf-8")
    (run / "state.json").write_text(json.dumps({"state": "stopped"}), "utf-8")
    (project.files / "adapters" / ".x.part").mkdir()
    (project.files / "adapters" / ".x.part" / CARD).write_text("half", "utf-8")
    return ref


def exported(projects: Projects, project: Project) -> Path:
    return projects.export_zip("owner", project.id)


def changed(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same zip with other contents."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    change(held)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    return path


def test_an_adapter_comes_along_with_its_assistant(
    projects: Projects, elsewhere: Projects, project: Project, trained: AdapterRef
) -> None:
    info = elsewhere.import_zip("kim", exported(projects, project))
    come = elsewhere.open("kim", info.id)
    assert come.assistants.list()[0].assistant.adapter == trained
    assert [ref for ref, _ in adapters_of(come)] == [trained]
    root = come.folder.parent.parent
    assert verified(Adapters(root).folder_of(trained)).method == "last_layers"


def test_what_only_the_run_needs_stays_at_home(projects: Projects, project: Project, trained: AdapterRef) -> None:
    with zipfile.ZipFile(exported(projects, project)) as archive:
        runs = {name.removeprefix("runs/ended/") for name in archive.namelist() if name.startswith("runs/ended/")}
        kept = [name for name in archive.namelist() if name.startswith(PLACE)]
    assert runs == {"state.json", "metrics.jsonl", "output/report.json"}
    assert sorted(kept) == [f"{PLACE}/{trained.id}/{name}" for name in sorted((CARD, WHOLE_TENSORS))]


def test_a_strangers_checkpoint_does_not_stay(
    projects: Projects, elsewhere: Projects, project: Project, trained: AdapterRef
) -> None:
    strange = (
        "checkpoints/checkpoint-1/optimizer.pt",
        "data/train.jsonl",
        "output/adapter/x.bin",
        "output/adapter-best.old/best.json",
        "Output/adapter-last/x.bin",
        "ranks/adapter/x.bin",
    )
    path = changed(
        exported(projects, project), lambda held: held.update({f"runs/ended/{name}": b"\x80\x04" for name in strange})
    )
    come = elsewhere.open("kim", elsewhere.import_zip("kim", path).id)
    left = {file.relative_to(come.folder).as_posix() for file in come.folder.rglob("*") if file.is_file()}
    assert not any(name in one for one in left for name in strange)
    assert "runs/ended/metrics.jsonl" in left


def _card(held: dict[str, bytes], adapter: str, **fields: object) -> None:
    name = f"{PLACE}/{adapter}/{CARD}"
    held[name] = json.dumps({**json.loads(held[name]), **fields}).encode()


def _flip(held: dict[str, bytes], adapter: str) -> None:
    name = f"{PLACE}/{adapter}/{WHOLE_TENSORS}"
    held[name] = held[name][:-1] + bytes([held[name][-1] ^ 1])


def _rename(held: dict[str, bytes], adapter: str) -> None:
    for name in [name for name in held if adapter in name]:
        held[name.replace(adapter, "f" * 32)] = held.pop(name)


CHANGES: dict[str, Callable[[dict[str, bytes], str], None]] = {
    "another method": lambda held, adapter: _card(held, adapter, method="lora"),
    "another base": lambda held, adapter: _card(held, adapter, base={"label": "b", "identity": "2" * 32}),
    "a card with more": lambda held, adapter: _card(held, adapter, code="import os"),
    "a day that never comes": lambda held, adapter: _card(held, adapter, created=1e14),
    "other numbers": _flip,
    "another name": _rename,
    "no tensors": lambda held, adapter: held.pop(f"{PLACE}/{adapter}/{WHOLE_TENSORS}") and None,
    "pickled beside": lambda held, adapter: held.update({f"{PLACE}/{adapter}/adapter_model.bin": b"\x80\x04"}),
    "code beside": lambda held, adapter: held.update({f"{PLACE}/{adapter}/modeling.py": b"import os"}),
    "a configuration that is not asked for": lambda held, adapter: held.update({f"{PLACE}/{adapter}/{CONFIG}": b"{}"}),
    "a file among them": lambda held, adapter: held.update({f"{PLACE}/readme.txt": b"hello"}),
    "a folder of another name": lambda held, adapter: held.update({f"{PLACE}/mine/{CARD}": b"{}"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_adapter_that_is_not_what_it_says_is_refused(
    projects: Projects, elsewhere: Projects, project: Project, trained: AdapterRef, change: str
) -> None:
    path = changed(exported(projects, project), lambda held: CHANGES[change](held, trained.id))
    with pytest.raises(BadInput) as caught:
        elsewhere.import_zip("kim", path)
    assert caught.value.key == "error.adapter_import"
    assert caught.value.details["adapter"] and caught.value.details["file"]
    assert elsewhere.list("kim") == []


def test_a_copy_of_a_project_has_its_adapters(projects: Projects, project: Project, trained: AdapterRef) -> None:
    copy = projects.open("owner", projects.duplicate("owner", project.id).id)
    assert [ref for ref, _ in adapters_of(copy)] == [trained]
    shutil.rmtree(project.folder / "files" / "adapters")
    assert Adapters(copy.folder.parent.parent).folder_of(trained).is_relative_to(copy.folder)
