"""A project with examples, three assistants and answers that were given by a script, and the tab's handlers over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from backend.accounts import OWNER
from backend.assistants import Assistant, Examples, Instructions, Shot
from backend.evaluation.answer_store import NewAnswer
from backend.evaluation.identity import fingerprint
from backend.examples.example import Example, NewExample
from backend.examples.task import Task
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.services import Services, create_services
from backend.settings import Settings
from tabs.evaluation.desk import Desk
from tabs.evaluation.layout import layout
from tabs.text import Words

COUNT = 60


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = create_services(Settings(home=tmp_path / "home", open_browser=False))
    yield made
    made.close()


@pytest.fixture
def bare(services: Services) -> Project:
    """Nothing in it."""
    return services.projects.open(OWNER, services.projects.create(OWNER, "영화평").id)


@pytest.fixture
def project(bare: Project) -> Project:
    """Sixty test examples, half of each label, from two regions."""
    bare.examples.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    bare.examples.add(
        NewExample(
            variables={"input": f"영화평 {number} {'아주 ' * (number % 7)}<b>그녀</b>"},
            output="긍정" if number % 2 else "부정",
            groups={"지역": "부산" if number % 4 < 2 else "서울"},
            tags=("긴",) if number < 20 else (),
        )
        for number in range(COUNT)
    )
    bare.examples.set_split([one.id for one in bare.examples.page(limit=COUNT)], "test")
    return bare


@pytest.fixture
def saved(project: Project) -> tuple[SavedAssistant, SavedAssistant, SavedAssistant]:
    """A prompt, one with two examples, and one that nobody evaluated."""
    plain = Assistant(instructions=Instructions(template="{input}"))
    shots = (Shot(variables={"input": "좋다"}, output="긍정"), Shot(variables={"input": "별로"}, output="부정"))
    return (
        project.assistants.save("지시문", plain),
        project.assistants.save("예시 <둘>", plain.model_copy(update={"examples": Examples(shots=shots)})),
        project.assistants.save("새것", plain.model_copy(update={"instructions": Instructions(system="새것")})),
    )


@pytest.fixture
def answered(services: Services, project: Project, saved: tuple[SavedAssistant, ...]) -> Project:
    """The prompt gets 24 of 60 right and six unreadable, the one with examples 54 of 60."""
    examples = project.examples.page(limit=COUNT)
    for one, right in ((saved[0], 24), (saved[1], 54)):
        known = fingerprint(one.assistant, services.host.where)
        project.answers.add([answer(known, example, place, right) for place, example in enumerate(examples)])
    return project


def answer(known: str, example: Example, place: int, right: int) -> NewAnswer:
    wrong = "부정" if example.output == "긍정" else "긍정"
    text = example.output if place < right else ("모르겠습니다" if right < 30 and place >= 54 else wrong)
    return NewAnswer(known, example.input_key, text, "stop", 20 + right, 2, 0.01 * (1 + place), 0.005)


@pytest.fixture(params=["ko", "en"])
def words(request: pytest.FixtureRequest) -> Words:
    return Words(request.param)


@pytest.fixture
def desk(services: Services) -> Desk:
    """The Korean page's; what is said in either language is held together by the views' own tests."""
    words = Words("ko")
    with gr.Blocks():
        return Desk(services, words, layout(words))


@pytest.fixture
def visitor() -> gr.Request:
    return gr.Request(username=None, session_hash="page-1")


def pressed(do: str, what: str = "") -> gr.EventData:
    """A click on a button in a list, as it comes from the page."""
    return gr.EventData(None, {"do": do, "what": what})
