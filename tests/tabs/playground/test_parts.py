"""What stands around the conversation: the kept form, versions, the library, saved prompts, sides, a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from backend.assistants import Assistant, Decoding, Instructions, ModelRef, Weights
from backend.errors import BadInput, NotFound, Unavailable
from backend.projects.folder import Project
from backend.prompts.presets import PRESETS
from tabs.playground import batch_view, build, compare, editing, library, preview, prompts, setup, shelf
from tabs.playground.batching import Batching
from tabs.playground.form import fill, model_value
from tabs.session import Session
from tabs.text import Words
from tests.tabs.playground.conftest import ScriptedAnswers, pressed

FORM = fill(Assistant(decoding=PRESETS["balanced"])) | {f"slot_{number}": "" for number in range(setup.SLOTS)}
MOST_COMPONENTS = 111


def session() -> Session:
    return Session(
        project_id=gr.State(""), project=gr.Dropdown(), tray=gr.Timer(5), seen=gr.State(""), opened=gr.State(0)
    )


@pytest.fixture
def form(words: Words) -> setup.Setup:
    with gr.Blocks():
        return setup.layout(words)


def test_the_tab_stays_light_and_no_event_is_left_at_its_default(services: Any, words: Words) -> None:
    with gr.Blocks() as page:
        place = session()
        before = len(page.blocks)
        build(services, words, place)
        visible = [
            block for block in page.blocks.values() if not isinstance(block, (gr.State, gr.Row, gr.Column, gr.Group))
        ]
        assert len(visible) - before <= MOST_COMPONENTS
        for function in page.fns.values():
            limit = function.concurrency_limit
            assert function.fn is None or limit is None or (isinstance(limit, int) and limit >= 32), function.name
            assert function.api_visibility == "private"


@pytest.fixture
def edit(services: Any, words: Words, form: setup.Setup) -> editing.Editing:
    with gr.Blocks():
        return editing.Editing(services, words, session(), form)


def test_the_form_is_kept_at_every_change_and_comes_back(
    edit: editing.Editing, project: Project, request_: gr.Request
) -> None:
    told = FORM | {"system": "한 단어로 답하십시오.", "template": "{context} {input}", "slot_0": "배경"}
    updates = edit.edited(project.id, request_, **told)
    assert updates[edit.setup.slots[0]]["visible"] and not updates[edit.setup.slots[1]]["visible"]
    assert updates[edit.setup.preset] == "balanced"
    again = edit.restore(project.id, request_)
    assert again[edit.setup.form["system"]] == "한 단어로 답하십시오."
    assert again[edit.setup.slots[0]]["value"] == "배경"


def test_an_answer_style_fills_the_expert_settings(edit: editing.Editing) -> None:
    values = edit.style("precise", **(FORM | {"max_new_tokens": 7, "stop": "끝"}))
    decoding = dict(zip(setup.DECODING, values, strict=True))
    assert decoding["temperature"] == 0 and decoding["max_new_tokens"] == 7 and decoding["stop"] == "끝"
    assert edit.edited("", gr.Request(username=None), **(FORM | decoding))[edit.setup.preset] == "precise"


def test_a_proposed_wording_goes_into_the_form(edit: editing.Editing) -> None:
    told = FORM | {"system": "영화평을 긍정 또는 부정으로 분류해 주세요."}
    found = [
        one for one in edit.checkup.findings(Assistant(instructions=Instructions(system=told["system"])), {}) if one.fix
    ]
    updates = edit.apply(pressed(act="apply", to=found[0].key), **told)
    changed = (updates[edit.setup.form["system"]], updates[edit.setup.form["template"]])
    assert changed != (told["system"], told["template"])


@pytest.fixture
def shelves(services: Any, words: Words, form: setup.Setup) -> shelf.Shelf:
    with gr.Blocks():
        return shelf.Shelf(services, words, form, shelf.layout(words))


def test_an_assistant_is_saved_in_versions_and_taken_in_hand_again(
    shelves: shelf.Shelf, project: Project, request_: gr.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves.words, "say", lambda *all_, **details: None)
    first = shelves.save("분류", "", None, project.id, request_, **FORM)[shelves.view.parent]
    second = shelves.save("분류", "더 짧게", first, project.id, request_, **(FORM | {"system": "짧게"}))
    saved = project.assistants.versions("분류")
    assert [one.number for one in saved] == [2, 1] and saved[0].parent_id == first
    assert saved[0].assistant.chat_template == "{{ messages }}"
    assert "더 짧게" in second[shelves.view.versions]
    compared = shelves.tend(project.id, request_, pressed(act="compare", to=str(saved[0].id)))
    assert "+ 짧게" in compared[shelves.view.versions] or "<ins>짧게</ins>" in compared[shelves.view.versions]
    taken = shelves.pick(first, project.id, request_)
    assert taken[shelves.setup.form["system"]] == "" and taken[shelves.view.name] == "분류"
    assert shelves.restore(project.id, request_)[shelves.view.parent] == first
    with pytest.raises(NotFound):
        shelves.tend(project.id, request_, pressed(act="load", to="x"))


def test_a_model_that_is_gone_stays_in_the_list(services: Any, words: Words) -> None:
    gone = ModelRef(kind="hub", name="Qwen/Qwen3-0.6B")
    offered = shelf.models_offered(services, gone, words.t)
    assert [label for label, _ in offered] == ["연습용 모델", "Qwen3-0.6B (지금은 없음)"]
    assert offered[1][1] == model_value(gone)


def test_a_connection_that_is_down_holds_nothing_up(services: Any, words: Words) -> None:
    def models(endpoint: str) -> list[str]:
        if endpoint == "down":
            raise Unavailable("error.endpoint_down", endpoint=endpoint)
        return ["작은-모델"]

    class Ends:
        @staticmethod
        def list() -> list[Any]:
            return [type("End", (), {"id": name, "name": name}) for name in ("down", "up")]

    Ends.models = staticmethod(models)  # type: ignore[attr-defined]
    services.endpoints = Ends
    assert "작은-모델 · up" in [label for label, _ in shelf.models_offered(services, ModelRef(), words.t)]


def test_a_template_of_the_library_fills_the_form_and_an_empty_box(
    words: Words, form: setup.Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "say", lambda *all_, **details: None)
    shelves = library.Shelves(words, form)
    told = FORM | {"model": model_value(ModelRef(kind="local", name="/m"))}
    *values, message = shelves.use("question_answering", "one", "ko", "", **told)
    filled = dict(zip(form.outputs, values, strict=True))
    assert "{context}" in filled[form.form["template"]]
    assert len(filled[form.form["shots"]]) == 1 and message
    assert filled[form.slots[0]]["value"]
    assert filled[form.form["model"]] == gr.skip()
    assert shelves.use("sentiment", "zero", "en", "내 글", **told)[-1] == "내 글"
    with pytest.raises(NotFound):
        shelves.show("../secrets", "zero", "ko")


def test_prompts_are_kept_compared_deleted_and_brought_back(
    services: Any,
    words: Words,
    form: setup.Setup,
    project: Project,
    request_: gr.Request,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(words, "say", lambda *all_, **details: None)
    with gr.Blocks():
        view = prompts.layout(words)
    kept = prompts.Prompting(services, words, form, view)
    kept.save("요약", "", project.id, request_, **(FORM | {"system": "하나\n둘"}))
    kept.save("요약", "고침", project.id, request_, **(FORM | {"system": "하나\n셋"}))
    latest = project.prompts.list()[0]
    compared = kept.tend(project.id, request_, pressed(act="compare", to=str(latest.id)), **FORM)
    assert "- 둘" in compared[view.saved] and "+ 셋" in compared[view.saved]
    loaded = kept.tend(project.id, request_, pressed(act="load", to=str(latest.id)), **FORM)
    assert loaded[form.form["system"]] == "하나\n셋"
    assert "undelete" in kept.tend(project.id, request_, pressed(act="delete", to=str(latest.id)), **FORM)[view.saved]
    assert "요약" in kept.tend(project.id, request_, pressed(act="undelete"), **FORM)[view.saved]
    with pytest.raises(BadInput):
        kept.save("", "", project.id, request_, **FORM)


def test_the_preview_waits_until_it_is_opened(
    services: Any, words: Words, form: setup.Setup, project: Project, request_: gr.Request
) -> None:
    warmed: list[Weights] = []
    services.host.warm = warmed.append
    with gr.Blocks():
        view = preview.layout(words)
    previewing = preview.Previewing(services, words, view, form.checkup)
    assert previewing.show(False, False, "", None, project.id, request_, **FORM) == gr.skip()
    assert not warmed
    assert previewing.show(False, False, "안", None, project.id, request_, **FORM) == gr.skip()
    assert warmed == [Weights()], "typing gets the model ready"
    updates = previewing.show(True, True, "안녕", None, project.id, request_, **FORM)
    assert "3 토큰" in updates[view.box]["label"] and "pg-token-1" in updates[view.text]


def test_sides_answer_together_and_one_may_fail(
    services: Any, words: Words, project: Project, answers: ScriptedAnswers, request_: gr.Request
) -> None:
    with gr.Blocks():
        view = compare.layout(words)
    comparing = compare.Comparing(services, words, view)
    saved = project.assistants.save("짧게", Assistant(decoding=Decoding(max_new_tokens=3)))
    usual = answers.answer

    def answer(assistant: Assistant, question: Any, stop: Any = None) -> Any:
        if assistant.name == "짧게":
            raise Unavailable("error.text_empty")
        return usual(assistant, question, stop)

    answers.answer = answer  # type: ignore[method-assign]
    updates = list(comparing.start("안녕", [0, saved.id], project.id, request_, **FORM))
    html = [update[view.answers] for update in updates if isinstance(update, dict) and view.answers in update][-1]
    assert "하나 둘 셋" in html and "pg-fault" in html and html.count("<section") == 2
    assert updates[-1][view.start]["visible"]
    for chosen in ([], [0] * 5):
        with pytest.raises(BadInput):
            list(comparing.start("안녕", chosen, project.id, request_, **FORM))


@pytest.fixture
def batching(services: Any, words: Words, form: setup.Setup) -> Batching:
    with gr.Blocks():
        return Batching(services, words, form, batch_view.layout(words))


def test_a_table_is_looked_over_before_it_runs(batching: Batching, tmp_path: Path) -> None:
    view = batching.view
    file = tmp_path / "평.csv"
    file.write_bytes("번호,input\n1,좋다 <b>\n2,나쁘다\n".encode("cp949"))
    updates = batching.look(str(file), "", True, **FORM)
    assert "2행" in updates[view.table] and "CP949" in updates[view.table] and "<b>" not in updates[view.table]
    assert updates[view.columns[0]]["value"] == "input" and updates[view.start]["interactive"]
    assert not updates[view.columns[1]]["visible"]
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04nothing")
    broken = batching.look(str(tmp_path / "broken.xlsx"), "", True, **FORM)
    assert "pg-fault" in broken[view.table] and not broken[view.start]["interactive"]
    assert batching.look(None, " ", True, **FORM)[view.table] == ""


def test_a_batch_needs_a_table_and_its_columns(batching: Batching, project: Project, request_: gr.Request) -> None:
    columns = {f"column_{place}": None for place in range(batch_view.COLUMNS)}
    with pytest.raises(BadInput, match="playground_no_table"):
        batching.start(None, "", True, 0, project.id, request_, **FORM, **columns)
    with pytest.raises(BadInput, match="batch_mapping"):
        batching.start(None, "평\n좋다", True, 0, project.id, request_, **FORM, **columns)
    assert batching.restore(project.id, request_)[batching.view.run_id]["value"] is None
    with pytest.raises(NotFound):
        batching.pick("../../secrets", project.id, request_)
