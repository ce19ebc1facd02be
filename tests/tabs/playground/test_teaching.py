"""An answer kept as an example: with what was asked in that very answer, in the task's own spelling, once."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from backend.answering import Trace
from backend.assistants import Assistant, Instructions
from backend.errors import BadInput, NotFound
from backend.examples.task import Task
from backend.messages import Message
from backend.projects.folder import Project
from backend.projects.turns import Turn
from tabs.playground import chat_view
from tabs.playground.chat_view import Screen
from tabs.playground.teaching import keep, read_back
from tabs.playground.tending import Tending
from tabs.text import Words
from tests.tabs.playground.conftest import pressed

TEMPLATE = "글: {context}\n질문: {input}\n답:"


def talk(project: Project, question: str, answer: str, template: str = "{input}", seen: str = "") -> list[Turn]:
    """A chat of one question and its answer."""
    chat = project.chats.create().id
    project.chats.add_user(chat, question)
    told = (Message(role="user", content=seen),) if seen else ()
    assistant = Assistant(instructions=Instructions(template=template))
    project.chats.add_answer(chat, answer, Trace(messages=told, finish="stop"), assistant)
    return list(project.chats.turns(chat))


def test_a_question_and_its_answer_become_an_example_once(project: Project) -> None:
    turns = talk(project, "안녕하세요?", " 반갑습니다. ")
    assert keep(project.examples, turns, turns[1], {}) == "data.kept"
    assert keep(project.examples, turns, turns[1], {}) == "data.kept_before"
    (kept,) = project.examples.page()
    assert kept.variables == {"input": "안녕하세요?"} and kept.output == "반갑습니다."
    assert kept.origin == "playground" and project.examples.edits(1)[0].kind == "playground"


def test_the_other_variables_are_those_of_that_answer_and_not_of_the_form_now(project: Project) -> None:
    seen = "글: 도서관은 {아홉} 시에 엽니다.\n질문: 언제 열어요?\n답:"
    turns = talk(project, "언제 열어요?", "아홉 시", TEMPLATE, seen)
    keep(project.examples, turns, turns[1], {"context": "지금 적혀 있는 다른 글"})
    assert project.examples.page()[0].variables == {"context": "도서관은 {아홉} 시에 엽니다.", "input": "언제 열어요?"}
    old = talk(project, "언제 닫아요?", "여섯 시", TEMPLATE)
    keep(project.examples, old, old[1], {"context": "지금 적혀 있는 글"})
    assert project.examples.page()[1].variables == {"context": "지금 적혀 있는 글", "input": "언제 닫아요?"}


def test_a_label_is_kept_as_the_task_spells_it_and_another_answer_is_told(project: Project) -> None:
    project.examples.set_task(Task(kind="sentiment", labels=("긍정", "Negative"), metric="accuracy"))
    for answer, said, output in (
        ("'긍정'.", "data.kept", "긍정"),
        ("negative", "data.kept", "Negative"),
        ("잘 모르겠습니다", "data.kept_unlabelled", "잘 모르겠습니다"),
    ):
        turns = talk(project, f"평 {answer}", answer)
        assert keep(project.examples, turns, turns[1], {}) == said
        assert project.examples.page(limit=9)[-1].output == output


def test_only_answers_with_words_are_kept(project: Project) -> None:
    turns = talk(project, "안녕?", "  ")
    for turn in turns:
        with pytest.raises(BadInput, match="data_empty_answer"):
            keep(project.examples, turns, turn, {})


@pytest.mark.parametrize(
    ("template", "text", "expected"),
    [
        (TEMPLATE, "글: 가\n나\n질문: 물음\n답:", {"context": "가\n나", "input": "물음"}),
        ("{a} {input} {a}", "가 물음 가", {"a": "가", "input": "물음"}),
        ("{a} {input} {a}", "가 물음 나", None),
        ("{{json}} {a}: {input}", "{json} x: 물음", {"a": "x", "input": "물음"}),
        (TEMPLATE, "전혀 다른 틀", None),
        ("{a} - {b} / {a}", "가 - 나 - 다 / 가 - 나", {"a": "가 - 나", "b": "다", "input": "물음"}),
        ("{a}{b}.", "가나.", {"a": "", "b": "가나", "input": "물음"}),
        ("{a},{b}", "가,나,다", {"a": "가", "b": "나,다", "input": "물음"}),
        (" ".join(f"{{v{n}}}" for n in range(30)) + "!", "x " * 3_000 + "?", None),  # each space could end each value
        ("{a} {b} {a} {c} {a}!", "x " * 20_000 + "?", None),
        ("".join(f"{{v{n}}}" for n in range(5_000)), "x", None),
    ],
)
def test_a_filled_template_is_read_back(template: str, text: str, expected: dict[str, str] | None) -> None:
    assert read_back(template, text, {"input": "물음"}) == expected


def test_the_button_of_the_conversation_keeps_and_says_so(
    services: Any, words: Words, project: Project, request_: gr.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(words, "say", lambda key, *kind, **details: said.append(key))
    with gr.Blocks():
        tending = Tending(Screen(services, words, chat_view.layout(words)))
    turns = talk(project, "안녕?", "네, 안녕하세요.")
    chat = project.chats.list()[0].id
    tending.tend(project.id, chat, request_, pressed(act="teach", turn=str(turns[1].id)))
    assert said == ["data.kept"] and project.examples.counts().total == 1
    for event in (pressed(act="teach", turn="9999"), pressed(act="teach")):
        with pytest.raises(NotFound):
            tending.tend(project.id, chat, request_, event)
    with pytest.raises(NotFound):
        tending.tend(project.id, None, request_, pressed(act="teach", turn="1"))
