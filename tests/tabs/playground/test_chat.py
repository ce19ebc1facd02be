"""The conversation's handlers over a real project: what is stored is what was said, whatever ends the stream."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr
import pytest

from backend.answering import Trace
from backend.assistants import Assistant, Decoding, Documents, Instructions
from backend.documents.grounding.grounding import Ground
from backend.documents.grounding.values import Quoted, Retrieval
from backend.documents.values import Passage
from backend.errors import BadInput, NotFound, Unavailable
from backend.projects.folder import Project
from backend.prompts.presets import PRESETS
from tabs.playground import chat_view, setup
from tabs.playground.asking import Asking
from tabs.playground.chat_view import Screen
from tabs.playground.form import fill
from tabs.playground.tending import Tending
from tabs.text import Words
from tests.tabs.playground.conftest import ScriptedAnswers, pressed

FORM = fill(Assistant(decoding=PRESETS["balanced"])) | {f"slot_{number}": "" for number in range(setup.SLOTS)}


@pytest.fixture
def screen(services: Any, words: Words) -> Screen:
    with gr.Blocks():
        return Screen(services, words, chat_view.layout(words))


@pytest.fixture
def asking(screen: Screen) -> Asking:
    return Asking(screen)


@pytest.fixture
def tending(screen: Screen) -> Tending:
    return Tending(screen)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the faults that were shown."""
    keys: list[str] = []
    monkeypatch.setattr("tabs.playground.asking.tell", lambda words, fault, halt: keys.append(fault.key))
    return keys


def send(
    asking: Asking, project: Project, text: str, request: gr.Request, chat: int | None = None, **form: Any
) -> list[Any]:
    return list(asking.send(text, project.id, chat, request, **(FORM | form)))


def test_a_message_is_answered_and_both_are_kept(
    asking: Asking, project: Project, answers: ScriptedAnswers, request_: gr.Request
) -> None:
    view = asking.view
    updates = send(asking, project, "안녕하세요?", request_)
    assert updates[0][view.message] == ""
    assert updates[0][view.stop]["visible"] and not updates[0][view.send]["visible"]
    assert updates[-1][view.send]["visible"] and updates[-1][view.writing] == ""
    chat = project.chats.list()[0]
    assert updates[-1][view.chat_id] == chat.id
    assert [turn.text for turn in project.chats.turns(chat.id)] == ["안녕하세요?", "하나 둘 셋"]
    kept = project.chats.turns(chat.id)[1].shown
    assert kept.trace_json["finish"] == "stop"
    assert [choice["text"] for choice in kept.trace_json["choices"]] == answers.words
    assert "0.12" in updates[-1][view.conversation] and "41" in updates[-1][view.conversation]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "error.text_empty"),
        ("  \n", "error.text_empty"),
        ("\0", "error.text_binary"),
        ("가" * 5_000_000, "error.text_too_long"),
    ],
)
def test_a_message_that_cannot_be_used_leaves_everything_as_it_was(
    asking: Asking, project: Project, request_: gr.Request, text: str, key: str
) -> None:
    with pytest.raises(BadInput) as caught:
        send(asking, project, text, request_)
    assert caught.value.key == key
    assert project.chats.list() == []


def test_the_history_goes_along(
    asking: Asking, project: Project, answers: ScriptedAnswers, request_: gr.Request
) -> None:
    chat = send(asking, project, "하나?", request_)[-1][asking.view.chat_id]
    send(asking, project, "둘?", request_, chat, template="{context}\n{input}", slot_0="배경")
    question = answers.asked[-1][1]
    assert [message.content for message in question.history] == ["하나?", "하나 둘 셋"]
    assert question.variables == {"context": "배경", "input": "둘?"}


