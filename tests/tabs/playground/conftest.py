"""A project on disk, and answers that come word by word from a script."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from backend.answering import Answer, Question, Trace
from backend.assistants import Assistant
from backend.errors import StudioError
from backend.jobs.runs import Runs
from backend.messages import Message
from backend.models.engine import Choice, TokenChoice
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from tabs.playground import compare, editing, setup, shelf
from tabs.session import OWNER, Session
from tabs.text import Words


class ScriptedAnswers:
    """Says `words` one after the other, `pause` apart; `fault` is raised after the word number `fault_after`."""

    def __init__(self) -> None:
        self.words = ["하나 ", "둘 ", "셋"]
        self.pause = 0.0
        self.fault: StudioError | None = None
        self.fault_after = 0
        self.asked: list[tuple[Assistant, Question]] = []
        self.stopped = threading.Event()

    def compose(self, assistant: Assistant, question: Question) -> tuple[Message, ...]:
        return (Message(role="user", content=question.variables["input"]),)

    def preview(self, assistant: Assistant, question: Question) -> tuple[str, list[str] | None]:
        text = f"<user>{question.variables['input']}</user>"
        return text, ["<user>", question.variables["input"], "</user>"]

    def answer(self, assistant: Assistant, question: Question, stop: threading.Event | None = None) -> Iterator[Answer]:
        self.asked.append((assistant, question))
        text, choices = question.prefill, ()
        for count, word in enumerate(self.words):
            if self.fault is not None and count == self.fault_after:
                raise self.fault
            if stop is not None and stop.is_set():
                self.stopped.set()
                yield Answer(text, self.trace(count, "stopped", choices))
                return
            time.sleep(self.pause)
            text += word
            choices = (*choices, TokenChoice(word, 0.9, (Choice(word, 0.9), Choice("다른 말", 0.05))))
            yield Answer(text, self.trace(count + 1, None, choices))
        yield Answer(text, self.trace(len(self.words), "stop", choices))

    def trace(self, count: int, finish: Any, choices: tuple[TokenChoice, ...]) -> Trace:
        return Trace("...", (), 10, count, 0.12, 0.5, 41.0, finish, choices)


@pytest.fixture
def answers() -> ScriptedAnswers:
    return ScriptedAnswers()


@pytest.fixture
def services(tmp_path: Path, answers: ScriptedAnswers) -> Iterator[Any]:
    settings = Settings(home=tmp_path, open_browser=False)
    projects = Projects(tmp_path / "projects")
    opened = projects.create(OWNER, "시험").id

    @contextlib.contextmanager
    def engine(weights: Any) -> Iterator[Any]:
        yield SimpleNamespace(chat_template="{{ messages }}", context_length=512)

    yield SimpleNamespace(
        settings=settings,
        projects=projects,
        answers=answers,
        answers_in=lambda project: answers,
        host=SimpleNamespace(engine=engine, warm=lambda ref: None),
        endpoints=SimpleNamespace(list=list),
        retrieval=SimpleNamespace(warm=lambda project, wanted: None),
        runs=lambda project: Runs(project.runs_folder, settings),
        first_project=lambda who, name: opened,
        project_id=opened,
    )
    projects.close()


@pytest.fixture
def project(services: Any) -> Project:
    return services.projects.open(OWNER, services.project_id)


@pytest.fixture
def words() -> Words:
    return Words("ko")


@pytest.fixture
def request_() -> gr.Request:
    """A visitor of a studio without accounts."""
    return gr.Request(username=None, session_hash="page-1")


def pressed(**data: object) -> gr.EventData:
    """A click on a view's button, as it comes from the page."""
    return gr.EventData(None, data)


def at_work(services: Any, words: Words, form: setup.Setup) -> tuple[editing.Editing, shelf.Shelf, compare.Comparing]:
    """What changes the form, saves it as an assistant and sets it beside another one."""
    with gr.Blocks():
        session = Session(gr.State(""), gr.Dropdown(), gr.Timer(5), gr.State(""), gr.State(0))
        edit = editing.Editing(services, words, session, form)
        saving = shelf.Shelf(services, words, form, shelf.layout(words))
        sides = compare.Comparing(services, words, compare.layout(words))
    return edit, saving, sides
