"""Assistants and prompts in versions, chats and their turns, the draft and notes."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from backend.answering import Trace
from backend.assistants import Assistant, Decoding, Instructions
from backend.errors import BadInput, NotFound
from backend.messages import Message
from backend.models.engine import Choice, TokenChoice
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.projects.prompts import difference

HARD = [
    "한글과 emoji 👩🏽\u200d💻",
    'a "b" \\ {input}\n\n둘째\t줄',
    "'); DROP TABLE chats; --",
    "\u2028\u200b",
    "x" * 150_000,
]

# --- assistants and prompts


@pytest.mark.parametrize("text", HARD)
def test_a_saved_assistant_is_equal_to_what_was_saved(project: Project, text: str) -> None:
    made = Assistant(
        name="감성", instructions=Instructions(system=text, template=text), decoding=Decoding(stop=(text,), seed=None)
    )
    saved = project.assistants.save("감성", made, note="첫 판")
    assert saved.assistant == made
    assert project.assistants.get(saved.id) == saved
    assert (saved.number, saved.parent_id, saved.note) == (1, None, "첫 판")


def test_each_save_is_a_version_that_knows_its_parent(project: Project) -> None:
    store = project.assistants
    first = store.save("감성", Assistant())
    second = store.save("감성", Assistant(decoding=Decoding(temperature=1)))
    branch = store.save("감성", Assistant(), parent=first.id)
    other = store.save("다른 것", second.assistant, parent=second.id)
    assert [saved.number for saved in store.versions("감성")] == [3, 2, 1]
    assert (second.parent_id, branch.parent_id, other.parent_id) == (first.id, first.id, second.id)
    assert [saved.id for saved in store.list()] == [other.id, branch.id]
    assert other.assistant.name == "다른 것"
    with pytest.raises(FrozenInstanceError):
        first.name = "x"  # type: ignore[misc]


def test_a_removed_name_comes_back_with_all_its_versions(project: Project) -> None:
    store = project.assistants
    first, _ = store.save("a", Assistant()), store.save("a", Assistant())
    store.save("b", Assistant())
    store.remove("a")
    assert [saved.name for saved in store.list()] == ["b"]
    assert store.versions("a") == []
    assert store.get(first.id) == first, "a chat may still point at it"
    again = store.save("a", Assistant())
    assert (again.number, again.parent_id) == (3, None)
    back = store.undo_remove()
    assert back is not None and back.name == "a"
    assert [saved.number for saved in store.versions("a")] == [3, 2, 1]
    assert store.undo_remove() is None


def test_what_cannot_be_saved_or_found(project: Project) -> None:
    for name in ("", "  ", "x" * 121, "a\0"):
        with pytest.raises(BadInput) as refused:
            project.assistants.save(name, Assistant())
        assert refused.value.key == "error.version_name"
    with pytest.raises(BadInput, match="text_binary"):
        project.prompts.save("p", Instructions(system="a\0b"))
    with pytest.raises(BadInput, match="text_too_long"):
        project.prompts.save("p", Instructions(template="x" * 200_001))
    with pytest.raises(NotFound, match="assistant_missing"):
        project.assistants.get(99)
    with pytest.raises(NotFound, match="prompt_missing"):
        project.prompts.remove("nothing")
    with pytest.raises(NotFound, match="assistant_missing"):
        project.assistants.save("a", Assistant(), parent=99)
    assert project.assistants.list() == []
    assert project.prompts.list() == []


def test_prompts_and_their_difference(project: Project) -> None:
    old = project.prompts.save("분류", Instructions(system="둘 중 하나로 답한다.\n짧게.", template="{input}"))
    new = project.prompts.save("분류", Instructions(system="둘 중 하나로 답한다.\n한 단어로.", template="{input}"))
    assert [saved.id for saved in project.prompts.versions("분류")] == [new.id, old.id]
    (change,) = difference(old.instructions, new.instructions)
    assert change.field == "system"
    assert change.lines() == ["  둘 중 하나로 답한다.", "- 짧게.", "+ 한 단어로."]
    project.prompts.remove("분류")
    assert project.prompts.list() == []
    assert project.prompts.undo_remove() == new


# --- chats

TRACE = Trace(
    prompt="<s>안녕",
    messages=(Message(role="user", content="안녕"),),
    prompt_tokens=3,
    total_s=0.25,
    finish="stop",
    choices=(TokenChoice("네", 0.9, (Choice("네", 0.9), Choice("아", 0.1))),),
)


def test_a_conversation_reads_as_it_was_said(project: Project) -> None:
    chats, assistant = project.chats, Assistant(name="a", chat_template="{{ x }}")
    chat = chats.create()
    asked = chats.add_user(chat.id, "점심으로 무엇을\n먹을까요?")
    answered = chats.add_answer(chat.id, "", {}, assistant)
    chats.update_version(answered.versions[0].id, "비빔밥 👍", TRACE)
    again = chats.add_version(answered.id, "김밥", {"total_s": 1.5}, assistant)
    turns = chats.turns(chat.id)
    assert [(turn.role, turn.text) for turn in turns] == [("user", asked.text), ("assistant", "김밥")]
    first, second = turns[1].versions
    assert (first.text, first.trace, first.assistant) == ("비빔밥 👍", TRACE, assistant)
    assert (second.id, second.trace_json, turns[1].chosen) == (again.id, {"total_s": 1.5}, 1)
    assert turns[0].versions[0].trace is None and turns[0].versions[0].assistant is None
    assert chats.get(chat.id).title == "점심으로 무엇을 먹을까요?"
    chats.choose(answered.id, 0)
    assert chats.history(chat.id) == (
        Message(role="user", content="점심으로 무엇을\n먹을까요?"),
        Message(role="assistant", content="비빔밥 👍"),
    )
    assert [message.content for message in chats.history(chat.id, upto=answered.id)] == [asked.text]
    for index in (-1, 2):
        with pytest.raises(NotFound):
            chats.choose(answered.id, index)


@pytest.mark.parametrize("text", HARD)
def test_any_text_is_kept(project: Project, text: str) -> None:
    chat = project.chats.create()
    project.chats.add_user(chat.id, text)
    project.chats.add_answer(chat.id, text + "\0\ufffd", {"prompt": text}, Assistant())
    asked, answered = project.chats.turns(chat.id)
    assert (asked.text, answered.text) == (text, text + "\0\ufffd")
    assert answered.shown.trace_json == {"prompt": text}


def test_half_a_character_of_a_stream_does_not_stop_it(project: Project) -> None:
    chat = project.chats.create()
    turn = project.chats.add_answer(chat.id, "좋\ud83d", {"prompt": "\udc00"}, Assistant())
    assert turn.text == "좋?"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "error.text_empty"),
        (" \n", "error.text_empty"),
        ("a\0", "error.text_binary"),
        ("x" * 5_000_000, "error.text_too_long"),
    ],
)
def test_what_is_not_a_message_is_refused_and_nothing_is_written(project: Project, text: str, key: str) -> None:
    chat = project.chats.create()
    said = project.chats.add_user(chat.id, "전에 한 말")
    for write, place in ((project.chats.add_user, chat.id), (project.chats.edit_user, said.id)):
        with pytest.raises(BadInput) as refused:
            write(place, text)
        assert refused.value.key == key
    assert [turn.text for turn in project.chats.turns(chat.id)] == ["전에 한 말"]


def test_hangul_typed_on_any_system_is_the_same_text(project: Project) -> None:
    chat = project.chats.create()
    assert project.chats.add_user(chat.id, unicodedata.normalize("NFD", "한글")).text == "한글"


def test_an_edited_question_puts_what_followed_aside(project: Project) -> None:
    chats = project.chats
    chat = chats.create()
    first = chats.add_user(chat.id, "하나")
    answer = chats.add_answer(chat.id, "네", {}, Assistant())
    chats.add_user(chat.id, "둘")
    edited = chats.edit_user(first.id, "하나 반")
    assert [version.text for version in edited.versions] == ["하나", "하나 반"]
    assert [turn.text for turn in chats.turns(chat.id)] == ["하나 반"]
    with pytest.raises(NotFound):
        chats.add_version(answer.id, "다시", {}, Assistant())
    with pytest.raises(NotFound):
        chats.edit_user(chats.add_answer(chat.id, "네", {}, Assistant()).id, "not mine to say")


def test_the_last_exchange_can_be_taken_back(project: Project) -> None:
    chats = project.chats
    chat = chats.create()
    for text in ("하나", "둘"):
        chats.add_user(chat.id, text)
        chats.add_answer(chat.id, f"{text}!", {}, Assistant())
    removed = chats.remove_last(chat.id)
    assert [turn.text for turn in removed] == ["둘", "둘!"]
    assert [turn.text for turn in chats.turns(chat.id)] == ["하나", "하나!"]
    assert chats.undo_remove_last(chat.id) == removed
    chats.remove_last(chat.id)
    chats.add_user(chat.id, "셋")
    assert chats.undo_remove_last(chat.id) == [], "something was said since"
    chats.remove_last(chat.id)
    chats.remove_last(chat.id)
    assert chats.turns(chat.id) == []
    assert chats.remove_last(chat.id) == []


def test_chats_are_listed_renamed_removed_and_brought_back(project: Project) -> None:
    chats = project.chats
    one, two = chats.create("첫 대화"), chats.create()
    chats.add_user(one.id, "안녕")
    assert [chat.id for chat in chats.list()] == [one.id, two.id]
    assert chats.get(one.id).title == "첫 대화"
    assert chats.rename(two.id, " 새  이름 ").title == "새 이름"
    with pytest.raises(BadInput, match="chat_title"):
        chats.rename(two.id, "")
    chats.remove(one.id)
    assert [chat.id for chat in chats.list()] == [two.id]
    for call in (chats.get, chats.turns, chats.remove, chats.history, chats.remove_last):
        with pytest.raises(NotFound, match="chat_missing"):
            call(one.id)
    back = chats.undo_remove()
    assert back is not None and back.id == one.id
    assert [turn.text for turn in chats.turns(one.id)] == ["안녕"]
    assert chats.undo_remove() is None


@pytest.mark.parametrize("guess", [0, -1, 2**63, 10**40, None, "1", "1 OR 1=1", True, 1.0, [1], "\ud800"])
def test_whatever_a_page_sends_as_an_id_is_not_there(project: Project, guess: Any) -> None:
    chat = project.chats.create("a")
    project.chats.add_user(chat.id, "hi")
    project.assistants.save("a", Assistant())
    calls: list[Callable[[], object]] = [
        lambda: project.assistants.get(guess),
        lambda: project.prompts.get(guess),
        lambda: project.chats.get(guess),
        lambda: project.chats.turns(guess),
        lambda: project.chats.add_user(guess, "hi"),
        lambda: project.chats.choose(guess, 0),
        lambda: project.chats.edit_user(guess, "hi"),
        lambda: project.chats.update_version(guess, "hi", {}),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    assert project.assistants.versions(str(guess)) == []
    with pytest.raises(NotFound):
        project.assistants.remove(str(guess))
    assert [turn.text for turn in project.chats.turns(chat.id)] == ["hi"]


# --- draft and notes


def test_the_form_and_notes_are_kept(projects: Projects, project: Project) -> None:
    assert project.draft() is None
    made = Assistant(name="쓰던 것", decoding=Decoding(temperature=0.3, stop=("\n",)))
    project.keep_draft(made)
    project.set_note("playground.view", {"열": [1, None, "셋"]})
    project.set_note("playground.view", ["둘째"])
    projects.close()
    again = projects.open("owner", project.id)
    assert again.draft() == made
    assert again.get_note("playground.view") == ["둘째"]
    assert again.get_note("nothing") is None
    again.set_note("playground.draft", {"format": "of another studio"})
    assert again.draft() is None


# --- threads


def test_many_threads_write_and_read_and_nothing_is_lost(project: Project) -> None:
    chat, faults = project.chats.create(), list[BaseException]()

    def talk(speaker: int) -> None:
        try:
            for number in range(20):
                project.chats.add_user(chat.id, f"{speaker}-{number}")
                project.chats.turns(chat.id)
                project.assistants.save("같은 이름", Assistant())
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=talk, args=(speaker,)) for speaker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    said = [turn.text for turn in project.chats.turns(chat.id)]
    assert sorted(said) == sorted(f"{speaker}-{number}" for speaker in range(4) for number in range(20))
    assert [saved.number for saved in project.assistants.versions("같은 이름")] == list(range(80, 0, -1))
