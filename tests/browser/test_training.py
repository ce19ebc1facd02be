"""One training in a real browser: set up, start, watch, and make an assistant of what it learned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import open_studio
from tests.studio.process import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Page

FIRST_MS = 120_000
"""The first card reads a tokenizer and every example."""
RUN_MS = 300_000


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio of its own, whose sample project nobody else changes."""
    running = Studio(Path(tmp_path_factory.mktemp("training")) / "home", "--port", "7971")
    try:
        yield running.wait()
    finally:
        running.end()


def open_setup(page: Page, studio: Studio, language: str) -> None:
    open_studio(page, f"{studio.url}{language}/")
    page.click("#tab-training-button")
    page.wait_for_selector("#ts-card .ts-figures", timeout=FIRST_MS)


def test_a_run_is_set_up_started_watched_and_becomes_an_assistant(page: Page, training: Studio) -> None:
    open_setup(page, training, "ko")
    assert page.locator("#ts-preview .ts-row mark").count() >= 3, "what is learned is marked"
    assert "<|im_end|>" in page.inner_text("#ts-preview .ts-row:first-of-type")
    page.click("#ts-effort label:first-of-type")
    page.fill("#ts-limit input", "16")
    page.press("#ts-limit input", "Enter")
    page.wait_for_function("document.querySelector('#ts-card .ts-head')?.innerText.includes('16')", timeout=FIRST_MS)
    page.click("#ts-start")
    page.wait_for_selector("#tr-part-watch-button[aria-selected=true]", timeout=60_000)
    page.click("#tw-head [data-do=keep]", timeout=RUN_MS)
    page.wait_for_selector("#tw-head [data-do=evaluate]", timeout=60_000)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_phone_shows_the_form_without_scrolling_sideways(page: Page, training: Studio, language: str) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    open_setup(page, training, language)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
