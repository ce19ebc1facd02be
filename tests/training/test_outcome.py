"""From a run to a version of its assistant, and what the run came to in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.assistants import AdapterRef, Examples, Shot
from backend.errors import BadInput, Busy, NotFound
from backend.evaluation.cost import making
from backend.jobs.folder import RunFolder
from backend.jobs.progress import Progress
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.adapter_card import BaseCard
from backend.models.adapters import Adapters
from backend.models.memory import machine
from backend.projects.folder import Project
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.methods.building import build
from backend.training.methods.saving import save
from backend.training.running.best import Best, BestKept
from backend.training.running.checkpoints import seal
from backend.training.telling.curves import CurveReader
from backend.training.telling.outcome import adapter_of, config_of, save_assistant, saved_from, trained
from backend.training.telling.verdicts import memorising, words
from tabs.text import Words
from tests.training.working import config_for, do, submitted

ADAPTER = AdapterRef(id="a" * 32, method="lora")
SHOTS = Examples(shots=(Shot(variables={"input": "좋아요"}, output="긍정"),))


def ended_with(resting: Runs, config: TrainingConfig, state: str = "succeeded", **facts: object) -> Run:
    """A run folder that ended so."""
    run = submitted(resting, config)
    progress = Progress(RunFolder(run.folder), RunFolder(run.folder).read_state())
    progress.result(**facts)
    progress.set(state=state)
    return resting.get(run.id)


def keys(run: Run) -> list[str]:
    curves = CurveReader(run.folder / "metrics.jsonl").read()
    told = words(run, curves)
    for language in (Words("ko"), Words("en")):
        for one in told:
            assert "{" not in language.t(one.key, **one.details)
    return [one.key.removeprefix("train_told.") for one in told]


def losses(run: Run, name: str, *values: float, every: int = 1) -> None:
    progress = Progress(RunFolder(run.folder), RunFolder(run.folder).read_state())
    for number, value in enumerate(values):
        progress.metric(**{"step": number * every, name: value})


# --- the version --------------------------------------------------------------------------------------------------


def test_a_run_becomes_a_version_with_its_parent_and_asked_twice_the_same_one(
    resting: Runs, project: Project, settings: Settings, tiny: Path
) -> None:
    adapters = Adapters(settings.home / "projects")
    parent = project.assistants.save("영화평", config_for(tiny).assistant)
    config = config_for(tiny, parent_id=parent.id, max_steps=2, metric_examples=0, sample_inputs=0)
    run = submitted(resting, config)
    with pytest.raises(Busy) as early:
        save_assistant(project, adapters, run)
    assert early.value.key == "error.training_unfinished"
    do(run, settings)
    run = resting.get(run.id)
    saved = save_assistant(project, adapters, run, note="손실이 내려갔습니다")
    assert (saved.name, saved.number, saved.parent_id) == ("영화평", 2, parent.id)
    assert saved.assistant.adapter == adapter_of(run) and saved.note == "손실이 내려갔습니다"
    assert saved.assistant.model_copy(update={"adapter": None}) == parent.assistant
    assert making(project, saved.assistant) == run.result["seconds"] > 0
    assert save_assistant(project, adapters, run).id == saved.id
    assert [one.id for one in saved_from(project, run.result["adapter"])] == [saved.id]
    other = save_assistant(project, adapters, run, name="다른 이름")
    assert other.name == "다른 이름" and other.number == 1 and other.parent_id == parent.id


def test_a_model_that_nobody_saved_is_saved_as_the_parent(
    resting: Runs, project: Project, settings: Settings, tiny: Path
) -> None:
    config = config_for(tiny, max_steps=1, metric_examples=0, sample_inputs=0)
    run = submitted(resting, config)
    do(run, settings)
    saved = save_assistant(project, Adapters(settings.home / "projects"), resting.get(run.id))
    assert saved.parent_id is not None
    parent = project.assistants.get(saved.parent_id)
    assert parent.assistant.adapter is None and parent.assistant.model == saved.assistant.model


def test_an_adapter_that_is_gone_is_told(resting: Runs, project: Project, settings: Settings, tiny: Path) -> None:
    run = ended_with(resting, config_for(tiny), adapter=ADAPTER.id, method="lora")
    with pytest.raises(NotFound):
        save_assistant(project, Adapters(settings.home / "projects"), run)
    assert project.assistants.list() == []


@pytest.mark.parametrize(("objective", "kept"), [("answers", False), ("prompt_based", True), ("documents", True)])
def test_examples_that_were_learned_by_heart_leave_the_prompt(tiny: Path, objective: str, kept: bool) -> None:
    base = config_for(tiny, quantization="nf4")
    assistant = base.assistant.model_copy(update={"examples": SHOTS})
    config = base.model_copy(update={"assistant": assistant, "objective": objective})
    made = trained(config, ADAPTER)
    assert (made.examples == SHOTS) is kept
    assert made.quantization == "nf4" and made.adapter == ADAPTER


def test_a_config_of_a_newer_studio_is_told(resting: Runs, project: Project, settings: Settings) -> None:
    run = resting.submit("training", {"format": "matchum-training-9", "telepathy": True}, "뒷날")
    with pytest.raises(BadInput) as told:
        config_of(run)
    assert told.value.key == "error.training_config"


# --- the words ----------------------------------------------------------------------------------------------------


def test_a_run_that_learned_says_so_and_names_the_point_that_is_kept(resting: Runs, tiny: Path) -> None:
    run = ended_with(
        resting, config_for(tiny), adapter=ADAPTER.id, steps=8, best_step=8, best_loss=0.5, memorised_at=None,
        seconds=12.0, tokens_per_s=200.0, peak_bytes=10**9, joules=None,
        metric_name="accuracy", metric_before=0.5, metric_after=0.8, metric_n=20,
    )  # fmt: skip
    losses(run, "loss", 3.0, 2.0, 1.0, 0.5)
    assert keys(run) == ["learned", "best_last", "metric_up", "metric_n", "cost"]


def test_a_run_that_memorised_says_from_when(resting: Runs, tiny: Path) -> None:
    run = ended_with(
        resting, config_for(tiny), steps=30, best_step=12, best_loss=0.5, memorised_at=12, stopped_early=True,
        first_loss=2.0, last_loss=1.99, metric_name="accuracy", metric_before=0.5, metric_after=0.4,
        seconds=3.0, tokens_per_s=1.0, peak_bytes=1, joules=7200.0,
    )  # fmt: skip
    assert keys(run) == ["not_learned", "memorised", "stopped_early", "metric_down", "cost_energy"]
    told = words(run)
    assert told[1].details == {"step": 12, "best": 12} and told[4].details["energy"] == "2.00"


def test_what_the_run_itself_said_of_memorising_counts(resting: Runs, tiny: Path) -> None:
    run = ended_with(resting, config_for(tiny), state="stopped", memorised_at=None)
    losses(run, "eval_loss", 3.0, 2.0, 1.0, 1.2, 1.3, every=10)
    assert "memorising" not in keys(run)
    assert "memorising" in keys(ended_with(resting, config_for(tiny), state="stopped", memorised_at=20))


def test_a_score_before_that_had_no_examples_is_told(resting: Runs, tiny: Path) -> None:
    plain = config_for(tiny)
    shown = plain.model_copy(update={"assistant": plain.assistant.model_copy(update={"examples": SHOTS})})
    facts: dict[str, object] = {"metric_name": "accuracy", "metric_before": 0.5, "metric_after": 0.5, "metric_n": 8}
    for config, told in ((plain, False), (shown, True)):
        assert ("metric_shots" in keys(ended_with(resting, config, **facts))) is told
    kept = shown.model_copy(update={"objective": "prompt_based"})
    assert "metric_shots" not in keys(ended_with(resting, kept, **facts))


def test_a_run_without_dev_examples_does_not_claim_a_best(resting: Runs, tiny: Path) -> None:
    run = ended_with(resting, config_for(tiny), steps=4, best_step=4, best_loss=None, first_loss=2.0, last_loss=1.0)
    assert keys(run) == ["learned", "no_dev"]


def test_while_it_runs_a_rising_validation_loss_is_told_once_it_is_no_wobble(resting: Runs, tiny: Path) -> None:
    run = ended_with(resting, config_for(tiny), state="stopped")
    losses(run, "eval_loss", 3.0, 2.0, 1.0, 1.001, every=10)
    assert keys(run) == ["stopped_at", "unsaved"]
    losses(run, "eval_loss", 3.0, 2.0, 1.0, 1.001, 1.3, every=10)
    curve = CurveReader(run.folder / "metrics.jsonl").read()["eval_loss"]
    assert memorising(curve) == 20
    assert keys(run) == ["memorising", "stopped_at", "unsaved"]


@pytest.mark.parametrize("state", ["stopped", "interrupted", "failed"])
def test_what_is_not_saved_is_not_claimed(resting: Runs, tiny: Path, state: str) -> None:
    run = ended_with(resting, config_for(tiny), state=state)
    assert keys(run) == [*([] if state == "failed" else [f"{state}_at_once"]), "unsaved"]
    losses(run, "loss", 3.0, 2.0, 1.0)
    checkpoint = run.folder / "checkpoints" / "checkpoint-2"
    checkpoint.mkdir(parents=True)
    assert keys(run)[-1] == "unsaved", "half a checkpoint is none"
    seal(checkpoint)
    run.output.mkdir(exist_ok=True)
    built, card = build(config_for(tiny), tiny), BaseCard(label="tiny", identity="x" * 8)
    best = Best(step=2, loss=0.5)
    BestKept(run.output).keep(best, lambda folder: save(built, config_for(tiny), folder, card, run.id))
    assert keys(run)[-2:] == ["saved_at", "best_so_far"]
    told = words(run, CurveReader(run.folder / "metrics.jsonl").read())
    assert [one.details["step"] for one in told] == ([2, 2] if state == "failed" else [2, 2, 2])


def test_a_run_that_was_cut_off_with_memory_nearly_full_says_so(resting: Runs, tiny: Path) -> None:
    for share, short in ((0.2, False), (0.9, True)):
        run = ended_with(resting, config_for(tiny), state="interrupted")
        losses(run, "host_bytes", 1e9, share * machine().memory_bytes)
        assert ("memory_short" in keys(run)) is short


@pytest.mark.parametrize(
    "junk", [{"best_step": "x", "best_loss": [1], "seconds": {"a": 1}}, {"metric_before": 10**400}]
)
def test_facts_that_are_no_figures_are_passed_over(resting: Runs, tiny: Path, junk: dict[str, object]) -> None:
    run = ended_with(resting, config_for(tiny), **junk)
    assert "no_dev" in keys(run)
