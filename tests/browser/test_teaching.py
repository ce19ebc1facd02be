"""Teaching by example in a real browser: choose, look at the prompts, save, search, and where the project stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import open_studio
from tests.studio.process import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Page

RUN_MS = 180_000


@pytest.fixture(scope="module")
def teaching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio of its own, whose sample project nobody else changes."""
    running = Studio(Path(tmp_path_factory.mktemp("teaching")) / "home", "--port", "7961")
    try:
        yield running.wait()
    finally:
        running.end()


def open_part(page: Page, studio: Studio, language: str, part: str) -> None:
    open_studio(page, f"{studio.url}{language}/")
    page.click("#tab-fewshot-button")
    page.click(f"#fs-part-{part}-button")


def test_examples_are_chosen_seen_as_the_model_sees_them_and_saved(page: Page, teaching: Studio) -> None:
    open_part(page, teaching, "ko", "build")
    page.wait_for_selector("#bd-body #bd-choose")
    page.click("#bd-choose")
    page.wait_for_selector(".bd-shots li")
    assert page.locator(".bd-shots li").count() == 4
    page.wait_for_function("document.querySelectorAll('.bd-form').length === 3", timeout=60_000)
    first = page.inner_text(".bd-shots li:first-child .bd-text").strip()
    few = page.inner_text(".bd-form:last-child pre")
    assert first in few and page.inner_text(".bd-form:last-child small").endswith("토큰")
    page.click(".bd-shots li:first-child [data-do=down]")
    page.wait_for_function(
        "first => !document.querySelector('.bd-shots li:first-child').innerText.includes(first)", arg=first
    )
    page.fill("#bd-name input, #bd-name textarea", "예시 넷")
    page.click("#bd-save")
    page.wait_for_selector("#bd-saved [data-what=evaluation]")
    open_part(page, teaching, "ko", "build")
    page.wait_for_selector(".bd-shots li")
    assert "예시 넷" in page.input_value("#bd-base input")
    assert first not in page.inner_text(".bd-shots li:first-child"), "the order by hand is kept"


def test_a_search_tells_its_cost_runs_and_says_honestly_what_it_found(page: Page, teaching: Studio) -> None:
    open_part(page, teaching, "en", "search")
    page.wait_for_selector("#bs-find .bd-plan")
    page.click("#bs-budget label:first-of-type")
    page.wait_for_function("/20\\d|1\\d\\d/.test(document.querySelector('#bs-find .bd-plan').innerText)")
    assert "answers at most" in page.inner_text("#bs-find .bd-plan")
    page.click("#bs-start-find")
    page.wait_for_selector("#bs-result-find .run", timeout=30_000)
    page.wait_for_selector("#bs-result-find .bs-tried", timeout=RUN_MS)
    told = page.inner_text("#bs-result-find")
    assert "The best of many looks better than it is" in told and "The base as it is" in told


def test_the_overview_says_where_the_project_stands_and_the_next_step(page: Page, teaching: Studio) -> None:
    open_studio(page, f"{teaching.url}ko/")
    page.click("#tab-overview-button")
    page.wait_for_selector(".standing section")
    assert "예시 120개" in page.inner_text(".standing")
    page.click(".verdict.next [data-do=go]")
    page.wait_for_selector("#tab-evaluation-button[aria-selected=true]")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_phone_shows_the_builder_without_scrolling_sideways(page: Page, teaching: Studio, language: str) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    open_part(page, teaching, language, "build")
    page.wait_for_selector("#bd-choose")
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
