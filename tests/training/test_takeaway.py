"""What is taken away of a run works without the studio: its script gives the very weights that the run gave."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.errors import BadInput, Busy
from backend.evaluation.run import start_evaluation
from backend.jobs.folder import RunFolder
from backend.jobs.run import Run
from backend.jobs.runs import Runs, end_processes
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.takeaway.files import Wanted, take_away
from backend.training.takeaway.yaml_file import read_config
from backend.training.telling.outcome import adapter_of, save_assistant
from tabs.text import Words
from tests.tiny import tiny_model
from tests.training.working import add_folder, config_for, fill, submitted
from tests.waiting import ended

KO = Words("ko")


def tell(key: str, details: Mapping[str, Any]) -> str:
    return KO.t(key, **details)


@dataclass(frozen=True)
class Place:
    """A project with examples, a tiny model, and where runs are."""

    project: Project
    runs: Runs
    host: ModelHost
    tiny: Path

    def trained(self, **fields: Any) -> Run:
        run = ended(self.runs, submitted(self.runs, config_for(self.tiny, **fields)))
        assert run.state == "succeeded", self.runs.log(run.id)
        return run

    def taken(self, wanted: Wanted, run: Run, folder: Path) -> Path:
        return take_away(wanted, self.project, self.host, run, tell, "ko", folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("home")
    settings, tiny = Settings(home=home), tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    add_folder(settings, str(tiny))
    projects = Projects(home / "projects")
    project = projects.open("owner", projects.create("owner", "영화평").id)
    fill(project)
    runs, host = Runs(project.runs_folder, settings), ModelHost(settings, Endpoints(home, True))
    yield Place(project, runs, host, tiny)
    for run in runs.list():
        end_processes(RunFolder(run.folder))
    host.close()
    projects.close()


@pytest.fixture(scope="module")
def lora(place: Place) -> Run:
    return place.trained(lora_dropout=0.1)


def done_alone(archive: Path, base: Path, folder: Path) -> Path:
    """Run the script of an archive in a process that cannot see this project; the folder it lies in."""
    zipfile.ZipFile(archive).extractall(folder)
    there = folder / "training"
    alone = {**os.environ, "PYTHONPATH": "", "HF_HUB_OFFLINE": "1"}
    script = [sys.executable, "-I", str(there / "train.py"), str(base)]
    done = subprocess.run(script, capture_output=True, text=True, cwd=folder, env=alone, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return there


def assert_same_weights(there: Path) -> None:
    from safetensors.torch import load_file

    kept = load_file(next((there / "adapter").glob("*.safetensors")))
    name = "adapter_model.safetensors" if (there / "result" / "adapter_config.json").exists() else "model.safetensors"
    made = load_file(there / "result" / name)
    assert kept and not set(kept) - set(made)
    for key, tensor in kept.items():
        assert (tensor - made[key]).abs().max() < 1e-6, key


def test_the_script_gives_the_weights_of_the_run(place: Place, lora: Run, tmp_path: Path) -> None:
    assert_same_weights(done_alone(place.taken("all", lora, tmp_path), place.tiny, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"method": "full", "learning_rate": 1e-3},
        {"method": "last_layers", "objective": "head", "last_layers": 1, "learning_rate": 1e-3},
        {"method": "lora_plus", "train_sampling_strategy": "random"},
        {"method": "adalora"},
        {"method": "ia3", "packing": True, "max_length": 256},
    ],
    ids=lambda fields: fields["method"],
)
def test_so_do_those_of_other_methods(place: Place, fields: dict[str, Any], tmp_path: Path) -> None:
    run = place.trained(**fields)
    assert_same_weights(done_alone(place.taken("all", run, tmp_path), place.tiny, tmp_path))


def test_the_config_comes_back_equal(place: Place, lora: Run, tmp_path: Path) -> None:
    text = place.taken("yaml", lora, tmp_path).read_text("utf-8")
    assert read_config(text) == TrainingConfig.model_validate(lora.config)


def test_the_adapter_is_a_zip_that_peft_reads(place: Place, lora: Run, tmp_path: Path) -> None:
    import transformers
    from peft import PeftModel

    zipfile.ZipFile(place.taken("adapter", lora, tmp_path)).extractall(tmp_path)
    library: Any = transformers
    base = library.AutoModelForCausalLM.from_pretrained(place.tiny)
    model = PeftModel.from_pretrained(base, str(tmp_path / "adapter"))
    assert model.peft_config["default"].r == 4


def test_a_merged_model_opens_without_the_studio_and_says_what_base_and_adapter_say(
    place: Place, lora: Run, tmp_path: Path
) -> None:
    import torch
    import transformers
    from peft import PeftModel

    zipfile.ZipFile(place.taken("merged", lora, tmp_path)).extractall(tmp_path)
    library: Any = transformers
    tokenizer = library.AutoTokenizer.from_pretrained(tmp_path / "merged")
    merged = library.AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    adapter = adapter_of(lora)
    assert adapter is not None
    base = library.AutoModelForCausalLM.from_pretrained(place.tiny)
    beside = PeftModel.from_pretrained(base, str(place.host.adapters.folder_of(adapter))).eval()
    asked = tokenizer("평: 이 영화는 정말 좋았다\n감성:", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        gap = (merged(input_ids=asked).logits - beside(input_ids=asked).logits).abs().max()
        with beside.disable_adapter():
            moved = (merged(input_ids=asked).logits - beside(input_ids=asked).logits).abs().max()
    assert gap < 1e-4 < moved
    assert (tmp_path / "merged" / "README.md").is_file()


def test_a_learned_prompt_is_not_merged(place: Place, tmp_path: Path) -> None:
    run = place.trained(method="prompt_tuning", learning_rate=3e-2, num_train_epochs=1.0)
    with pytest.raises(BadInput, match=r"error\.training_merge_method"):
        place.taken("merged", run, tmp_path)


def test_the_card_has_no_figures_until_there_are_some(place: Place, lora: Run, tmp_path: Path) -> None:
    card = place.taken("card", lora, tmp_path).read_text("utf-8")
    assert KO.t("takeaway.card.not_measured") in card
    assert "base_model: tiny" in card and "license: unknown" in card
    assert "\n\n|" not in card.replace("\n\n| |", "")  # a blank line would end a table

    saved = save_assistant(place.project, place.host.adapters, lora)
    assert saved.parent_id is not None
    over = ended(place.runs, start_evaluation(place.runs, place.project, [saved.parent_id, saved.id], "test"))
    assert over.state == "succeeded", place.runs.log(over.id)
    card = place.taken("card", lora, tmp_path).read_text("utf-8")
    assert KO.t("takeaway.card.not_measured") not in card
    assert f"| {saved.name} {saved.number} |" in card or f"| {saved.name}" in card
    assert KO.t("takeaway.card.limit_few", n=4) in card


def test_a_run_that_did_not_end_gives_its_config_alone(place: Place, tmp_path: Path) -> None:
    run = place.runs.submit("training", config_for(place.tiny, num_train_epochs=500.0).model_dump(mode="json"), "긴 것")
    place.runs.stop(run.id)
    run = ended(place.runs, run)
    assert run.state == "stopped"
    assert place.taken("yaml", run, tmp_path).is_file()
    with pytest.raises(Busy, match=r"error\.training_unfinished"):
        place.taken("script", run, tmp_path)
