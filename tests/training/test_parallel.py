"""Two processes that train one run together, over gloo on two cores: real workers, started as the studio does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from backend.errors import BadInput
from backend.jobs.child import cores
from backend.jobs.folder import RunFolder, read_lines
from backend.jobs.run import Run
from backend.jobs.runs import Runs, end_processes
from backend.projects.projects import Projects
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.running.parallel import check
from tests.tiny import tiny_model
from tests.training.working import add_folder, config_for, fill, submitted

END_S = 280.0
TWO: dict[str, Any] = {
    "processes": 2,
    "per_device_train_batch_size": 2,
    "train_sampling_strategy": "random",
    "metric_examples": 0,
    "sample_inputs": 0,
    "num_train_epochs": 12.0,
    "eval_steps": 24,
    "learning_rate": 1e-3,
    "early_stopping_patience": 0,
}
"""Sees, step by step, what ONE sees. Long enough that a stop reaches it on any machine."""
ONE: dict[str, Any] = {**TWO, "processes": 1, "gradient_accumulation_steps": 2}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[Runs]:
    """Those of a project of reviews."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    add_folder(settings, str(tiny))
    projects = Projects(settings.home / "projects")
    project = projects.open("owner", projects.create("owner", "영화평").id)
    fill(project)
    service = Runs(project.runs_folder, settings)
    yield service
    for run in service.list():
        end_processes(RunFolder(run.folder))
    projects.close()


def until(runs: Runs, run: Run, there: Callable[[Run], bool]) -> Run:
    end = time.monotonic() + END_S
    while time.monotonic() < end:
        now = runs.get(run.id)
        if there(now):
            return now
        time.sleep(0.1)
    raise AssertionError((run.folder / "log.txt").read_text("utf-8")[-4000:])


def ended(runs: Runs, run: Run) -> Run:
    return until(runs, run, lambda now: not now.active)


def points(run: Run, name: str) -> dict[int, float]:
    return {line["step"]: line[name] for line in read_lines(run.folder / "metrics.jsonl") if name in line}


def ranks_of(run: Run) -> list[psutil.Process]:
    """Those that train, and torchrun, which started them."""
    told = [
        process for process in psutil.process_iter(["cmdline"]) if str(run.folder) in (process.info["cmdline"] or ())
    ]
    return [process for process in told if "backend.training.running.rank" in process.info["cmdline"]]


@pytest.fixture(scope="module")
def whole(runs: Runs, tiny: Path) -> Run:
    """A run of two processes that nobody disturbed."""
    return ended(runs, submitted(runs, config_for(tiny, **TWO)))


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(runs: Runs, tiny: Path, whole: Run) -> None:
    alone = ended(runs, submitted(runs, config_for(tiny, **ONE)))
    assert (whole.state, alone.state) == ("succeeded", "succeeded"), runs.log(whole.id)
    assert points(whole, "loss") == pytest.approx(points(alone, "loss"), abs=1e-4)
    assert points(whole, "eval_loss") == pytest.approx(points(alone, "eval_loss"), abs=1e-4)
    for fact in ("steps", "tokens", "best_step", "trainable", "engine", "stopped_early"):
        assert whole.result[fact] == alone.result[fact], fact
    assert whole.result["adapter"] and (whole.output / "adapter").is_dir()
    assert (whole.done, whole.total, whole.unit) == (alone.done, alone.total, alone.unit)


@pytest.mark.slow
def test_a_stop_reaches_all_and_a_resume_goes_on_as_if_there_had_been_none(runs: Runs, tiny: Path, whole: Run) -> None:
    run = submitted(runs, config_for(tiny, **TWO))
    until(runs, run, lambda _: len(points(run, "loss")) >= 3)
    runs.stop(run.id)
    stopped = ended(runs, run)
    assert stopped.state == "stopped", runs.log(run.id)
    assert ranks_of(run) == []
    assert 0 < stopped.done < (stopped.total or 0)
    finished = ended(runs, runs.resume(run.id))
    assert finished.state == "succeeded", runs.log(run.id)
    assert points(run, "loss") == pytest.approx(points(whole, "loss"), abs=1e-4)


@pytest.mark.slow
def test_a_killed_worker_leaves_nobody_behind(runs: Runs, tiny: Path) -> None:
    run = submitted(runs, config_for(tiny, **{**TWO, "num_train_epochs": 50.0}))
    until(runs, run, lambda _: len(points(run, "loss")) >= 2)
    mine = ranks_of(run)
    assert len(mine) == 3
    worker = RunFolder(run.folder).process()
    assert worker is not None
    psutil.Process(worker.pid).kill()
    _, left = psutil.wait_procs(mine, timeout=20)
    assert left == []
    assert runs.get(run.id).state == "interrupted"


@pytest.mark.slow
def test_the_fault_of_one_process_is_told_as_a_sentence(runs: Runs, tiny: Path) -> None:
    short = {**TWO, "num_train_epochs": 2.0, "eval_steps": 4}
    diverging = config_for(tiny, **{**short, "learning_rate": 9.9, "optim": "sgd", "max_grad_norm": 1e30})
    run = ended(runs, submitted(runs, diverging))
    assert run.state == "failed", runs.log(run.id)
    assert str(run.error_key).startswith("error.training_nan"), runs.log(run.id)


def test_more_processes_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(BadInput, match=r"error\.parallel_(cores|device)"):
        check(TrainingConfig(processes=cores() + 60))


def test_sharding_is_refused_and_not_passed_over() -> None:
    with pytest.raises(BadInput, match=r"error\.parallel_sharding"):
        check(TrainingConfig(processes=1, strategy="fsdp"))


@pytest.mark.slow
def test_a_stop_while_they_load_is_no_failure(runs: Runs, tiny: Path) -> None:
    run = submitted(runs, config_for(tiny, **TWO))
    until(runs, run, lambda now: now.message_key == "run.message.training_processes")
    runs.stop(run.id)
    stopped = ended(runs, run)
    assert stopped.state == "stopped", runs.log(run.id)
    assert stopped.done == 0 and ranks_of(run) == []
