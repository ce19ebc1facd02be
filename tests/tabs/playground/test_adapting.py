"""An assistant's adapter in the form: shown, taken off, changed, and never lost on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from backend.assistants import AdapterRef, Assistant
from backend.models.adapters import Adapters
from backend.projects.folder import Project
from tabs.playground import compare, preview, setup
from tabs.playground.adapting import adapter_update
from tabs.playground.form import adapter_value, fill
from tabs.text import Words
from tests.models.adapters import weights_adapter
from tests.tabs.playground.conftest import at_work

GONE = AdapterRef(id="0" * 32, method="dora")


@pytest.fixture
def form(words: Words) -> setup.Setup:
    with gr.Blocks():
        return setup.layout(words)


@pytest.fixture
def kept(project: Project, tmp_path: Path) -> AdapterRef:
    """An adapter of the project; nothing in here loads it."""
    return Adapters(tmp_path / "projects").keep(project, weights_adapter(tmp_path / "trained", "1" * 32))


def test_the_picker_shows_what_the_project_has_and_what_has_gone(
    project: Project, kept: AdapterRef, words: Words
) -> None:
    shown = adapter_update(project, Assistant(), words)
    assert [value for _, value in shown["choices"]] == ["", adapter_value(kept)]
    assert shown["value"] == "" and shown["visible"]
    assert "matchum-starter" in shown["choices"][1][0]
    with_gone = adapter_update(project, Assistant(adapter=GONE), words)
    assert with_gone["value"] == adapter_value(GONE)
    assert "DoRA" in {value: label for label, value in with_gone["choices"]}[adapter_value(GONE)]
    renamed = AdapterRef(id=kept.id, method="what somebody else called it")
    assert adapter_update(project, Assistant(adapter=renamed), words)["value"] == adapter_value(kept)


def test_without_adapters_there_is_no_picker(project: Project, words: Words) -> None:
    assert not adapter_update(project, Assistant(), words)["visible"]


def test_the_draft_a_saved_version_and_a_side_keep_the_adapter(
    services: Any, words: Words, form: setup.Setup, project: Project, kept: AdapterRef, request_: gr.Request
) -> None:
    wanted = Assistant(adapter=kept, quantization="int8")
    values = fill(wanted)
    edit, saving, sides = at_work(services, words, form)
    edit.edited(project.id, request_, **values)
    draft = project.draft()
    assert draft is not None and draft.weights == wanted.weights
    restored = edit.restore(project.id, request_)
    assert restored[form.form["adapter"]]["value"] == adapter_value(kept)
    assert restored[form.form["quantization"]] == "int8"

    saving.save("훈련", "", None, project.id, request_, **values)
    saved = project.assistants.list()[0]
    assert saved.assistant.weights == wanted.weights
    taken = saving.take(project, saved)
    assert taken[form.form["adapter"]]["value"] == adapter_value(kept)

    asked: list[Assistant] = []
    services.answers.answer = _remembering(services.answers.answer, asked)
    list(sides.start("안녕", [compare.HERE, saved.id], project.id, request_, **values))
    assert [one.weights for one in asked] == [wanted.weights] * 2


def test_typing_gets_the_weights_ready_and_not_only_the_model(
    services: Any, words: Words, form: setup.Setup, project: Project, kept: AdapterRef, request_: gr.Request
) -> None:
    warmed: list[Any] = []
    services.host.warm = warmed.append
    with gr.Blocks():
        view = preview.layout(words)
    previewing = preview.Previewing(services, words, view, form.checkup)
    previewing.show(False, False, "안", None, project.id, request_, **fill(Assistant(adapter=kept)))
    assert [one.adapter for one in warmed] == [kept]


def _remembering(answer: Any, asked: list[Assistant]) -> Any:
    def told(assistant: Assistant, *more: Any) -> Any:
        asked.append(assistant)
        return answer(assistant, *more)

    return told