def test_a_question_that_got_no_answer_stays_in_the_chat_and_out_of_the_prompt(
    asking: Asking, project: Project, answers: ScriptedAnswers, request_: gr.Request, told: list[str]
) -> None:
    answers.fault = Unavailable("error.endpoint_down")
    chat = send(asking, project, "하나?", request_)[-1][asking.view.chat_id]
    send(asking, project, "둘?", request_, chat)
    answers.fault = None
    shown = send(asking, project, "셋?", request_, chat)[-1][asking.view.conversation]
    assert answers.asked[-1][1].history == () and len(told) == 2
    assert all(question in shown for question in ("하나?", "둘?", "셋?"))
    send(asking, project, "넷?", request_, chat)
    assert [turn.content for turn in answers.asked[-1][1].history] == ["셋?", "하나 둘 셋"]
    list(asking.ask(project.id, chat, request_, pressed(act="regenerate"), **FORM))
    assert [turn.content for turn in answers.asked[-1][1].history] == ["셋?", "하나 둘 셋"]


@pytest.mark.parametrize("before", [True, False])
def test_going_on_rests_on_what_the_answer_began_with(
    asking: Asking, project: Project, answers: ScriptedAnswers, request_: gr.Request, before: bool
) -> None:
    """Documents may be off in the form by now, or on: the numbers in the answer are those of its own passages."""
    passage = Passage(document_id=1, number=0, text="보증금은 5,000만원", start=0, end=10)
    rested = (Quoted(number=1, document="계약.txt", passage=passage),)
    began = Trace(passages=rested, retrieval=Retrieval(query="보증금은?"), finish="length") if before else Trace()
    wanted = Documents(retriever="bm25", top_k=3)
    chats, asked = project.chats, Assistant(documents=wanted if before else None)
    chat = chats.create().id
    chats.add_user(chat, "보증금은?")
    chats.add_answer(chat, "보증금은 [1]", began, asked)
    form = FORM | fill(Assistant(documents=None if before else Documents()))
    list(asking.ask(project.id, chat, request_, pressed(act="continue"), **form))
    assistant, question = answers.asked[-1]
    assert assistant.documents == (wanted if before else None)
    assert question.rests_on == (Ground(rested, (), began.retrieval) if before else None)
    kept = chats.turns(chat)[-1].shown.trace
    assert kept is not None and kept.passages == began.passages and kept.retrieval == began.retrieval


def test_stop_ends_it_and_keeps_what_was_written(
    asking: Asking, tending: Tending, project: Project, answers: ScriptedAnswers, request_: gr.Request
) -> None:
    answers.words, answers.pause = ["말 "] * 500, 0.01
    stream = asking.send("길게", project.id, None, request_, **FORM)
    for update in stream:
        if isinstance(update, dict) and "말" in str(update.get(asking.view.writing, "")):
            tending.stop(gr.Request(username=None, session_hash="another page"))
            tending.stop(request_)
            break
    list(stream)
    shown = project.chats.turns(project.chats.list()[0].id)[1].shown
    assert shown.trace_json["finish"] == "stopped"
    assert 0 < len(shown.text) < 1000
    assert answers.stopped.is_set()


def test_a_closed_page_keeps_what_was_written(
    asking: Asking, project: Project, answers: ScriptedAnswers, request_: gr.Request
) -> None:
    answers.words, answers.pause = ["말 "] * 500, 0.01
    stream = asking.send("길게", project.id, None, request_, **FORM)
    for update in stream:
        if isinstance(update, dict) and "말" in str(update.get(asking.view.writing, "")):
            break
    stream.close()  # type: ignore[attr-defined]
    assert answers.stopped.wait(5)
    chat = project.chats.list()[0].id
    until = time.monotonic() + 5
    while project.chats.turns(chat)[-1].shown.trace_json.get("finish") != "stopped" and time.monotonic() < until:
        time.sleep(0.02)
    assert project.chats.turns(chat)[1].text.startswith("말 ")


