"""The watch part: what stands on the page in every state of a run, what a poll sends, and what the buttons do."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from sqlalchemy import select

from backend.assistants import AdapterRef, Assistant, Instructions
from backend.examples.example import NewExample
from backend.examples.task import Task
from backend.jobs.folder import RunFolder, append_line
from backend.jobs.progress import Progress
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.adapters import Adapters
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.projects.tables import ExampleRow
from backend.services import create_services
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.telling.curves import Curve, Curves
from backend.training.telling.history import About, Training
from studio.app import build_app
from tabs.session import OWNER
from tabs.text import Words
from tabs.training import plots
from tabs.training.plots import Seen
from tabs.training.watch_desk import Desk
from tabs.training.watch_doing import Doing
from tabs.training.watch_state import Looked, hand_over
from tabs.training.watch_views import Measured, buttons, head_view
from tests.fakes import Resting

KO, EN = Words("ko"), Words("en")
STATES = ("queued", "running", "stopping", "stopped", "succeeded", "failed", "interrupted")
ADAPTER = AdapterRef(id="b" * 32, method="lora")
NAMES = ("looked", "head", "body", "which", "over", "axis", "waiting", "samples")
REQUEST = gr.Request(username=None, session_hash="page")


def press(do: str, what: str = "") -> gr.EventData:
    return gr.EventData(None, {"do": do, "what": what})


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Any]:
    """The real thing but for the workers, and for a model host: nothing here loads a model."""
    settings = Settings(home=tmp_path, open_browser=False)
    projects = Projects(tmp_path / "projects")
    project = projects.open(OWNER, projects.create(OWNER, "시험").id)
    adapters = Adapters(tmp_path / "projects")
    (project.files / "adapters" / ADAPTER.id).mkdir(parents=True)
    yield SimpleNamespace(
        settings=settings,
        projects=projects,
        project=project,
        host=SimpleNamespace(adapters=adapters, where=None),
        runs=lambda project: Resting(project.runs_folder, settings),
        act_on_run=lambda *told: None,
    )
    projects.close()


@pytest.fixture
def view() -> Any:
    every = {name: f"plot-{name}" for name in ("losses", *plots.SMALL)}
    return SimpleNamespace(**{name: name for name in NAMES}, plots=every)


@pytest.fixture
def doing(services: Any, view: Any) -> Doing:
    return Doing(Desk(services, KO, view, "parts"))  # type: ignore[arg-type]


@pytest.fixture
def project(services: Any) -> Project:
    found: Project = services.project
    return found


@pytest.fixture
def runs(services: Any, project: Project) -> Runs:
    found: Runs = services.runs(project)
    return found


def config() -> TrainingConfig:
    return TrainingConfig(assistant=Assistant(name="상담", instructions=Instructions(template="{input}")))


def begun(runs: Runs, title: str = "상담 · lora") -> Run:
    return runs.submit("training", config().model_dump(mode="json"), title)


def told(runs: Runs, run: Run, **fields: Any) -> Run:
    folder = RunFolder(run.folder)
    folder.write_state(folder.read_state().model_copy(update=fields))
    return runs.get(run.id)


def trained(runs: Runs, run: Run, steps: int = 5, first: int = 1) -> None:
    """Points as a run writes them."""
    progress = Progress(RunFolder(run.folder), RunFolder(run.folder).read_state())
    for step in range(first, first + steps):
        progress.metric(step=step, loss=3.0 / step, learning_rate=1e-3, grad_norm=1.0, host_bytes=2e9)
        progress.metric(step=step, eval_loss=3.1 / step)


def succeeded(runs: Runs, run: Run) -> Run:
    trained(runs, run)
    facts = {"adapter": ADAPTER.id, "method": "lora", "best_step": 5, "best_loss": 0.62, "steps": 5, "seconds": 7.0}
    return told(runs, run, state="succeeded", done=5, total=5, result=facts)


# --- the head, in every state -------------------------------------------------------------------------------------


def a_run(state: str, **fields: Any) -> Run:
    settings = {"kind": "training", "title": "<b>상담</b>", "folder": Path("x"), "created": 1.0, **fields}
    return Run(id="20260101-000000000000-00000000", state=state, **settings)  # type: ignore[arg-type]


def done_in(words: Words, one: Training, measured: Measured | None = None) -> list[str]:
    drawn = "".join(buttons(words, one, one.saved[0] if one.saved else None, measured or Measured()))
    return [part.split('"')[0] for part in drawn.split('data-do="')[1:]]


@pytest.mark.parametrize(
    ("state", "fields", "offered"),
    [
        ("queued", {}, ["stop"]),
        ("running", {}, ["stop"]),
        ("running", {"done": 3, "total": 9}, ["stop", "finish_now"]),
        ("stopping", {"done": 3, "total": 9}, []),
        ("stopped", {"done": 3, "total": 9}, ["resume", "finish", "clone", "more"]),
        ("interrupted", {"done": 3, "total": 9}, ["resume", "finish", "clone", "more"]),
        ("failed", {"error_key": "error.disk_full"}, ["resume", "finish", "clone", "more"]),
        ("failed", {"error_key": "error.training_memory_batch"}, ["smaller", "resume", "finish", "clone", "more"]),
        ("failed", {"error_key": "error.training_memory_model"}, ["resume", "finish", "clone", "more"]),
        ("succeeded", {}, ["keep", "take", "clone"]),
    ],
)
def test_every_state_offers_what_can_be_done_then(state: str, fields: dict[str, Any], offered: list[str]) -> None:
    adapter = ADAPTER if state == "succeeded" else None
    one = Training(a_run(state, **fields), config(), About(), adapter)
    assert done_in(KO, one) == done_in(EN, one) == offered


def test_smaller_is_offered_to_a_run_the_system_ended_as_long_as_it_can_be_smaller() -> None:
    run = a_run("interrupted", done=3, total=9)
    assert 'data-do="smaller"' in "".join(buttons(KO, Training(run, config(), About(), None), None, Measured(), True))
    least = config().model_copy(update={"per_device_train_batch_size": 1, "gradient_checkpointing": True})
    for one in (Training(run, least, About(), None), Training(run, None, About(), None)):
        assert 'data-do="smaller"' not in "".join(buttons(KO, one, None, Measured(), True))


@pytest.mark.parametrize(("words", "state"), list(itertools.product((KO, EN), STATES)))
def test_a_head_is_whole_in_every_state_and_a_name_stays_a_text(words: Words, state: str) -> None:
    fault = {"error_key": "error.training_memory_batch", "error_details": {"batch": 8, "half": 4}}
    run = a_run(state, done=4, total=10, seconds_left=70.0, **(fault if state == "failed" else {}))
    drawn = head_view(words, Training(run, config(), About(), None), [], None, Measured(), "<log>")
    assert "<b>상담" not in drawn and "&lt;b&gt;상담" in drawn and "{" not in drawn
    assert ("tw-fault" in drawn) is (state == "failed")
    assert ("&lt;log&gt;" in drawn) is (state in ("failed", "interrupted"))
    if state == "running":
        assert words.t("train_watch.steps", done=4, total=10) in drawn and words.duration(70.0) in drawn


# --- looking ------------------------------------------------------------------------------------------------------


def test_where_nothing_was_trained_the_page_says_what_to_do(doing: Doing, project: Project) -> None:
    shown = doing.restore(project.id, Looked(), REQUEST)
    assert KO.t("train_watch.empty") in shown["head"] and shown["body"]["visible"] is False
    assert doing.press(project.id, Looked(), REQUEST, press("setup"))["parts"].selected == "setup"


def test_a_page_that_comes_later_sees_all_and_a_poll_only_what_is_new(
    doing: Doing, project: Project, runs: Runs
) -> None:
    run = begun(runs)
    trained(runs, run)
    told(runs, run, state="stopped", done=5, total=20)
    first = doing.restore(project.id, Looked(), REQUEST)
    assert first["body"]["visible"] is True and first["which"]["value"] == run.id
    assert list(first["plot-losses"]["value"].data[1].x) == [1, 2, 3, 4, 5]
    assert first["plot-energy_j"]["visible"] is False and first["plot-memory"]["visible"] is True
    looked = first["looked"]
    assert doing.follow(project.id, looked, REQUEST) == gr.skip()
    # A reload begins with nothing on the page, and shows the same.
    assert doing.restore(project.id, Looked(), REQUEST)["head"] == first["head"]
    trained(runs, run, steps=2, first=6)
    told(runs, run, done=7)
    moved = doing.follow(project.id, looked, REQUEST)
    assert list(moved["plot-losses"]["value"].data[1].x)[-1] == 7 and "head" in moved and "samples" not in moved


def test_a_poll_is_cheap_while_nothing_happens(doing: Doing, project: Project, runs: Runs) -> None:
    for _ in range(20):
        told(runs, begun(runs), state="stopped")
    looked = doing.restore(project.id, Looked(), REQUEST)["looked"]
    doing.follow(project.id, looked, REQUEST)
    began = time.perf_counter()
    for _ in range(5):
        assert doing.follow(project.id, looked, REQUEST) == gr.skip()
    assert (time.perf_counter() - began) / 5 < 0.5


def test_a_new_run_is_shown_though_an_older_one_was_chosen(doing: Doing, project: Project, runs: Runs) -> None:
    older, newer = (told(runs, begun(runs, title), state="stopped") for title in ("하나", "둘"))
    first = doing.restore(project.id, Looked(), REQUEST)
    assert first["which"]["value"] == newer.id
    picked = doing.pick(project.id, first["looked"], older.id, REQUEST)
    assert picked["which"]["value"] == older.id and "하나" in picked["head"]
    newest = told(runs, begun(runs, "셋"), state="stopped")
    assert doing.follow(project.id, picked["looked"], REQUEST)["which"]["value"] == newest.id


def test_several_runs_stand_in_one_plot_and_the_axis_turns(doing: Doing, project: Project, runs: Runs) -> None:
    one, other = (told(runs, begun(runs, title), state="stopped") for title in ("하나", "둘<i>"))
    for run in (one, other):
        trained(runs, run)
    looked = doing.restore(project.id, Looked(), REQUEST)["looked"]
    both = doing.overlay(project.id, looked, [one.id, "none such"], REQUEST)
    figure = both["plot-losses"]["value"]
    assert [line.name for line in figure.data] == [
        "둘&lt;i&gt; · 학습 손실", "둘&lt;i&gt; · 검증 손실", "하나 · 학습 손실", "하나 · 검증 손실"
    ]  # fmt: skip
    turned = doing.turn(project.id, both["looked"], "time", REQUEST)
    assert turned["plot-losses"]["value"].layout.xaxis.title.text == KO.t("train_watch.axis_seconds")


def test_another_project_s_choice_means_nothing_here(doing: Doing, services: Any, project: Project, runs: Runs) -> None:
    run = told(runs, begun(runs), state="stopped")
    looked = doing.restore(project.id, Looked(), REQUEST)["looked"]
    other = services.projects.create(OWNER, "다른 것").id
    assert KO.t("train_watch.empty") in doing.follow(other, looked, REQUEST)["head"]
    hand_over(project, run.id)
    told(runs, begun(runs), state="stopped")
    assert doing.restore(project.id, Looked(), REQUEST)["which"]["value"] == run.id
    assert project.get_note("training.watch") is None


def test_samples_stand_before_and_after(doing: Doing, project: Project, runs: Runs) -> None:
    run = begun(runs)
    run.output.mkdir()
    trained(runs, run)
    for step, answer in ((0, "<전>"), (3, "중간"), (5, "긍정"), (9, "되돌린 단계")):
        item = {"example_id": 1, "input": "좋은 영화", "expected": "긍정", "answer": answer}
        append_line(run.output / "samples.jsonl", {"step": step, "items": [item]})
    told(runs, run, state="stopped")
    drawn = doing.restore(project.id, Looked(), REQUEST)["samples"]
    assert "&lt;전&gt;" in drawn and "tw-same" in drawn and "되돌린" not in drawn
    assert KO.t("train_watch.sample_after", step=5) in drawn and "<details>" in drawn


# --- doing --------------------------------------------------------------------------------------------------------


def test_one_click_makes_an_assistant_and_the_next_measures_it_against_its_parent(
    doing: Doing, project: Project, runs: Runs
) -> None:
    project.examples.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    project.examples.add([NewExample(variables={"input": f"영화 {number}"}, output="긍정") for number in range(4)])
    project.examples.set_split([one.id for one in project.examples.page(limit=4)], "test")
    run = succeeded(runs, begun(runs))
    with gr.Blocks():
        kept = doing.press(project.id, Looked(), REQUEST, press("keep", run.id))
    latest = project.assistants.list()[0]
    assert latest.assistant.adapter == ADAPTER and latest.parent_id is not None and latest.note
    assert KO.t("train_watch.saved_as", name="상담", number=2) in kept["head"]
    with gr.Blocks():
        doing.press(project.id, Looked(), REQUEST, press("evaluate", run.id))
    asked = next(run for run in runs.list() if run.kind == "evaluation")
    assert asked.config["assistants"] == [latest.parent_id, latest.id] and asked.config["split"] == "test"
    assert project.get_note("compare.choice")["assistants"] == [latest.parent_id, latest.id]
    assert f"project/{asked.id}" in doing.restore(project.id, Looked(), REQUEST)["head"]


def test_test_examples_that_were_trained_on_are_told(doing: Doing, project: Project, runs: Runs) -> None:
    project.examples.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    project.examples.add([NewExample(variables={"input": f"영화 {number}"}, output="긍정") for number in range(4)])
    project.examples.set_split([one.id for one in project.examples.page(limit=3)], "test")
    with project.database.read() as session:
        learnt = list(session.scalars(select(ExampleRow.input_key).limit(2)))
    run = succeeded(runs, begun(runs))
    with gr.Blocks():
        doing.press(project.id, Looked(), REQUEST, press("keep", run.id))
    assert "tw-fault" not in doing.restore(project.id, Looked(), REQUEST)["head"]
    project.set_note(f"training.seen.{ADAPTER.id}", learnt)
    assert KO.t("train_watch.seen", count=2) in doing.restore(project.id, Looked(), REQUEST)["head"]


def test_a_clone_opens_the_form_and_a_look_back_opens_the_history(doing: Doing, project: Project, runs: Runs) -> None:
    run = told(runs, begun(runs), state="failed")
    assert doing.press(project.id, Looked(), REQUEST, press("clone", run.id))["parts"].selected == "setup"
    assert project.get_note("training.draft") == config().model_dump(mode="json")
    assert doing.press(project.id, Looked(), REQUEST, press("more", run.id))["parts"].selected == "history"
    assert project.get_note("training.history") == {"run": run.id}


def test_out_of_memory_starts_again_with_half_the_batch(doing: Doing, project: Project, runs: Runs) -> None:
    run = told(runs, begun(runs), state="failed", error_key="error.training_memory_batch")
    doing.press(project.id, Looked(), REQUEST, press("smaller", run.id))
    newest = runs.list()[0]
    assert newest.id != run.id
    half = config().per_device_train_batch_size // 2
    assert newest.config["per_device_train_batch_size"] == half and newest.config["gradient_accumulation_steps"] == 2


# --- plots and wiring ---------------------------------------------------------------------------------------------


def test_a_plot_of_nothing_is_none_and_time_has_a_unit_that_fits() -> None:
    assert plots.losses(KO, [Seen("하나", Curves())], "step") is None
    for seconds, unit in ((100.0, "seconds"), (1_000.0, "minutes"), (10_000.0, "hours")):
        curve = Curve("grad_norm", (0.0, 1.0), (0.0, seconds), (1.0, 2.0))
        figure = plots.small(EN, "grad_norm", [Seen("one", Curves({"grad_norm": curve}))], "time")
        assert figure.layout.xaxis.title.text == EN.t(f"train_watch.axis_{unit}")


def test_few_events_happen_by_themselves_and_none_takes_a_picker(tmp_path: Path) -> None:
    made = create_services(Settings(home=tmp_path / "home", open_browser=False))
    page = build_app(made, "en")
    made.close()
    pickers, seen = (gr.Dropdown, gr.Radio, gr.CheckboxGroup), 0
    for event in page.fns.values():
        module = getattr(event.fn, "__module__", "")
        if not module.startswith(("tabs.training.watch", "tabs.training.history")):
            continue
        sources = [type(page.blocks[source]) for source, _ in event.targets if source in page.blocks]
        if any(kind in (gr.State, gr.Tab, gr.Timer) for kind in sources):
            seen += 1
            assert not [one for one in event.inputs if isinstance(one, pickers)], module
    assert 2 <= seen <= 8
