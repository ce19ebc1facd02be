"""Curves of a run: read as they grow, one line over a resume, thin without losing a spike, smooth without a dip."""

from __future__ import annotations

import json
import math
import tracemalloc
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from backend.jobs.folder import RunFolder, append_line, read_lines
from backend.jobs.progress import Progress
from backend.jobs.run import RunState
from backend.training.telling.curves import POINTS, CurveReader, CurveShelf, smoothed, thinned


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def told(folder: Path, *lines: dict[str, Any]) -> None:
    for line in lines:
        append_line(folder / "metrics.jsonl", line)


def reader(folder: Path, **settings: Any) -> CurveReader:
    return CurveReader(folder / "metrics.jsonl", **settings)


def test_what_a_run_tells_through_its_progress_is_what_is_read(folder: Path) -> None:
    progress = Progress(RunFolder(folder), RunState())
    progress.metric(step=1, loss=2.5, learning_rate=1e-4, grad_norm=0.7)
    progress.metric(step=2, loss=2.0)
    progress.metric(step=2, eval_loss=2.2)
    curves = reader(folder).read()
    assert curves["loss"].steps == (1, 2) and curves["loss"].values == (2.5, 2.0)
    assert curves["eval_loss"].steps == (2,) and curves["eval_loss"].lowest == (2, 2.2)
    assert curves["learning_rate"].values == (1e-4,)
    assert curves.last_step == 2 and curves["energy_j"].last is None


def test_nothing_is_read_of_a_run_that_has_told_nothing(folder: Path) -> None:
    assert len(reader(folder).read()["loss"]) == 0


def test_a_second_reading_takes_what_was_appended_and_waits_for_a_torn_line(folder: Path) -> None:
    told(folder, {"time": 10.0, "step": 1, "loss": 3.0})
    growing = reader(folder)
    first = growing.read()
    assert growing.read() is first
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"time": 11.0, "step": 2, "lo')
        file.flush()
        assert growing.read()["loss"].steps == (1,)
        file.write('ss": 2.0}\n')
    assert growing.read()["loss"].steps == (1, 2)


def test_a_resume_drops_what_was_done_after_the_checkpoint_and_leaves_out_the_pause(folder: Path) -> None:
    told(folder, *({"time": 100.0 + step, "step": step, "loss": 5.0 - step} for step in (1, 2, 3, 4)))
    told(folder, {"time": 104.5, "step": 4, "eval_loss": 9.0})
    told(folder, {"time": 9000.0, "resumed": 2})
    told(folder, {"time": 9001.0, "step": 3, "loss": 1.5}, {"time": 9002.0, "step": 4, "loss": 1.0})
    curves = reader(folder).read()
    assert curves["loss"].steps == (1, 2, 3, 4) and curves["loss"].values == (4.0, 3.0, 1.5, 1.0)
    assert len(curves["eval_loss"]) == 0 and curves.resumed == (2.0,)
    assert curves["loss"].seconds == (0.0, 1.0, 2.0, 3.0)


def test_a_run_killed_before_its_first_checkpoint_begins_its_curve_anew(folder: Path) -> None:
    told(folder, *({"time": float(step), "step": step, "loss": 9.0} for step in (1, 2, 3)))
    told(folder, *({"time": 50.0 + step, "step": step, "loss": 1.0} for step in (1, 2)))
    assert reader(folder).read()["loss"].values == (1.0, 1.0)


def test_a_file_that_became_shorter_is_read_from_its_beginning(folder: Path) -> None:
    told(folder, *({"time": float(step), "step": step, "loss": 9.0} for step in range(1, 20)))
    growing = reader(folder)
    assert len(growing.read()["loss"]) == 19
    (folder / "metrics.jsonl").unlink()
    assert len(growing.read()["loss"]) == 0
    told(folder, {"time": 1.0, "step": 1, "loss": 2.0})
    assert growing.read()["loss"].values == (2.0,)