def test_another_chat_lets_the_answer_go_on_to_its_end(
    asking: Asking, tending: Tending, project: Project, answers: ScriptedAnswers, request_: gr.Request
) -> None:
    answers.words, answers.pause = ["말 "] * 30, 0.01
    stream = asking.send("길게", project.id, None, request_, **FORM)
    next(stream)
    next(stream)
    fresh = tending.new(project.id, request_)
    assert fresh[asking.view.chat_id] is None
    assert list(stream) == [] or all(not isinstance(update, dict) for update in stream)
    chat = project.chats.list()[0].id
    until = time.monotonic() + 5
    while len(project.chats.turns(chat)) < 2 or project.chats.turns(chat)[1].shown.trace_json.get("finish") != "stop":
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_fault_in_the_middle_keeps_what_was_written_and_is_told(
    asking: Asking, project: Project, answers: ScriptedAnswers, request_: gr.Request, told: list[str]
) -> None:
    answers.fault, answers.fault_after = Unavailable("error.endpoint_down", endpoint="x"), 2
    updates = send(asking, project, "안녕", request_)
    assert told == ["error.endpoint_down"]
    assert updates[-1][asking.view.send]["visible"] and not updates[-1][asking.view.stop]["visible"]
    turns = project.chats.turns(project.chats.list()[0].id)
    assert turns[1].text == "하나 둘 " and turns[1].shown.trace_json["finish"] == "stopped"


def test_a_fault_before_the_first_word_leaves_the_question_to_be_asked_again(
    asking: Asking, project: Project, answers: ScriptedAnswers, request_: gr.Request, told: list[str]
) -> None:
    answers.fault = Unavailable("error.endpoint_down", endpoint="x")
    send(asking, project, "안녕", request_)
    assert told == ["error.endpoint_down"]
    chat = project.chats.list()[0].id
    assert len(project.chats.turns(chat)) == 1
    answers.fault = None
    list(asking.ask(project.id, chat, request_, pressed(act="regenerate"), **FORM))
    assert [turn.text for turn in project.chats.turns(chat)] == ["안녕", "하나 둘 셋"]


def test_again_makes_another_version_with_another_seed(
    asking: Asking, tending: Tending, project: Project, answers: ScriptedAnswers, request_: gr.Request
) -> None:
    chat = send(asking, project, "안녕", request_)[-1][asking.view.chat_id]
    answers.words = ["다른 답"]
    list(asking.ask(project.id, chat, request_, pressed(act="regenerate"), **FORM))
    turn = project.chats.turns(chat)[1]
    assert [one.text for one in turn.versions] == ["하나 둘 셋", "다른 답"] and turn.chosen == 1
    assert [asked[0].decoding.seed for asked in answers.asked] == [0, 1]
    assert answers.asked[1][1].history == ()
    updates = tending.tend(project.id, chat, request_, pressed(act="step", turn=str(turn.id), to="0"))
    assert "1/2" in updates[asking.view.conversation]
    assert project.chats.turns(chat)[1].text == "하나 둘 셋"


def test_continue_goes_on_where_the_answer_ended(
    asking: Asking, project: Project, answers: ScriptedAnswers, request_: gr.Request
) -> None:
    chat = send(asking, project, "안녕", request_)[-1][asking.view.chat_id]
    answers.words = [" 넷"]
    list(asking.ask(project.id, chat, request_, pressed(act="continue"), **FORM))
    turn = project.chats.turns(chat)[1]
    assert [one.text for one in turn.versions] == ["하나 둘 셋 넷"]
    assert turn.shown.trace_json["answer_tokens"] == 4
    assert len(turn.shown.trace_json["choices"]) == 4
    assert answers.asked[1][1].prefill == "하나 둘 셋"


def test_a_message_said_differently_is_answered_anew(
    asking: Asking, project: Project, answers: ScriptedAnswers, request_: gr.Request
) -> None:
    chat = send(asking, project, "안녕", request_)[-1][asking.view.chat_id]
    send(asking, project, "또", request_, chat)
    first = project.chats.turns(chat)[0]
    list(asking.ask(project.id, chat, request_, pressed(act="edited", turn=str(first.id), text="반가워요"), **FORM))
    assert [turn.text for turn in project.chats.turns(chat)] == ["반가워요", "하나 둘 셋"]


def test_removing_the_last_exchange_can_be_undone(
    asking: Asking, tending: Tending, project: Project, request_: gr.Request
) -> None:
    chat = send(asking, project, "안녕", request_)[-1][asking.view.chat_id]
    updates = tending.tend(project.id, chat, request_, pressed(act="remove"))
    assert "unremove" in updates[asking.view.conversation]
    assert project.chats.turns(chat) == []
    tending.tend(project.id, chat, request_, pressed(act="unremove"))
    assert len(project.chats.turns(chat)) == 2


