"""The builder without a browser: what is chosen, ordered, mended and saved, and what an empty project is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from sqlalchemy import update

from backend.assistants import Assistant, Instructions
from backend.errors import BadInput, NotFound, Refused
from backend.examples.example import NewExample
from backend.examples.splits import make_splits, plan_splits
from backend.examples.task import Task
from backend.projects.folder import Project
from backend.projects.tables import ExampleRow
from backend.services import Services, create_services
from backend.settings import Settings
from tabs.fewshot import build_part
from tabs.fewshot.build_draft import Draft, fitting, keep_draft, read_draft
from tabs.fewshot.building import PLAIN, Building, read_selection
from tabs.text import Words

KO = Words("ko")
ME = cast(gr.Request, SimpleNamespace(username=None))
FORM = {"method": "balanced", "count": 4, "order": "as_listed", "seed": 0}
SUBJECTS = ("배우", "음악", "이야기", "화면", "결말", "대사", "연출", "의상", "초반", "조명")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = create_services(Settings(home=tmp_path / "home"))
    yield made
    made.close()


@pytest.fixture
def project(services: Services) -> Project:
    return services.projects.open("owner", services.projects.create("owner", "영화평").id)


@pytest.fixture
def filled(project: Project) -> Project:
    """Forty reviews with their labels, split."""
    project.examples.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    rows = []
    for number in range(40):
        good = number % 2 == 0
        told = "마음에 들어 두 번 보았다" if good else "지루해서 끝까지 못 보았다"
        text = f"{SUBJECTS[number // 4]} {told} {number * 7919}"
        rows.append(NewExample(variables={"input": text}, output="긍정" if good else "부정"))
    project.examples.add(rows, "import")
    make_splits(project.examples, plan_splits(project.examples))
    project.assistants.save("분류", Assistant(instructions=Instructions(system="분류하십시오", template="평: {input}")))
    return project


@pytest.fixture
def building(services: Services) -> Building:
    with gr.Blocks(analytics_enabled=False):
        return Building(services, KO, build_part.layout(KO))


def press(do: str, what: str) -> gr.EventData:
    return gr.EventData(None, {"do": do, "what": what})


def test_without_examples_it_says_what_to_do_first(building: Building, project: Project) -> None:
    updates = building.restore(project.id, ME)
    assert KO.t("build.no_examples") in updates[building.part.empty]
    assert updates[building.part.body]["visible"] is False


def test_examples_without_a_split_are_not_chosen_from(building: Building, project: Project) -> None:
    project.examples.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    project.examples.add([NewExample(variables={"input": "글"}, output="긍정")], "import")
    assert KO.t("build.no_split") in building.restore(project.id, ME)[building.part.empty]


def test_choosing_takes_train_examples_evenly_and_is_kept(building: Building, filled: Project) -> None:
    drawn = building.choose(filled.id, ME, **FORM)
    shots = read_draft(filled).examples.shots
    assert sorted(shot.output for shot in shots) == ["긍정", "긍정", "부정", "부정"]
    train = {one.variables["input"] for one in filled.examples.each("train", "shots")}
    assert {shot.variables["input"] for shot in shots} <= train
    assert drawn[building.part.shots].count("<li>") == 4
    assert building.restore(filled.id, ME)[building.part.shots] == drawn[building.part.shots]


def test_ordering_by_hand_makes_the_set_one_chosen_by_hand(building: Building, filled: Project) -> None:
    building.choose(filled.id, ME, **FORM)
    first, second, *_ = read_draft(filled).examples.shots
    building.press(filled.id, "", press("down", "0"), ME)
    draft = read_draft(filled)
    assert draft.examples.shots[:2] == (second, first) and draft.selection.method == "by_hand"
    building.press(filled.id, "", press("drop", "0"), ME)
    assert len(read_draft(filled).examples.shots) == 3
    assert fitting(filled)[0].name == "분류"


def test_an_example_of_the_test_split_cannot_be_ticked(building: Building, filled: Project) -> None:
    building.choose(filled.id, ME, **(FORM | {"method": "by_hand"}))
    allowed = next(iter(filled.examples.each("train", "shots")))
    building.press(filled.id, "", press("use", str(allowed.id)), ME)
    assert read_draft(filled).examples.shots == (allowed.shot(),)
    locked = next(iter(filled.examples.each("test", "evaluate")))
    with pytest.raises((BadInput, NotFound, Exception)) as told:
        building.press(filled.id, "", press("use", str(locked.id)), ME)
    assert str(told.value).startswith("error.")
    assert read_draft(filled).examples.shots == (allowed.shot(),)


@pytest.mark.parametrize("what", ["-1", "x", "9" * 40, ""])
def test_what_no_page_of_ours_sends_is_refused(building: Building, filled: Project, what: str) -> None:
    building.choose(filled.id, ME, **FORM)
    before = read_draft(filled)
    try:
        building.press(filled.id, "", press("up", what), ME)
    except BadInput as fault:
        assert fault.key == "error.page_action"
    assert read_draft(filled) == before


def test_a_method_that_chooses_for_each_question_keeps_a_pool(building: Building, filled: Project) -> None:
    drawn = building.choose(filled.id, ME, **(FORM | {"method": "nearest_bm25", "order": "nearest_last", "count": 2}))
    draft = read_draft(filled)
    assert len(draft.examples.shots) == filled.examples.counts().train
    assert drawn[building.part.shots].count("<li>") == 2, "two shots for the question in hand are shown"
    question = building.question(filled, draft)
    assert question is not None and question.split == "dev"


def test_saving_makes_a_version_with_its_parent_and_says_how_it_was_made(building: Building, filled: Project) -> None:
    base = filled.assistants.list()[0]
    building.rebase(filled.id, base.id, ME)
    building.choose(filled.id, ME, **FORM)
    building.save(filled.id, base.name, "", ME)
    kept = filled.assistants.list()[0]
    assert (kept.number, kept.parent_id, len(kept.assistant.examples.shots)) == (2, base.id, 4)
    assert kept.assistant.instructions == base.assistant.instructions
    assert KO.t("build.method_balanced") in kept.note


def test_the_plain_prompt_of_the_task_is_there_to_build_on(building: Building, filled: Project) -> None:
    building.rebase(filled.id, PLAIN, ME)
    building.choose(filled.id, ME, **FORM)
    building.save(filled.id, "첫 어시스턴트", "", ME)
    kept = filled.assistants.list()[0].assistant
    assert "'긍정', '부정'" in kept.instructions.system and len(kept.examples.shots) == 4


def test_the_three_forms_show_the_exact_prompt_and_its_length(building: Building, filled: Project) -> None:
    building.choose(filled.id, ME, **FORM)
    drawn, advice = building.show_forms(filled.id, ME)
    assert drawn.count('class="bd-form"') == 3 and "토큰" in drawn
    shot = read_draft(filled).examples.shots[0]
    assert shot.variables["input"].split()[0] in drawn
    assert isinstance(advice, str)


@pytest.mark.parametrize("form", [{"method": "guess"}, {"count": 9_999}, {"seed": -1}, {"count": "many"}])
def test_a_form_that_was_tampered_with_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        read_selection(FORM | form)


def test_a_draft_of_a_newer_studio_does_not_break_the_page(building: Building, filled: Project) -> None:
    filled.set_note("fewshot.draft", {"selection": {"method": "telepathy"}})
    assert read_draft(filled) == Draft(base=filled.assistants.list()[0].id)
    keep_draft(filled, Draft(base=10**6))
    assert building.restore(filled.id, ME)[building.part.empty] == ""


def test_shots_that_stand_in_the_test_split_are_not_saved(building: Building, filled: Project) -> None:
    building.choose(filled.id, ME, **FORM)
    shot = read_draft(filled).examples.shots[0]
    before = len(filled.assistants.list())
    learnt = next(one for one in filled.examples.each("train", "shots") if one.variables == shot.variables)
    with filled.examples.database.write() as session:  # as splitting anew would place it
        session.execute(update(ExampleRow).where(ExampleRow.id == learnt.id).values(split="test"))
    with pytest.raises(Refused, match="build_leak") as told:
        building.save(filled.id, "샌 것", "", ME)
    assert told.value.details["count"] == 1 and str(told.value.details["first"]) in shot.variables["input"]
    assert len(filled.assistants.list()) == before
    building.press(filled.id, "", press("drop", "0"), ME)
    building.save(filled.id, "샌 것", "", ME)
    assert len(filled.assistants.list()) == before + 1
