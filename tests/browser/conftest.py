"""A real studio in a process of its own, and a real Chromium that looks at it.

A page that asks any other host, or writes an error to the console, fails its test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.studio.process import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What Gradio's client logs about its own open streams when a page is left; no page of ours can keep it from that.
LEAVING = (
    "signal is aborted without reason",
    "Unexpected error Connection errored out.",
    "BodyStreamBuffer was aborted",
)
# And when it is signed out in the middle of a poll: asked for by the one test that does so, with `signs_out`.
SIGNING_OUT = ("net::ERR_INCOMPLETE_CHUNKED_ENCODING", "TypeError: network error")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # A browser on a busy machine can be late once; twice is a fault. Nothing else is tried again.
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["TimeoutError"]))


# Playwright keeps an event loop running in this thread until it is closed: the tests of other folders come without it.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        reason = "no Chromium on this machine (looked for " + ", ".join(NAMES) + ")"
        if os.environ.get("MATCHUM_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio for all tests that do not need to stop it or to begin with an empty home."""
    running = Studio(tmp_path_factory.mktemp("studio") / "home", "--port", "7925")
    try:
        yield running.wait()
    finally:
        running.end()


@pytest.fixture
def studio_url(studio: Studio) -> str:
    return studio.url


def signed_out(message: ConsoleMessage) -> bool:
    """What a page that was just signed out of logs about the poll that was under way."""
    refused = "status of 401" in message.text and "/gradio_api/queue/" in message.location.get("url", "")
    return refused or message.text == "Response"


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A visitor. Fails the test when a page asked another host, or had something to complain about."""
    visitor = browser.new_context(viewport={"width": 1400, "height": 1000}, locale="ko-KR")
    wrong: list[str] = []
    leaving = (*LEAVING, *SIGNING_OUT) if request.node.get_closest_marker("signs_out") else LEAVING

    def on_request(asked: Request) -> None:
        parts = urlsplit(asked.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in {"127.0.0.1", "localhost"}:
            wrong.append(f"asked another host: {asked.url}")

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(known in message.text for known in leaving) and not signed_out(message):
            wrong.append(f"console: {message.text} ({message.location.get('url', '')})")

    visitor.on("request", on_request)
    visitor.on("console", on_console)
    visitor.on("weberror", lambda error: wrong.append(f"error in the page: {error.error}"))
    yield visitor
    visitor.close()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def open_studio(page: Page, url: str) -> None:
    """Go to the page and wait until it is alive: the project is known and the header filled."""
    page.goto(url)
    page.wait_for_selector("#tabs", timeout=30_000)
    page.wait_for_function("document.querySelector('#project input')?.value", timeout=30_000)
