"""Start, a page, a chat with the practice model and the end of it: no connection leaves this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import open_studio
from tests.studio.process import Studio
from tests.studio.watching import strangers, watched

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.slow
def test_start_chat_and_stop_reach_no_other_machine(tmp_path: Path, page: Page) -> None:
    studio = Studio(tmp_path / "home", "--port", "7934", environment=watched(tmp_path))
    try:
        studio.wait()
        open_studio(page, f"{studio.url}ko/")
        box = page.get_by_placeholder("메시지를 쓰십시오", exact=False).first
        box.fill("안녕하세요?")
        box.press("Enter")
        page.wait_for_selector("text=토큰/초", timeout=90_000)
        page.close()  # it would tell that the server is gone
        assert studio.stop() == 0
        assert strangers(tmp_path) == []
        assert "Traceback" not in studio.log() + studio.printed()
    finally:
        studio.end()
