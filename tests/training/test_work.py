"""A training run as its worker does it: to its end, stopped and resumed, killed, ended early with its best."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from backend.answering import Answering, Question
from backend.assistants import AdapterRef
from backend.errors import Busy, ModelProblem, NotFound, StorageProblem
from backend.evaluation.work import opened
from backend.jobs.folder import RunFolder, read_lines
from backend.jobs.kinds import Job
from backend.jobs.runs import Runs, end_processes
from backend.projects.folder import Project
from backend.services import create_services
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.estimating.batches import batched
from backend.training.rows import snapshot
from backend.training.running.best import BestKept
from backend.training.running.cadence import cadence
from backend.training.running.checkpoints import newest, step_of
from backend.training.start import go_on, keep_best
from backend.training.telling.outcome import trained
from tests.tiny import tiny_model
from tests.training.working import add_folder, config_for, do, points, result, stopped, submitted
from tests.waiting import ended, until

EXACT = 1e-6
"""Two runs of the same numbers on one machine differ by nothing; what is asked for is 1e-4."""


def memorises(folder: Path) -> TrainingConfig:
    """Ends early with its best behind it: few examples, many epochs, all weights."""
    return config_for(
        folder, method="full", learning_rate=2e-2, num_train_epochs=60.0, limit=8, early_stopping_patience=3,
        eval_steps=2, metric_examples=0, sample_inputs=0,
    )  # fmt: skip


def test_a_run_ends_in_an_adapter_that_answers(runs: Runs, settings: Settings, tiny: Path) -> None:
    config = config_for(tiny, num_train_epochs=4.0)
    run = ended(runs, submitted(runs, config))
    assert run.state == "succeeded", runs.log(run.id)
    told = run.result
    assert told["steps"] == run.done == run.total == 24
    assert told["engine"] == "trl" and told["trainable"] < told["total"]
    assert told["last_loss"] < told["first_loss"] and 0 < told["best_step"] <= 24
    assert told["metric_name"] == "accuracy" and 0 <= told["metric_before"] <= 1 and 0 <= told["metric_after"] <= 1
    assert told["metric_n"] == 4
    assert told["tokens"] > 0 and told["tokens_per_s"] > 0 and told["peak_bytes"] > 10**8
    seen = points(run)
    assert [step for name, step in seen if name == "loss"] == list(range(1, 25))
    assert ("eval_loss", 0) in seen and ("eval_loss", 24) in seen and ("metric", 0) in seen and ("metric", 24) in seen
    assert (
        seen["eval_loss", told["best_step"]]
        == told["best_loss"]
        == min(value for (name, step), value in seen.items() if name == "eval_loss" and step)
    )
    samples = list(read_lines(run.output / "samples.jsonl"))
    assert samples[0]["step"] == 0 and samples[-1]["step"] == 24 and len(samples[-1]["items"]) == 2
    # Nothing is left but what was learned, and that answers by itself as it was told.
    assert not list((run.folder / "checkpoints").glob("*")) and not BestKept(run.output).folder.exists()
    with opened(Job(run.folder, {}, settings)) as (_, host):
        ref = AdapterRef(id=told["adapter"], method="lora")
        item = samples[-1]["items"][0]
        assistant = trained(config, ref)
        *_, last = Answering(host).answer(assistant, Question({"input": item["input"]}))
        assert item["answer"].startswith(last.text) or last.text.startswith(item["answer"])
        *_, before = Answering(host).answer(config.assistant, Question({"input": item["input"]}))
        assert samples[0]["items"][0]["answer"].startswith(before.text)


@pytest.mark.parametrize(
    ("stops", "fields"),
    [
        ((3, 7, 13), {}),
        ((2, 6), {"train_sampling_strategy": "random", "gradient_accumulation_steps": 2, "neftune_noise_alpha": 5.0}),
        ((5,), {"method": "full", "learning_rate": 1e-3, "lr_scheduler_type": "cosine"}),
        ((6,), {"method": "p_tuning", "learning_rate": 1e-2}),
        ((5,), {"method": "adalora"}),
        ((6,), {"objective": "head", "method": "lora"}),
        ((4,), {"packing": True, "max_length": 128, "num_train_epochs": 8.0}),
    ],
    ids=["grouped", "random", "full", "p_tuning", "adalora", "head", "packing"],
)
def test_a_resumed_run_learns_as_if_it_had_never_stopped(
    resting: Runs, settings: Settings, tiny: Path, stops: tuple[int, ...], fields: dict[str, Any]
) -> None:
    asked: dict[str, Any] = {"num_train_epochs": 3.0, "early_stopping_patience": 0, **fields}
    config = config_for(tiny, lora_dropout=0.2, metric_examples=0, sample_inputs=0, **asked)
    whole, cut = submitted(resting, config), submitted(resting, config)
    do(whole, settings)
    for at in stops:
        stopped(cut, settings, at)
        assert [step_of(one) for one in (cut.folder / "checkpoints").iterdir()] == [at]
    do(cut, settings)
    one, other = points(whole), points(cut)
    assert one.keys() == other.keys() and len(one) > 5
    assert max(abs(one[key] - other[key]) for key in one) <= EXACT
    assert result(whole)["adapter"] == result(cut)["adapter"]


def test_a_killed_run_goes_on_from_its_last_whole_checkpoint(runs: Runs, settings: Settings, tiny: Path) -> None:
    config = config_for(tiny, num_train_epochs=20.0, save_steps=2, eval_steps=20, lora_dropout=0.1, metric_examples=0)
    whole = submitted(runs, config)
    cut = submitted(runs, config)
    checkpoints = cut.folder / "checkpoints"
    for _ in range(2):
        had = newest(checkpoints)
        # Of this attempt: the one before may have left a whole one.
        until(lambda had=had: newest(checkpoints) not in (None, had))  # type: ignore[misc]
        time.sleep(random.random() / 2)
        end_processes(RunFolder(cut.folder))
        assert runs.get(cut.id).state == "interrupted"
        half = checkpoints / "checkpoint-999"
        half.mkdir()
        (half / "trainer_state.json").write_text("{", "utf-8")
        with (cut.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write('{"time": 1.0, "step"')
        cut = runs.resume(cut.id)
    cut, whole = ended(runs, cut), ended(runs, whole)
    assert cut.state == whole.state == "succeeded", runs.log(cut.id)
    assert any("resumed" in line for line in read_lines(cut.folder / "metrics.jsonl"))
    assert points(cut) == points(whole) and cut.result["adapter"] == whole.result["adapter"]
    # The lane let one of them work at a time: the one that nobody killed did all of its work in one go.
    moments = [line["time"] for line in read_lines(whole.folder / "metrics.jsonl")]
    others = [line["time"] for line in read_lines(cut.folder / "metrics.jsonl")]
    assert others and not [one for one in others if moments[0] <= one <= (whole.ended or 0)]


def test_patience_counts_on_over_a_stop(resting: Runs, settings: Settings, tiny: Path) -> None:
    whole, cut = submitted(resting, memorises(tiny)), submitted(resting, memorises(tiny))
    do(whole, settings)
    end, best = result(whole)["steps"], result(whole)["best_step"]
    assert end == best + 3 * 2 < 120
    stopped(cut, settings, best + 3)
    stopped(cut, settings, best + 5)
    do(cut, settings)
    assert result(cut)["stopped_early"] is True and points(cut) == points(whole)
    assert result(cut)["adapter"] == result(whole)["adapter"]


class Killed(BaseException):
    """Where a kill would have fallen."""


def test_a_kill_after_the_early_end_changes_nothing(
    resting: Runs, settings: Settings, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = submitted(resting, memorises(tiny))
    do(whole, settings)
    assert result(whole)["best_step"] < result(whole)["steps"]

    def kill(*_: object) -> None:
        raise Killed

    rename = Path.rename

    def kill_at_the_last(path: Path, target: Path) -> Path:
        return kill() if Path(target).name == "adapter" else rename(path, target)  # type: ignore[return-value]

    for place in ("told", "untold", "renaming"):
        run = submitted(resting, memorises(tiny))
        with monkeypatch.context() as patch, pytest.raises(Killed):
            if place == "renaming":
                patch.setattr(Path, "rename", kill_at_the_last)
            else:
                patch.setattr("backend.training.running.work.remember", kill)
            do(run, settings)
        if place == "untold":  # before the state was written
            folder = RunFolder(run.folder)
            state = folder.read_state()
            left = {name: value for name, value in state.result.items() if name != "stopped_early"}
            folder.write_state(state.model_copy(update={"result": left}))
        do(run, settings)
        for fact in ("adapter", "best_step", "best_loss", "steps", "stopped_early"):
            assert result(run)[fact] == result(whole)[fact], (place, fact)
        assert not any("resumed" in line for line in read_lines(run.folder / "metrics.jsonl")), place


def test_a_best_that_was_damaged_gives_way_to_the_last(resting: Runs, settings: Settings, tiny: Path) -> None:
    run = submitted(resting, config_for(tiny, metric_examples=0, sample_inputs=0))

    def cut_short() -> None:
        (BestKept(run.output).folder / "adapter_model.safetensors").write_bytes(b"")

    stopped(run, settings, 9)
    cut_short()
    (run.folder / "finish").touch()
    do(run, settings)
    assert result(run)["adapter"] and result(run)["best_step"] is None and result(run)["best_loss"] is None


def test_packed_rows_are_counted_as_they_are_batched(resting: Runs, settings: Settings, tiny: Path) -> None:
    config = config_for(
        tiny, packing=True, max_length=128, num_train_epochs=16.0, eval_steps=None, metric_examples=0, sample_inputs=0,
        early_stopping_patience=0,
    )  # fmt: skip
    run = submitted(resting, config)
    do(run, settings)
    rows = snapshot.read(run.folder / "data")
    packed = batched(config, [len(row.input_ids) for row in rows.train])
    told = cadence(config, packed, len(rows.dev))
    evaluations = [step for name, step in points(run) if name == "eval_loss" and step]
    assert packed < len(rows.train) and told.steps == result(run)["steps"]
    assert len(evaluations) >= 5 and evaluations[0] == told.eval_steps


def test_a_speed_that_cannot_be_kept_fails_no_run(
    resting: Runs, settings: Settings, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.training.methods.speeds.LEAST_S", 0.0)
    (settings.home / "engine_speeds.jsonl").mkdir()
    run = submitted(resting, config_for(tiny, max_steps=2, metric_examples=0, sample_inputs=0))
    do(run, settings)
    assert result(run)["adapter"] and result(run)["tokens_per_s"] > 0


def test_ending_with_the_best_needs_no_more_training(resting: Runs, settings: Settings, tiny: Path) -> None:
    run = submitted(resting, config_for(tiny, num_train_epochs=4.0))
    stopped(run, settings, 9)
    (run.folder / "finish").touch()
    do(run, settings)
    told = result(run)
    assert told["best_step"] in (4, 8) and told["steps"] == 9 and told["stopped_early"] is False
    assert (run.output / "adapter").is_dir() and told["metric_after"] is not None


def test_a_running_one_is_ended_with_its_best(runs: Runs, tiny: Path) -> None:
    run = submitted(runs, config_for(tiny, num_train_epochs=500.0, early_stopping_patience=0))
    until(lambda: (runs.get(run.id).done or 0) > 20)
    keep_best(runs, run.id)
    over = ended(runs, run)
    assert over.state == "succeeded", runs.log(run.id)
    assert over.result["adapter"] and 20 < over.result["steps"] < 3000 and over.result["metric_after"] is not None
    with pytest.raises(Busy):
        keep_best(runs, run.id)


def test_without_dev_examples_the_last_is_kept(resting: Runs, settings: Settings, tiny: Path, project: Project) -> None:
    project.examples.set_split([one.id for one in project.examples.each("dev", "look")], "train")
    run = submitted(resting, config_for(tiny))
    stopped(run, settings, 3)
    (run.folder / "finish").touch()
    do(run, settings)
    assert result(run)["steps"] == 3 and (run.output / "adapter").is_dir()
    assert not result(run).keys() & {"best_step", "best_loss"}


def test_there_is_nothing_to_keep_before_the_first_checkpoint(resting: Runs, settings: Settings, tiny: Path) -> None:
    run = submitted(resting, config_for(tiny))
    (run.folder / "finish").touch()
    with pytest.raises(StorageProblem, match="nothing_kept"):
        do(run, settings)


def test_resuming_takes_back_the_wish_to_finish(resting: Runs, settings: Settings, tiny: Path) -> None:
    run = submitted(resting, config_for(tiny))
    stopped(run, settings, 3)
    (run.folder / "finish").touch()
    go_on(resting, run.id)
    do(run, settings)
    assert result(run)["steps"] == 12


def test_resuming_from_the_header_takes_it_back_too(
    resting: Runs, settings: Settings, project: Project, tiny: Path
) -> None:
    run = submitted(resting, config_for(tiny))
    folder = RunFolder(run.folder)
    folder.write_state(folder.read_state().model_copy(update={"state": "stopped"}))
    (run.folder / "finish").touch()
    services = create_services(settings)
    try:
        services.act_on_run("owner", project.folder.name, "resume", f"project/{run.id}")
        assert not (run.folder / "finish").exists() and resting.get(run.id).active
    finally:
        end_processes(folder)
        services.close()


def test_memorising_stops_the_run_and_is_told(resting: Runs, settings: Settings, tiny: Path) -> None:
    """Few examples, many epochs, all weights: the dev loss turns up."""
    run = submitted(resting, memorises(tiny))
    do(run, settings)
    told = result(run)
    assert told["stopped_early"] is True and told["memorised_at"] == told["best_step"] < told["steps"] < 120
    assert told["last_loss"] < told["first_loss"]


def test_a_base_that_was_deleted_or_changed(resting: Runs, settings: Settings, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "copy")
    add_folder(settings, str(folder))
    run, other = submitted(resting, config_for(folder)), submitted(resting, config_for(folder))
    # Deleted while it trains: what was learned is kept, only the last answers are missing.
    do(other, settings, step_6=lambda: shutil.rmtree(folder))
    assert result(other)["adapter"] and "metric_after" not in result(other)
    tiny_model(folder)
    stopped(run, settings, 5)
    shutil.rmtree(folder)
    with pytest.raises((ModelProblem, NotFound)):
        do(run, settings)
    tiny_model(folder, seed=5)
    with pytest.raises(ModelProblem, match="base_changed"):
        do(run, settings)
    shutil.rmtree(folder)
    (run.folder / "finish").touch()
    do(run, settings)
    assert result(run)["adapter"]


def test_documents_teach_every_token(resting: Runs, settings: Settings, tiny: Path, tmp_path: Path) -> None:
    text = tmp_path / "book.txt"
    text.write_text("\n\n".join(f"제{number}장. 구내식당에서 김치찌개를 먹었습니다." for number in range(60)), "utf-8")
    config = config_for(tiny, objective="documents", documents=("book.txt",), max_length=64, num_train_epochs=1.0)
    run = resting.submit("training", config.model_dump(mode="json"), files={"book.txt": text})
    do(run, settings)
    told = result(run)
    assert told["adapter"] and told["last_loss"] < told["first_loss"]


def test_a_head_is_trained_and_answers_with_labels(resting: Runs, settings: Settings, tiny: Path) -> None:
    config = config_for(tiny, objective="head", method="full", learning_rate=5e-3, num_train_epochs=6.0)
    run = submitted(resting, config)
    do(run, settings)
    told = result(run)
    assert told["last_loss"] < told["first_loss"] and told["metric_after"] >= 0.25
    answers = {item["answer"] for line in read_lines(run.output / "samples.jsonl") for item in line["items"]}
    assert answers <= {"긍정", "부정"}


def test_a_config_that_cannot_be_read(resting: Runs, settings: Settings) -> None:
    run = resting.submit("training", {"format": "matchum-training-9"})
    with pytest.raises(StorageProblem, match="training_config"):
        do(run, settings)


def test_an_adapter_is_trained_further(resting: Runs, settings: Settings, tiny: Path) -> None:
    config = config_for(tiny)
    first = submitted(resting, config)
    do(first, settings)
    ref = AdapterRef(id=result(first)["adapter"], method="lora")
    again = TrainingConfig.model_validate(
        {**config.model_dump(), "assistant": config.assistant.model_copy(update={"adapter": ref}).model_dump()}
    )
    second = submitted(resting, again)
    do(second, settings)
    assert result(second)["first_loss"] < result(first)["first_loss"]
    assert result(second)["adapter"] != ref.id
