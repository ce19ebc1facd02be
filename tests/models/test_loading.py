"""Every way in which a model folder can be wrong has its sentence, and none is loaded half."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from backend.errors import ModelProblem
from backend.models.loading import check, dtype_for, load
from tests.tiny import set_config


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model to be damaged."""
    return Path(shutil.copytree(tiny, tmp_path / "my-model"))


class Danger:
    """Unpickling one would leave a trace."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return Path.touch, (Path("unpickled"),)  # type: ignore[return-value]


def weights(folder: Path) -> Path:
    return folder / "model.safetensors"


def pickled(folder: Path) -> None:
    weights(folder).unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Danger()))


def truncated(folder: Path) -> None:
    raw = weights(folder).read_bytes()
    weights(folder).write_bytes(raw[: len(raw) // 2])


def bad_header(folder: Path) -> None:
    raw = weights(folder).read_bytes()
    weights(folder).write_bytes(raw[:8] + b"?" * 100 + raw[108:])


def huge_header(folder: Path) -> None:
    weights(folder).write_bytes(b"\xff" * 64)


def empty_weights(folder: Path) -> None:
    weights(folder).write_bytes(b"")


def missing_shard(folder: Path) -> None:
    weights(folder).rename(folder / "model-00001-of-00002.safetensors")
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


def index_that_leads_out(folder: Path) -> None:
    shutil.copy(weights(folder), folder.parent / "other.safetensors")
    index = {"weight_map": {"a": "../other.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def half_downloaded(folder: Path) -> None:
    part = folder / ".cache" / "huggingface" / "download" / "abc.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x")


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def broken_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "lla')


def list_for_config(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


def unknown(folder: Path) -> None:
    set_config(folder, model_type="hyperllama", architectures=["HyperLlama"])


def own_code(folder: Path) -> None:
    set_config(folder, model_type="hyperllama", auto_map={"AutoModelForCausalLM": "modeling_hyper.HyperLlama"})
    (folder / "modeling_hyper.py").write_text("from pathlib import Path\nPath('unpickled').touch()\n")


def no_writer(folder: Path) -> None:
    set_config(folder, model_type="clip")


def no_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()


def broken_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def other_shapes(folder: Path) -> None:
    set_config(folder, hidden_size=64)


def lacking_weights(folder: Path) -> None:
    set_config(folder, num_hidden_layers=3)


def no_weights(folder: Path) -> None:
    weights(folder).unlink()


def gguf(folder: Path) -> None:
    weights(folder).rename(folder / "model-q4.gguf")


@pytest.mark.parametrize(
    ("damage", "key"),
    [
        (pickled, "error.model_pickled"),
        (truncated, "error.model_damaged"),
        (bad_header, "error.model_damaged"),
        (huge_header, "error.model_damaged"),
        (empty_weights, "error.model_damaged"),
        (missing_shard, "error.model_shard_missing"),
        (index_that_leads_out, "error.model_damaged"),
        (half_downloaded, "error.model_incomplete"),
        (no_config, "error.model_file_missing"),
        (broken_config, "error.model_damaged"),
        (list_for_config, "error.model_damaged"),
        (unknown, "error.model_unknown"),
        (own_code, "error.model_custom_code"),
        (no_writer, "error.model_not_generative"),
        (no_tokenizer, "error.model_no_tokenizer"),
        (no_weights, "error.model_no_weights"),
        (gguf, "error.model_gguf"),
        (shutil.rmtree, "error.model_missing"),
    ],
)
def test_what_is_found_without_loading(
    folder: Path, damage: Callable[[Path], None], key: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    damage(folder)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelProblem) as told:
        check(folder)
    assert told.value.key == key
    with pytest.raises(ModelProblem):
        load(folder)
    assert not (tmp_path / "unpickled").exists(), "nothing of the folder was run"


@pytest.mark.parametrize(
    ("damage", "key"),
    [
        (broken_tokenizer, "error.model_tokenizer"),
        (other_shapes, "error.model_load"),
        (lacking_weights, "error.model_weights_missing"),
    ],
)
def test_what_is_found_while_loading(folder: Path, damage: Callable[[Path], None], key: str) -> None:
    damage(folder)
    check(folder)
    with pytest.raises(ModelProblem) as told:
        load(folder)
    assert told.value.key == key and told.value.details["model"] == "my-model"


def test_code_beside_a_known_architecture_is_not_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_code(folder)
    set_config(folder, model_type="llama")
    monkeypatch.chdir(tmp_path)
    load(folder)
    assert not (tmp_path / "unpickled").exists()


def test_numbers_suit_the_device() -> None:
    assert dtype_for(torch.device("cpu"), 10**8) == torch.float32
    assert dtype_for(torch.device("cpu"), 10**10) == torch.bfloat16
    assert dtype_for(torch.device("cuda"), 10**8) == torch.bfloat16