@pytest.mark.parametrize(
    "line",
    [
        '{"time": 1, "step": 2, "loss": NaN}',
        '{"time": 1, "step": 2, "loss": Infinity}',
        '{"time": 1, "step": 2, "loss": "much"}',
        '{"time": 1, "step": 2, "loss": true}',
        '{"time": 1, "step": 2, "loss": 1' + "0" * 400 + "}",
        '{"time": "now", "step": 2, "loss": 1}',
        '{"time": 1, "step": -2, "loss": 1}',
        "[" * 5000,
        "[1, 2]",
        '{"x": "' + "y" * 200_000 + '", "time": 1, "step": 2, "loss": 1}',
    ],
)
def test_a_line_that_is_no_point_is_passed_over(folder: Path, line: str) -> None:
    told(folder, {"time": 0.0, "step": 1, "loss": 3.0})
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(line + "\n")
    told(folder, {"time": 2.0, "step": 3, "loss": 2.0})
    assert reader(folder).read()["loss"].steps == (1, 3)


def test_a_line_without_an_end_takes_no_memory_and_is_read_once(folder: Path) -> None:
    told(folder, {"time": 0.0, "step": 1, "loss": 3.0})
    growing = reader(folder)
    growing.read()
    with (folder / "metrics.jsonl").open("ab") as file:
        file.truncate(80_000_000)
    tracemalloc.start()
    assert growing.read()["loss"].steps == (1,)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    assert [line["step"] for line in read_lines(folder / "metrics.jsonl")] == [1]
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()
    began = perf_counter()
    growing.read()
    assert perf_counter() - began < 0.05
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'"step": 2}\n')
    told(folder, {"time": 2.0, "step": 3, "loss": 2.0})
    assert growing.read()["loss"].steps == (1, 3)
    assert [line["step"] for line in read_lines(folder / "metrics.jsonl")] == [1, 3]


def test_a_clock_that_was_set_back_does_not_turn_the_curve_back(folder: Path) -> None:
    told(folder, *({"time": time, "step": step, "loss": 1.0} for step, time in enumerate((100.0, 110.0, 40.0, 112.0))))
    seconds = reader(folder).read()["loss"].seconds
    assert list(seconds) == sorted(seconds) and seconds[-1] == 12.0


def test_a_long_curve_is_thinned_and_keeps_its_spike_and_its_ends() -> None:
    points = [(float(step), float(step), 1.0) for step in range(20_000)]
    points[7_777] = (7_777.0, 7_777.0, 50.0)
    points[15_001] = (15_001.0, 15_001.0, -3.0)
    few = thinned(points)
    assert len(few) <= POINTS and few[0] == points[0] and few[-1] == points[-1]
    assert points[7_777] in few and points[15_001] in few
    assert [step for step, _, _ in few] == sorted(step for step, _, _ in few)


@pytest.mark.parametrize("count", [1, 2, 3, 499, 500, 501, 502])
def test_thinning_never_hands_out_more_than_asked(count: int) -> None:
    points = [(float(step), 0.0, float(step % 7)) for step in range(count)]
    assert len(thinned(points)) == min(count, len(thinned(points))) <= POINTS
    assert {thinned(points)[0], thinned(points)[-1]} == {points[0], points[-1]}


def test_smoothing_starts_at_the_first_value_and_keeps_a_level() -> None:
    assert smoothed([3.0, 3.0, 3.0]) == pytest.approx([3.0, 3.0, 3.0])
    calm = smoothed([2.0 + (-1) ** step for step in range(400)])
    assert calm[0] == pytest.approx(3.0) and abs(calm[-1] - 2.0) < 0.1
    assert smoothed([]) == []


def test_the_smoothed_loss_is_of_all_points_and_thinned_after(folder: Path) -> None:
    with (folder / "metrics.jsonl").open("w") as file:
        for step in range(3_000):
            file.write(json.dumps({"time": step * 1.0, "step": step, "loss": 2.0 + math.sin(step)}) + "\n")
    curves = reader(folder).read()
    assert len(curves["loss"]) <= POINTS and len(curves.smoothed) <= POINTS
    assert max(curves["loss"].values) > 2.99 and max(curves.smoothed.values[50:]) < 2.5


def test_a_shelf_reads_on_and_lets_go_of_what_was_not_asked_for_longest(tmp_path: Path) -> None:
    shelf = CurveShelf(most=2)
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        told(tmp_path / name, {"time": 1.0, "step": 1, "loss": 1.0})
        assert shelf.of(tmp_path / name)["loss"].values == (1.0,)
    told(tmp_path / "c", {"time": 2.0, "step": 2, "loss": 0.5})
    assert shelf.of(tmp_path / "c")["loss"].values == (1.0, 0.5)
    assert shelf.of(tmp_path / "a")["loss"].values == (1.0,)