def test_chats_are_opened_renamed_deleted_and_brought_back(
    asking: Asking, tending: Tending, project: Project, request_: gr.Request
) -> None:
    view = asking.view
    chat = send(asking, project, "안녕", request_)[-1][view.chat_id]
    updates = tending.tend(project.id, chat, request_, pressed(act="renamed", chat=str(chat), text="점심 이야기"))
    assert "점심 이야기" in updates[view.chats]
    updates = tending.tend(project.id, chat, request_, pressed(act="delete", chat=str(chat)))
    assert updates[view.chat_id] is None and "undelete" in updates[view.chats]
    updates = tending.tend(project.id, None, request_, pressed(act="undelete"))
    assert updates[view.chat_id] == chat
    assert "안녕" in tending.tend(project.id, None, request_, pressed(act="open", chat=str(chat)))[view.conversation]


def test_a_reload_finds_the_chat_as_it_was(
    asking: Asking, tending: Tending, project: Project, request_: gr.Request
) -> None:
    chat = send(asking, project, "안녕", request_)[-1][asking.view.chat_id]
    tending.note(project.id, chat, request_)
    again = tending.restore(project.id, gr.Request(username=None, session_hash="page-2"))
    assert again[asking.view.chat_id] == chat and "하나 둘 셋" in again[asking.view.conversation]


def test_looking_inside_shows_that_very_answer(
    asking: Asking, tending: Tending, project: Project, request_: gr.Request
) -> None:
    chat = send(asking, project, "안녕", request_)[-1][asking.view.chat_id]
    turn = project.chats.turns(chat)[1].id
    updates = tending.tend(project.id, chat, request_, pressed(act="token", turn=str(turn), to="1"))
    html = updates[asking.view.inside]
    assert 'aria-selected="true" class="pg-chip pg-shade-3" data-act="token" data-to="1"' in html
    assert "다른 말" in html and "5.0 %" in html


@pytest.mark.parametrize(
    "data",
    [
        {"act": "step", "turn": "99999", "to": "0"},
        {"act": "step", "turn": "x", "to": "0"},
        {"act": "inside", "turn": "../1"},
        {"act": "open", "chat": "99999"},
        {"act": "delete", "chat": "none"},
        {"act": "nonsense"},
    ],
)
def test_what_our_page_never_sends_finds_nothing(
    asking: Asking, tending: Tending, project: Project, request_: gr.Request, data: dict[str, str]
) -> None:
    chat = send(asking, project, "안녕", request_)[-1][asking.view.chat_id]
    with pytest.raises(NotFound):
        tending.tend(project.id, chat, request_, pressed(**data))


def test_somebody_elses_project_and_chat_are_not_there(
    asking: Asking, tending: Tending, services: Any, project: Project, request_: gr.Request
) -> None:
    chat = send(asking, project, "비밀", request_)[-1][asking.view.chat_id]
    stranger = gr.Request(username="stranger", session_hash="page-3")
    with pytest.raises(NotFound):
        list(asking.send("안녕", project.id, chat, stranger, **FORM))
    own = services.projects.create("stranger", "것").id
    with pytest.raises(NotFound):
        tending.tend(own, chat, stranger, pressed(act="open", chat=str(chat)))


def test_a_precise_answer_is_the_same_again_and_says_so(
    asking: Asking, project: Project, answers: ScriptedAnswers, request_: gr.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(asking.words, "say", lambda key, *rest, **details: told.append(key))
    form = fill(Assistant(instructions=Instructions(), decoding=Decoding())) | FORM | {"temperature": 0}
    chat = send(asking, project, "안녕", request_)[-1][asking.view.chat_id]
    list(asking.ask(project.id, chat, request_, pressed(act="regenerate"), **form))
    assert told == ["playground.same_again"]
    assert [asked[0].decoding.seed for asked in answers.asked] == [0, 0]
