"""Whole checkpoints, the best point, the machine's meters, the cadence: what a run stands on, without a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from backend.models.adapter_card import AdapterCard, BaseCard
from backend.models.adapter_files import WHOLE_TENSORS, read_card, write_card
from backend.training.running.best import Best, BestKept, memorised_at
from backend.training.running.cadence import DEV_ROWS, cadence, total_steps
from backend.training.running.checkpoints import COMPLETE, keep_only, newest, seal, steps, whole
from backend.training.running.watching import Energy, Pace, peak_host_bytes
from tests.training.working import config_for

CONFIG = config_for(Path("/nowhere"), eval_steps=None)


def checkpoint(folder: Path, step: int, sealed: bool = True) -> Path:
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    (made / "adapter_model.safetensors").write_bytes(bytes(100))
    (made / "trainer_state.json").write_text(json.dumps({"global_step": step, "max_steps": 50}), "utf-8")
    if sealed:
        seal(made)
    return made


def test_only_a_sealed_checkpoint_of_the_same_size_is_taken(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    first, second = checkpoint(tmp_path, 9), checkpoint(tmp_path, 10)
    checkpoint(tmp_path, 20, sealed=False)
    assert newest(tmp_path) == second and steps(second) == (10, 50) and steps(None) == (0, 0)
    (second / "adapter_model.safetensors").write_bytes(bytes(60))
    assert newest(tmp_path) == first
    (first / COMPLETE).write_text("{", "utf-8")
    assert not whole(first) and newest(tmp_path) is None


def test_the_others_are_removed(tmp_path: Path) -> None:
    kept = checkpoint(tmp_path, 3)
    checkpoint(tmp_path, 2)
    checkpoint(tmp_path, 4, sealed=False)
    keep_only(tmp_path, kept)
    assert list(tmp_path.iterdir()) == [kept] and whole(kept)


def test_the_best_is_replaced_as_a_whole(tmp_path: Path) -> None:
    kept = BestKept(tmp_path)
    assert kept.read() is None
    kept.keep(Best(step=4, loss=2.0), lambda folder: _write(folder, "old"))
    with pytest.raises(OSError, match="full"):
        kept.keep(Best(step=8, loss=1.0), _breaks)
    assert kept.read() == Best(step=4, loss=2.0) and read_card(kept.folder).run == "old"
    kept.keep(Best(step=8, loss=1.0), lambda folder: _write(folder, "new"))
    assert kept.read() == Best(step=8, loss=1.0) and [one.name for one in tmp_path.iterdir()] == ["adapter-best"]
    # Killed between the two renames.
    kept.folder.rename(tmp_path / "adapter-best.old")
    assert kept.read() == Best(step=8, loss=1.0)


def test_a_best_that_a_power_cut_damaged_is_none(tmp_path: Path) -> None:
    kept = BestKept(tmp_path)
    kept.keep(Best(step=4, loss=2.0), lambda folder: _write(folder, "old"))
    shutil.copytree(kept.folder, tmp_path / "adapter-best.old")
    (kept.folder / WHOLE_TENSORS).write_bytes(b"")
    # The one before was not yet let go.
    assert kept.read() == Best(step=4, loss=2.0) and read_card(kept.folder).run == "old"
    (kept.folder / WHOLE_TENSORS).write_bytes(b"")
    assert kept.read() is None
    kept.keep(Best(step=8, loss=3.0), lambda folder: _write(folder, "new"))
    assert kept.read() == Best(step=8, loss=3.0)


def _write(folder: Path, run: str) -> None:
    folder.mkdir()
    save_file({"weight": torch.ones(3)}, folder / WHOLE_TENSORS)
    base = BaseCard(label="base", identity="0" * 16)
    write_card(folder, AdapterCard(kind="weights", method="full", base=base, run=run))


def _breaks(folder: Path) -> None:
    _write(folder, "half")
    raise OSError("full")


def test_memorising_is_a_rise_that_lasts() -> None:
    assert memorised_at([(10, 2.0), (20, 1.0), (30, 1.2), (40, 1.4)]) == 20
    assert memorised_at([(10, 2.0), (20, 1.0), (30, 1.4)]) is None
    assert memorised_at([(10, 2.0), (20, 1.0), (30, 1.4), (40, 1.005)]) is None
    assert memorised_at([(10, 3.0), (20, 2.0), (30, 1.0)]) is None
    assert memorised_at([(10, 1.0), (20, float("nan")), (30, 2.0), (40, 2.0)]) == 10


def test_energy_counts_packages_and_survives_a_counter_that_begins_again(tmp_path: Path) -> None:
    zone, inner = tmp_path / "intel-rapl:0", tmp_path / "intel-rapl:0:0"
    for one in (zone, inner):
        one.mkdir()
        (one / "energy_uj").write_text("900000", "utf-8")
        (one / "max_energy_range_uj").write_text("1000000", "utf-8")
    energy = Energy(tmp_path)
    (zone / "energy_uj").write_text("950000", "utf-8")
    first = energy.joules()
    (zone / "energy_uj").write_text("50000", "utf-8")
    second = energy.joules()
    assert first is not None and second is not None
    assert second - first == pytest.approx(0.1, abs=1e-6) or second > first
    assert Energy(tmp_path / "none").joules() is None or Energy(tmp_path / "none").joules() == pytest.approx(0, abs=50)


def test_a_machine_that_slept_does_not_break_the_pace() -> None:
    pace = Pace()
    assert pace.value() is None
    for _ in range(10):
        pace.add(100, 0.5)
    pace.add(100, 3600.0)
    assert pace.value() == pytest.approx(200) and pace.seconds == pytest.approx(5.5) and pace.tokens == 1100
    assert peak_host_bytes() > 10**6


def test_evaluations_take_no_more_than_a_quarter_of_the_training() -> None:
    assert total_steps(CONFIG, 24) == 12 and total_steps(CONFIG.model_copy(update={"max_steps": 7}), 24) == 7
    none = cadence(CONFIG, 24, 0)
    assert none.dev_rows == 0 and none.evaluations == 0
    for rows, dev in ((24, 8), (100, 1000), (5_000, 100), (100_000, 20_000)):
        found = cadence(CONFIG, rows, dev)
        assert 1 <= found.eval_steps <= found.steps and found.evaluations <= 20
        assert found.dev_rows <= min(dev, DEV_ROWS)
        if rows >= 5_000:
            assert found.evaluations * found.dev_rows <= 0.26 * 3 * 2 * rows
    asked = cadence(CONFIG.model_copy(update={"eval_steps": 5, "save_steps": 3}), 100, 10)
    assert (asked.eval_steps, asked.save_steps, asked.dev_rows) == (5, 3, 10)
