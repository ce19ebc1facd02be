"""The probe: real steps of a config in a worker, kept, and found again by the plan."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend.errors import BadInput
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.estimating.facts import RowFacts
from backend.training.estimating.measured import NOTE, Measured, kept, key_for
from backend.training.estimating.plan import facts_of, plan
from backend.training.estimating.probe import start_probe
from backend.training.estimating.probe import work as probe_work
from backend.training.estimating.quiet import Stopwatch
from tests.training.working import config_for
from tests.waiting import ended


def host_of(settings: Settings) -> ModelHost:
    return ModelHost(settings, Endpoints(settings.home, True))


def test_a_probe_in_a_worker_is_what_the_plan_rests_on(
    runs: Runs, project: Project, settings: Settings, tiny: Path
) -> None:
    config, host = config_for(tiny), host_of(settings)
    before = plan(project, host, config)
    assert before.estimate.basis == "formula" and before.probe is None
    run = ended(runs, start_probe(runs, config, "한번 재기"))
    assert run.state == "succeeded", runs.log(run.id)
    told = json.loads((run.output / "probe.json").read_text("utf-8"))
    after = plan(project, host, config)
    assert after.probe == Measured.model_validate(told)
    assert after.estimate.basis == "probe"
    assert after.estimate.memory_bytes == told["peak_bytes"] > told["base_bytes"] > 10**8
    assert after.estimate.seconds.value > told["load_s"] > 0
    # It leaves no adapter, no checkpoint and no copy of the rows.
    assert sorted(path.name for path in run.output.iterdir()) == ["probe.json"]
    assert not (run.folder / "data").exists() and not list((run.folder / "checkpoints").glob("*"))
    assert told["checkpoint_bytes"] > told["adapter_bytes"] > 0


@pytest.mark.parametrize(
    "fields",
    [
        {"gradient_accumulation_steps": 2},
        {"objective": "head"},
        {"packing": True, "max_length": 128},
        {"method": "prompt_tuning"},
        {"per_device_train_batch_size": 64},
    ],
    ids=["accumulating", "head", "packing", "prompt_tuning", "more_than_there_are"],
)
def test_a_probe_runs_what_the_run_runs(
    resting: Runs, project: Project, settings: Settings, tiny: Path, fields: dict[str, object]
) -> None:
    config = config_for(tiny, **fields)
    run = start_probe(resting, config)
    told = done(run.folder, settings)
    assert told.trainable > 0 and told.eval_tokens > 0 and told.eval_s > 0 and told.optimizer_s > 0
    assert all(step.seconds > 0 and step.tokens > 0 for step in told.steps)
    assert [step.tokens for step in told.steps] == sorted({step.tokens for step in told.steps})
    assert kept(project, key_for(config, tiny, lengths(project, tiny, config), "trl")) == told


def test_it_is_kept_under_what_matters(project: Project, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, some = config_for(tiny), [20, 30, 40]
    key = key_for(config, tiny, some, "trl")
    same = config.model_copy(update={"learning_rate": 1e-4, "num_train_epochs": 9.0, "effort": "own"})
    assert key_for(same, tiny, some, "trl") == key
    for field, value in {"r": 32, "method": "dora", "per_device_train_batch_size": 2, "quantization": "nf4"}.items():
        assert key_for(config.model_copy(update={field: value}), tiny, some, "trl") != key
    assert key_for(config, tiny, [20, 30, 80], "trl") != key and key_for(config, tiny, some, "unsloth") != key
    monkeypatch.setattr("platform.node", lambda: "another")  # the project was taken to another machine
    assert key_for(config, tiny, some, "trl") != key


@pytest.mark.parametrize(
    "steps",
    [[], [{"tokens": 0, "seconds": 1}], [{"tokens": 9, "seconds": 1}] * 2, [{"tokens": 10**400, "seconds": 1}]],
    ids=["none", "empty", "twice", "endless"],
)
def test_a_note_that_nobody_measured_is_no_probe(project: Project, tiny: Path, steps: list[object]) -> None:
    told = {"peak_bytes": 10**9, "base_bytes": 10**8, "load_s": 1.0, "steps": steps}
    project.set_note(NOTE + "key", told)
    assert kept(project, "key") is None
    project.set_note(NOTE + "key", {**told, "steps": [{"tokens": 9, "seconds": 1}]})
    assert kept(project, "key") is not None


def test_nothing_imports_transformers_before_unsloth_could() -> None:
    loads = "from backend.jobs import worker; from backend.jobs.kinds import kind_named; import sys; "
    asks = "from backend.training.running.work import chosen; import backend.models.device; "
    asks += "import backend.training.methods.engines; "
    for kind in ("training", "training_probe"):
        tells = f"kind_named({kind!r}).load(); print('transformers' in sys.modules)"
        told = subprocess.run([sys.executable, "-c", loads + asks + tells], capture_output=True, text=True, check=True)
        assert told.stdout.split() == ["False"]


def test_what_cannot_be_trained_is_not_probed(resting: Runs, tiny: Path) -> None:
    with pytest.raises(BadInput) as refused:
        start_probe(resting, config_for(tiny, method="full", quantization="nf4"))
    assert refused.value.key.startswith("error.training_")


def test_the_stopwatch_leaves_out_nothing_but_waiting() -> None:
    watch = Stopwatch()
    time.sleep(0.05)  # asleep is not kept waiting
    spent = watch.lap()
    assert 0.03 < spent < 5 and 0 <= watch.share < 1
    watch.start()
    assert watch.lap() < 0.05


def lengths(project: Project, tiny: Path, config: TrainingConfig) -> tuple[int, ...]:
    found: RowFacts = facts_of(project, tiny, config).rows
    return found.lengths


def done(path: Path, settings: Settings) -> Measured:
    """The work of a probe in this process."""
    folder = RunFolder(path)
    job = Job(path, folder.read_config().config, settings)
    job.output.mkdir(exist_ok=True)
    probe_work(job, Progress(folder, folder.read_state()))
    return Measured.model_validate_json((job.output / "probe.json").read_text("utf-8"))
