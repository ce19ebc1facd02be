"""Starting a run: what is refused before a worker is started, and what the run is called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.assistants import AdapterRef, ModelRef
from backend.errors import BadInput, ModelProblem, NotFound, Refused
from backend.jobs.child import cores
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.start import start_training
from tests.models.adapters import peft_adapter
from tests.training.working import config_for


@pytest.fixture
def host(settings: Settings) -> Iterator[ModelHost]:
    made = ModelHost(settings, Endpoints(settings.home, offline=True))
    yield made
    made.close()


def changed(config: TrainingConfig, **assistant: object) -> TrainingConfig:
    told = {**config.model_dump(), "assistant": {**config.assistant.model_dump(), **assistant}}
    return TrainingConfig.model_validate(told)


def test_a_run_is_named_and_holds_its_whole_config(
    resting: Runs, project: Project, host: ModelHost, tiny: Path
) -> None:
    config = config_for(tiny)
    run = start_training(resting, project, host, config)
    assert run.title == "영화평 · lora" and TrainingConfig.model_validate(run.config) == config
    assert start_training(resting, project, host, config, "내 훈련").title == "내 훈련"


def test_what_cannot_be_trained_is_said_before_anything_starts(
    resting: Runs, project: Project, host: ModelHost, tiny: Path, tmp_path: Path
) -> None:
    config = config_for(tiny)
    remote = ModelRef(kind="endpoint", name="large", endpoint="there")
    gone = ModelRef(kind="local", name=str(tmp_path / "nowhere"))
    missing = AdapterRef(id="0" * 32, method="lora")
    for fault, key, wrong in (
        (BadInput, "training_endpoint", changed(config, model=remote.model_dump())),
        (NotFound, "model_not_added", changed(config, model=gone.model_dump())),
        (NotFound, "adapter_missing", changed(config, adapter=missing.model_dump())),
        (BadInput, "training_no_document", config_for(tiny, objective="documents", documents=("a.txt",))),
        (BadInput, "parallel_sharding", config_for(tiny, strategy="fsdp")),
        (BadInput, "parallel_cores", config_for(tiny, processes=cores() + 1)),
        (BadInput, "quantized_weights", config_for(tiny, method="full", quantization="nf4")),
    ):
        with pytest.raises(fault, match=key):
            start_training(resting, project, host, wrong)
    (tiny / "model.safetensors").rename(tmp_path / "kept")
    try:
        with pytest.raises(ModelProblem):
            start_training(resting, project, host, config)
    finally:
        (tmp_path / "kept").rename(tiny / "model.safetensors")
    assert resting.list() == []


def test_an_adapter_of_another_owner_is_not_trained_further(
    resting: Runs, project: Project, host: ModelHost, tiny: Path, tmp_path: Path
) -> None:
    projects = Projects(project.folder.parent.parent)
    stranger = projects.open("lee", projects.create("lee", "남").id)
    ref = host.adapters.keep(stranger, peft_adapter(tmp_path / "a", tiny))
    config = changed(config_for(tiny), adapter=ref.model_dump())
    assert host.adapters.folder_of(ref).is_dir()
    with pytest.raises(NotFound, match="adapter_missing"):
        start_training(resting, project, host, config)
    projects.close()
    host.adapters.keep(project, tmp_path / "a")
    assert start_training(resting, project, host, config).id


def test_examples_and_splits_are_needed(resting: Runs, project: Project, host: ModelHost, tiny: Path) -> None:
    ids = [one.id for one in project.examples.each("train", "look")]
    project.examples.set_split(ids, "dev")
    with pytest.raises(BadInput, match="training_no_examples"):
        start_training(resting, project, host, config_for(tiny))
    project.examples.set_split([one.id for one in project.examples.each(None, "look")], None)
    with pytest.raises(Refused, match="no_splits"):
        start_training(resting, project, host, config_for(tiny))
