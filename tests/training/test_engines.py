"""Which engine is chosen, why, and what was measured on this machine."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from backend.assistants import AdapterRef, Assistant
from backend.jobs.kinds import Job
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.methods.engines import MEASURED, WORTH, Choice, begin, build_of, choose, note
from backend.training.methods.speeds import FILE, KEPT, keep, ratio

needs_unsloth = pytest.mark.skipif(find_spec("unsloth") is None, reason="Unsloth is not installed")


def reason(device: str = "cpu", home: Path | None = None, **fields: Any) -> tuple[str, str]:
    choice = choose(TrainingConfig(**fields), device, home)
    return choice.engine, choice.reason.removeprefix("engines.reason.")


@needs_unsloth
def test_what_was_measured_decides_and_a_person_goes_before_it() -> None:
    assert MEASURED[("cpu", None)] >= WORTH
    assert reason() == ("unsloth", "faster_bench")
    assert reason(engine="trl") == ("trl", "asked")
    assert reason(engine="unsloth") == ("unsloth", "asked")
    assert reason("cuda") == ("trl", "not_measured")
    assert reason("cuda", engine="unsloth") == ("unsloth", "asked")


@needs_unsloth
@pytest.mark.parametrize(
    ("why", "device", "fields"),
    [
        ("device", "mps", {}),
        ("method", "cpu", {"method": "ia3"}),
        ("head", "cpu", {"objective": "head"}),
        ("processes", "cuda", {"processes": 2}),
        ("adapter", "cpu", {"assistant": Assistant(adapter=AdapterRef(id="a" * 32, method="lora"))}),
        ("pissa", "cuda", {"init_lora_weights": "pissa", "quantization": "nf4"}),
        ("cpu_int8", "cpu", {"quantization": "int8"}),
        ("cpu_packing", "cpu", {"packing": True}),
        ("cpu_optim", "cpu", {"optim": "adamw_bnb_8bit"}),
    ],
)
def test_what_unsloth_would_do_otherwise_than_asked_goes_to_trl(why: str, device: str, fields: dict[str, Any]) -> None:
    assert reason(device, **fields) == ("trl", why)
    assert reason(device, engine="unsloth", **fields) == ("trl", why)


@needs_unsloth
def test_runs_of_this_machine_go_before_the_bench(tmp_path: Path) -> None:
    config = TrainingConfig()
    for speed in (100.0, 110.0, 90.0):
        keep(tmp_path, config, "cpu", "trl", speed)
    assert ratio(tmp_path, config, "cpu") is None  # one engine alone says nothing
    keep(tmp_path, config.model_copy(update={"engine": "unsloth", "seed": 7}), "cpu", "unsloth", 95.0)
    assert ratio(tmp_path, config, "cpu") == pytest.approx(0.95)
    assert reason(home=tmp_path) == ("trl", "no_faster_here")
    assert choose(config, "cpu", tmp_path).details == {"ratio": "0.95"}
    assert reason(home=tmp_path, method="dora") == ("unsloth", "faster_bench")
    keep(tmp_path, config, "cuda", "trl", 100.0)
    keep(tmp_path, config, "cuda", "unsloth", 210.0)
    assert reason("cuda:0", tmp_path) == ("unsloth", "faster_here")


def test_runs_of_other_batches_are_not_compared(tmp_path: Path) -> None:
    keep(tmp_path, TrainingConfig(per_device_train_batch_size=1), "cpu", "trl", 10.0)
    keep(tmp_path, TrainingConfig(per_device_train_batch_size=8), "cpu", "unsloth", 80.0)
    assert ratio(tmp_path, TrainingConfig(), "cpu") is None


def test_lines_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    keep(tmp_path, TrainingConfig(), "cpu", "trl", 10.0)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"about": ["cpu"], "tokens_per_s": "fast"}\nnonsense\n[1]\n{"about"')
    assert ratio(tmp_path, TrainingConfig(), "cpu") is None


def test_only_the_latest_runs_are_remembered(tmp_path: Path) -> None:
    for number in range(2 * KEPT + 1):
        keep(tmp_path, TrainingConfig(), "cpu", "trl", number + 1.0)
    lines = (tmp_path / FILE).read_text("utf-8").splitlines()
    assert len(lines) == KEPT and json.loads(lines[-1])["tokens_per_s"] == 2 * KEPT + 1.0


def test_a_run_goes_on_with_what_it_began_with(tmp_path: Path) -> None:
    job = Job(tmp_path, {}, Settings(home=tmp_path / "home"))
    failed = Choice("trl", "engines.reason.failed", {"why": "no kernel"})
    note(tmp_path, failed)
    assert begin(job, TrainingConfig(engine="unsloth"), "cpu") == failed
    from backend.training.methods.building import build

    assert build_of(failed, job) is build
