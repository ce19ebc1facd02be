"""The history part: finding, comparing, naming, starting again, deleting and bringing back, taking away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from backend.assistants import Assistant
from backend.errors import BadInput
from backend.jobs.folder import RunFolder
from backend.jobs.progress import Progress
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.adapters import Adapters
from backend.projects.projects import Projects
from backend.settings import Settings
from backend.training.config import TrainingConfig
from tabs.session import OWNER
from tabs.text import Words
from tabs.training.history_doing import Doing
from tabs.training.history_state import MOST_TICKED, PAGE, Browsed, open_in_history, ticked
from tests.fakes import Resting

KO = Words("ko")
NAMES = ("browsed", "listing", "filter", "detail", "name", "note", "acts", "take", "beside", "overlay")
REQUEST = gr.Request(username=None, session_hash="page")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Any]:
    settings = Settings(home=tmp_path, open_browser=False)
    projects = Projects(tmp_path / "projects")
    project = projects.open(OWNER, projects.create(OWNER, "시험").id)
    yield SimpleNamespace(
        settings=settings,
        projects=projects,
        project=project,
        host=SimpleNamespace(adapters=Adapters(tmp_path / "projects"), where=None),
        runs=lambda project: Resting(project.runs_folder, settings),
    )
    projects.close()


@pytest.fixture
def doing(services: Any) -> Doing:
    return Doing(services, KO, SimpleNamespace(**{name: name for name in NAMES}), "parts")  # type: ignore[arg-type]


@pytest.fixture
def project_id(services: Any) -> str:
    return str(services.project.id)


def run_of(services: Any, title: str, state: str = "stopped", **fields: Any) -> Run:
    runs: Runs = services.runs(services.project)
    config = TrainingConfig(assistant=Assistant(name=title), **fields)
    made = runs.submit("training", config.model_dump(mode="json"), title)
    folder = RunFolder(made.folder)
    progress = Progress(folder, folder.read_state())
    for step in (1, 2, 3):
        progress.metric(step=step, loss=3.0 / step)
        progress.metric(step=step, eval_loss=2.0 + abs(step - 2))
    progress.set(state=state)
    return runs.get(made.id)


def press(doing: Doing, project_id: str, browsed: Browsed, do: str, what: str = "") -> Any:
    with gr.Blocks():
        return doing.press(project_id, browsed, REQUEST, gr.EventData(None, {"do": do, "what": what}))


def test_where_nothing_was_trained_it_says_what_to_do(doing: Doing, project_id: str) -> None:
    shown = doing.restore(project_id, Browsed(), REQUEST)
    assert KO.t("train_history.empty") in shown["listing"] and shown["filter"]["visible"] is False
    assert press(doing, project_id, Browsed(), "setup")["parts"].selected == "setup"


def test_the_list_is_searched_and_a_strange_filter_shows_all(doing: Doing, services: Any, project_id: str) -> None:
    run_of(services, "<i>첫째")
    run_of(services, "둘째", state="failed", method="dora")
    shown = doing.restore(project_id, Browsed(), REQUEST)
    assert "&lt;i&gt;첫째" in shown["listing"] and "<i>첫째" not in shown["listing"] and "둘째" in shown["listing"]
    for text, state, method in (("둘", "all", ""), ("", "all", "dora"), ("", "early", "dora")):
        listing = doing.seek(project_id, shown["browsed"], text, state, method, REQUEST)["listing"]
        assert "둘째" in listing and "첫째" not in listing
    assert "첫째" in doing.seek(project_id, shown["browsed"], "", "no such", "", REQUEST)["listing"]
    none = doing.seek(project_id, shown["browsed"], "없음", "all", "", REQUEST)["listing"]
    assert KO.t("train_history.nothing_found") in none


def test_two_that_are_ticked_stand_beside_each_other(doing: Doing, services: Any, project_id: str) -> None:
    one, other = run_of(services, "하나", r=8), run_of(services, "둘", r=32)
    first = press(doing, project_id, Browsed(), "tick", one.id)
    assert KO.t("train_history.tick_more") in first["beside"] and first["overlay"]["visible"] is False
    both = press(doing, project_id, first["browsed"], "tick", other.id)
    assert "<code>r</code>" in both["beside"] and ">8<" in both["beside"] and ">32<" in both["beside"]
    assert KO.t("train_history.lowest", loss="2", step=2) in both["beside"]
    assert {line.name for line in both["overlay"]["value"].data} >= {"하나 · 학습 손실", "둘 · 학습 손실"}
    assert press(doing, project_id, both["browsed"], "tick", one.id)["beside"] == first["beside"]


def test_of_too_many_the_one_ticked_first_goes() -> None:
    browsed = Browsed()
    for number in range(MOST_TICKED + 2):
        browsed = ticked(browsed, str(number))
    assert browsed.ticked == tuple(str(number) for number in range(2, MOST_TICKED + 2))


def test_a_run_is_opened_named_and_closed(doing: Doing, services: Any, project_id: str) -> None:
    run = run_of(services, "하나")
    opened = press(doing, project_id, Browsed(), "open", run.id)
    assert opened["detail"]["visible"] is True and 'data-do="delete"' in opened["acts"]
    assert 'data-what="yaml"' in opened["take"] and 'data-what="adapter"' not in opened["take"]
    with gr.Blocks():
        named = doing.describe(project_id, opened["browsed"], "밤샘", "r을 바꿔 봄", REQUEST)
    assert "밤샘" in named["listing"] and "r을 바꿔 봄" in named["listing"] and named["name"]["value"] == "밤샘"
    assert press(doing, project_id, named["browsed"], "open", run.id)["detail"]["visible"] is False


def test_deleting_can_be_undone(doing: Doing, services: Any, project_id: str) -> None:
    run = run_of(services, "하나")
    gone = press(doing, project_id, Browsed(), "delete", run.id)
    assert "하나" not in gone["listing"] and f'data-do="undo" data-what="{run.id}"' in gone["listing"]
    back = press(doing, project_id, gone["browsed"], "undo", run.id)
    assert "하나" in back["listing"] and 'data-do="undo"' not in back["listing"]


def test_a_clone_and_the_curves_are_one_click_away(doing: Doing, services: Any, project_id: str) -> None:
    run = run_of(services, "하나", r=5)
    assert press(doing, project_id, Browsed(), "clone", run.id)["parts"].selected == "setup"
    assert services.project.get_note("training.draft")["r"] == 5
    assert press(doing, project_id, Browsed(), "watch", run.id)["parts"].selected == "watch"
    assert services.project.get_note("training.watch") == {"run": run.id}


def test_a_score_says_of_how_many_dev_examples_it_is(doing: Doing, services: Any, project_id: str) -> None:
    run = run_of(services, "하나", state="succeeded")
    folder = RunFolder(run.folder)
    for count, told in ((None, "train_history.dev"), (20, "train_history.dev_n")):
        facts = {"metric_before": 0.5, "metric_after": 0.75, "metric_n": count, "metric_name": "accuracy"}
        folder.write_state(folder.read_state().model_copy(update={"result": facts}))
        listed = doing.restore(project_id, Browsed(), REQUEST)["listing"]
        assert "50 → <b>75</b>" in listed and f"<small>{KO.t(told, count=20)}</small>" in listed


def test_another_part_may_ask_for_a_run_once(doing: Doing, services: Any, project_id: str) -> None:
    run = run_of(services, "하나")
    open_in_history(services.project, run.id)
    assert doing.restore(project_id, Browsed(), REQUEST)["detail"]["visible"] is True
    assert doing.restore(project_id, Browsed(), REQUEST)["detail"]["visible"] is False


def test_a_poll_draws_only_when_a_run_began_or_ended(doing: Doing, services: Any, project_id: str) -> None:
    run = run_of(services, "하나")
    browsed = doing.restore(project_id, Browsed(), REQUEST)["browsed"]
    assert doing.follow(project_id, browsed, REQUEST) == gr.skip()
    folder = RunFolder(run.folder)
    folder.write_state(folder.read_state().model_copy(update={"state": "failed"}))
    assert set(doing.follow(project_id, browsed, REQUEST)) == {"browsed", "listing"}


def test_many_runs_are_turned_over_like_pages(doing: Doing, services: Any, project_id: str) -> None:
    for number in range(PAGE + 1):
        run_of(services, f"훈련{number:02d}")
    first = doing.restore(project_id, Browsed(), REQUEST)
    assert "훈련00" not in first["listing"] and f"훈련{PAGE:02d}" in first["listing"]
    second = press(doing, project_id, first["browsed"], "page", "1")
    assert "훈련00" in second["listing"] and f"훈련{PAGE:02d}" not in second["listing"]
    assert "훈련00" in press(doing, project_id, first["browsed"], "page", "99999")["listing"]


def test_the_config_is_handed_out_as_a_file(doing: Doing, services: Any, project_id: str) -> None:
    run = run_of(services, "하나", r=11)
    browsed = press(doing, project_id, Browsed(), "open", run.id)["browsed"]
    made = doing.take(project_id, browsed, REQUEST, gr.EventData(None, {"do": "take", "what": "yaml"}))
    assert "r: 11" in Path(made).read_text("utf-8")


@pytest.mark.parametrize(("do", "what"), [("take", "everything"), ("burn", "x")])
def test_what_no_button_of_ours_sends_is_refused(doing: Doing, project_id: str, do: str, what: str) -> None:
    event = gr.EventData(None, {"do": do, "what": what})
    with pytest.raises(BadInput) as told:
        (doing.take if do == "take" else doing.press)(project_id, Browsed(), REQUEST, event)
    assert told.value.key == "error.page_action"
