"""Comparing as a person does it, in a real browser: evaluate two assistants, stop and go on, read why one is better."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backend.accounts import OWNER
from backend.assistants import Assistant, Decoding, Examples, Instructions, Shot
from backend.examples.example import NewExample
from backend.examples.task import Task
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.projects.sample import chat_template
from backend.settings import ASSETS
from tests.browser.conftest import open_studio
from tests.studio.process import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Page

LONG = 120_000
"""Milliseconds for what needs answers: two cores may be shared."""
SHOWN = 16


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a project that can be compared in, and an empty one."""
    home = tmp_path_factory.mktemp("compare") / "home"
    projects = Projects(home / "projects")
    projects.create(OWNER, "아직 빈 것")
    fill(projects.open(OWNER, projects.create(OWNER, "영화평 비교").id))
    projects.close()
    return home


def fill(project: Project) -> None:
    with (ASSETS / "samples" / "reviews.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))[: SHOWN + 4]
    project.examples.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    project.examples.add(NewExample(variables={"input": row["input"]}, output=row["label"]) for row in rows)
    kept = project.examples.page(limit=len(rows))
    project.examples.set_split([one.id for one in kept[:SHOWN]], "test")
    project.examples.set_split([one.id for one in kept[SHOWN:]], "train")
    bare = Assistant(
        instructions=Instructions(template="{input}"),
        decoding=Decoding(max_new_tokens=6),
        chat_template=chat_template(ASSETS / "starter"),
    )
    shots = tuple(Shot(variables=one.variables, output=one.output) for one in kept[SHOWN:])
    asked = Instructions(system="'긍정' 또는 '부정' 한 단어로만 답하십시오.", template="평: {input}\n감성:")
    project.assistants.save("맨입으로", bare)
    project.assistants.save(
        "예시와 함께", bare.model_copy(update={"instructions": asked, "examples": Examples(shots=shots)})
    )


@pytest.fixture(scope="module")
def compared(home: Path) -> Iterator[Studio]:
    running = Studio(home, "--port", "7952")
    try:
        yield running.wait()
    finally:
        running.end()


def open_compare(page: Page, studio: Studio, project: str, language: str = "ko") -> None:
    page.set_default_timeout(60_000)
    open_studio(page, f"{studio.url}{language}/")
    if page.input_value("#project input") != project:
        page.click("#project input")
        page.get_by_role("option", name=project, exact=True).click()
        page.wait_for_function("name => document.querySelector('#project input').value === name", arg=project)
    page.click("#tab-evaluation-button")
    page.wait_for_selector("#cp-verdict .cp-verdict")


def test_an_empty_project_shows_the_way_to_its_first_examples(page: Page, compared: Studio) -> None:
    open_compare(page, compared, "아직 빈 것")
    page.wait_for_selector("#cp-verdict >> text=예시가 필요합니다")
    assert page.is_disabled("#cp-start")
    page.click("#cp-verdict [data-do=go]")
    page.wait_for_selector("#tab-fewshot-button[aria-selected=true]")


def test_two_assistants_are_evaluated_stopped_resumed_and_told_apart(
    page: Page, compared: Studio, tmp_path: Path
) -> None:
    open_compare(page, compared, "영화평 비교")
    page.wait_for_selector(f"#cp-plan >> text=새로 물을 답 {2 * SHOWN}개")
    page.click("#cp-start")
    page.click("#cp-runs [data-do=stop]", timeout=LONG)
    page.wait_for_selector("#cp-runs li.run.stopped, #cp-board table", timeout=LONG)
    if page.locator("#cp-runs [data-do=resume]").count():  # else it was quicker than the click
        page.click("#cp-runs [data-do=resume]")
    page.wait_for_selector("#cp-board table", state="attached", timeout=LONG)
    page.wait_for_selector(f"#cp-plan >> text=필요한 답 {2 * SHOWN}개가 모두 저장되어 있습니다", timeout=LONG)
    page.wait_for_selector("#cp-verdict .cp-lead >> text=/낫습니다|구별/")
    assert page.locator("#cp-board tbody tr").count() == 2
    page.wait_for_selector("#cp-scatter .js-plotly-plot .point", state="attached")
    page.click("#cp-which input")
    page.get_by_role("option", name=re.compile("^A만 맞음")).click()
    page.wait_for_selector("#cp-sides .cp-example")
    for example in page.locator("#cp-sides .cp-example").all():
        marks = example.locator(".cp-answer header span").all_inner_texts()
        assert marks[0] == "✓ 맞음" and marks[1] in ("✗ 틀림", "? 못 읽음")
    with page.expect_download() as handed:
        page.click("#cp-jsonl")
    handed.value.save_as(tmp_path / "answers.jsonl")
    assert len((tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()) == 2 * SHOWN


def test_another_page_shows_the_same_comparison_in_english(page: Page, compared: Studio) -> None:
    open_compare(page, compared, "영화평 비교", "en")
    page.wait_for_selector("#cp-board table", timeout=LONG)
    page.get_by_role("tab", name="By label").click()
    page.wait_for_selector("#cp-labels .cp-matrix")
    cells = page.locator("#cp-labels .cp-cell").all_inner_texts()
    assert sum(int(text) for text in cells if text.isdigit()) == SHOWN
    spoken = " ".join(page.locator("#cp-verdict, #cp-choice, #cp-board, #cp-labels").all_inner_texts())
    assert not re.search("[가-힣]", re.sub("맨입으로|예시와 함께|긍정|부정", "", spoken))
    page.get_by_role("tab", name="Judge and ratings").click()
    page.click("#cp-rate")
    page.click("#cp-rating [data-do=rate] >> nth=0")
    page.wait_for_selector("#cp-rating >> text=/1 of \\d+ rated|All 1 pairs/")
