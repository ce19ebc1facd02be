"""What can end a run before its time: no number, no memory, no room. Each is told, nothing is lost."""

from __future__ import annotations

import errno
import resource
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from backend.errors import BadInput, Busy, ModelProblem, StorageProblem
from backend.examples.example import NewExample
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.settings import Settings
from backend.training.methods.optimizers import method_callbacks
from backend.training.running.best import BestKept
from backend.training.running.checkpoints import newest, step_of, whole
from backend.training.running.faults import NotFinite, NotSaved, disk_full, memory_problem, out_of_memory, told
from backend.training.start import restart_smaller, restarted_from, smaller
from tests.training.working import config_for, do, points, result, stopped, submitted


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_what_was_good(
    resting: Runs, settings: Settings, tiny: Path
) -> None:
    config = config_for(
        tiny, method="full", optim="sgd", learning_rate=10.0, max_grad_norm=1e30, num_train_epochs=10.0,
        lr_scheduler_type="constant_with_warmup", warmup_steps=30.0, eval_steps=2, early_stopping_patience=0,
        metric_examples=0,
    )  # fmt: skip
    run = submitted(resting, config)
    with pytest.raises(ModelProblem, match="training_nan") as fault:
        do(run, settings)
    step = fault.value.details["step"]
    assert isinstance(step, int) and step > 2
    kept = newest(run.folder / "checkpoints")
    assert kept is not None and step_of(kept) < step
    best = BestKept(run.output).read()
    assert best is not None and best.step < step
    assert all(value == value and abs(value) < 1e30 for value in points(run).values())
    (run.folder / "finish").touch()
    do(run, settings)
    assert result(run)["best_step"] == best.step


def test_the_likely_cause_is_told() -> None:
    config = config_for(Path("/nowhere"))
    for fault, losses, key in (
        (NotFinite(0), [], "error.training_nan_first"),
        (NotFinite(50), [2.0, 1.0, 1.1], "error.training_nan"),
        (NotFinite(50, gradient=True), [2.0, 1.0, 9.0], "error.training_nan_rising"),
    ):
        said = told(fault, config, losses)
        assert said is not None and said.key == key and said.details["step"] == fault.step + 1
    half = told(NotFinite(3), config.model_copy(update={"dtype": "float16"}), [])
    assert half is not None and half.key == "error.training_nan_float16"
    assert told(KeyError("a bug"), config, []) is None


def test_running_out_of_memory_is_known_in_every_tongue() -> None:
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory")) and out_of_memory(MemoryError())
    with pytest.raises(RuntimeError) as real:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert out_of_memory(real.value)
    assert not out_of_memory(RuntimeError("shape mismatch")) and not out_of_memory(ValueError("out of memory"))


def test_memory_that_runs_out_in_training_names_the_setting(
    resting: Runs, settings: Settings, tiny: Path, project: Project
) -> None:
    long = [NewExample(variables={"input": f"{n} " + "영화는 정말 " * 45}, output="긍정") for n in range(64)]
    project.examples.add(long)
    ids = [one.id for one in project.examples.page(limit=200) if one.split is None]
    project.examples.set_split(ids, "train")
    config = config_for(tiny, per_device_train_batch_size=64, metric_examples=0, sample_inputs=0)
    run = submitted(resting, config)
    before = resource.getrlimit(resource.RLIMIT_AS)

    def narrow() -> None:
        room = psutil.Process().memory_info().vms + 4 * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (room, before[1]))

    try:
        with pytest.raises(ModelProblem, match="training_memory_batch") as fault:
            do(run, settings, step_0=narrow)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert fault.value.details == {"batch": 64, "half": 32}
    again = restart_smaller(resting, resting.get(run.id)) if not resting.get(run.id).active else None
    assert again is not None and restarted_from(again) == run.id
    assert again.config["per_device_train_batch_size"] == 32 and again.config["gradient_accumulation_steps"] == 2


def test_smaller_until_it_cannot_be() -> None:
    config = config_for(Path("/nowhere"), per_device_train_batch_size=5)
    sizes = []
    while config.per_device_train_batch_size > 1:
        config = smaller(config)
        sizes.append((config.per_device_train_batch_size, config.gradient_accumulation_steps))
    assert sizes == [(2, 2), (1, 4)]
    config = smaller(config)
    assert config.gradient_checkpointing
    with pytest.raises(BadInput, match="smallest"):
        smaller(config)


def test_prefix_tuning_is_never_told_to_recompute() -> None:
    config = config_for(Path("/nowhere"), method="prefix_tuning", per_device_train_batch_size=1)
    assert memory_problem(config).key == "error.training_memory_model"
    with pytest.raises(BadInput, match="smallest"):
        smaller(config)


def test_a_full_disk_leaves_the_checkpoint_before_it(resting: Runs, settings: Settings, tiny: Path) -> None:
    run = submitted(resting, config_for(tiny, save_steps=3, num_train_epochs=3.0))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_up() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, before[1]))

    try:
        with pytest.raises(StorageProblem, match="training_disk_full") as fault:
            do(run, settings, step_5=fill_up)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert fault.value.details["step"] == 6 and fault.value.details["free"]
    assert [one.name for one in (run.folder / "checkpoints").iterdir()] == ["checkpoint-3"]
    assert whole(run.folder / "checkpoints" / "checkpoint-3")
    do(run, settings)
    assert result(run)["steps"] == 18


@pytest.mark.parametrize("method", ["adalora", "p_tuning"])
def test_a_full_disk_at_what_a_method_adds(method: str, tmp_path: Path) -> None:
    numbers = torch.ones(100, 100)
    allocator = SimpleNamespace(ipt={"one": numbers}, exp_avg_ipt={}, exp_avg_unc={})
    tuner = SimpleNamespace(rankallocator=allocator)
    model = SimpleNamespace(
        base_model=tuner, peft_config={"default": None}, active_adapter="default",
        prompt_encoder=torch.nn.Linear(100, 100),
    )  # fmt: skip
    config = config_for(Path("/nowhere"), method=method)
    (callback,) = method_callbacks(config, model)
    (tmp_path / "checkpoint-6").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, before[1]))
    try:
        with pytest.raises(NotSaved) as fault:
            callback.on_save(SimpleNamespace(output_dir=str(tmp_path)), SimpleNamespace(global_step=6), None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = told(fault.value, config, [])
    assert said is not None and said.key == "error.training_disk_full" and said.details["step"] == 6


def test_what_a_full_disk_says() -> None:
    full = NotSaved(4, Path("/"))
    full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert disk_full(full) and disk_full(RuntimeError("PytorchStreamWriter failed writing file data/3"))
    other = NotSaved(4, Path("/"))
    other.__cause__ = PermissionError(errno.EACCES, "Permission denied")
    said = told(other, config_for(Path("/nowhere")), [])
    assert not disk_full(other) and said is not None and said.key == "error.training_not_saved"


def test_a_run_that_works_is_not_restarted(resting: Runs, settings: Settings, tiny: Path) -> None:
    run = submitted(resting, config_for(tiny))
    stopped(run, settings, 3)
    active = type(run)(**{**run.__dict__, "state": "running"})
    with pytest.raises(Busy):
        restart_smaller(resting, active)
