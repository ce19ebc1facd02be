"""The studio as a process: one command opens it, a second one on the same home stops, and it talks to nobody else."""

from __future__ import annotations

import re
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from backend.errors import Busy
from studio.serve import address, listen
from tests.studio.process import Studio
from tests.studio.watching import strangers, watched


@pytest.fixture
def started() -> Iterator[list[Studio]]:
    """Studios put in here are ended after the test."""
    running: list[Studio] = []
    yield running
    for studio in running:
        studio.end()


@pytest.mark.slow
def test_start_a_page_and_stop_reach_no_other_machine(tmp_path: Path, started: list[Studio]) -> None:
    studio = Studio(tmp_path / "home", "--port", "7926", environment=watched(tmp_path))
    started.append(studio)
    studio.wait()
    page = httpx.get(f"{studio.url}ko/", timeout=60)
    assert page.status_code == 200
    assert 'lang="ko"' in page.text
    assert_nothing_of_other_hosts_is_loaded(page.text)
    if sys.platform != "win32":
        studio.process.send_signal(signal.SIGINT)
        studio.process.wait(30)  # a second signal would mean: do not wait for anything
    studio.stop()
    assert strangers(tmp_path) == []
    assert "Traceback" not in studio.log() + studio.printed()


def assert_nothing_of_other_hosts_is_loaded(html: str) -> None:
    loaded = re.findall(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["'](https?:)?//([^"'/]+)""", html)
    assert not [host for _, host in loaded if "127.0.0.1" not in host]
    assert "fonts.googleapis" not in html and "og:image" not in html


@pytest.mark.slow
def test_a_second_studio_on_one_home_says_so_and_stops(tmp_path: Path, started: list[Studio]) -> None:
    first = Studio(tmp_path / "home", "--port", "7928")
    started.append(first)
    first.wait()
    printed = tmp_path / "home-printed.txt"
    printed.rename(tmp_path / "first.txt")
    second = Studio(tmp_path / "home", "--port", "7928")
    started.append(second)
    assert second.process.wait(60) == 2
    assert str(tmp_path / "home") in second.printed()
    assert "Traceback" not in second.printed()
    assert first.process.poll() is None


@pytest.mark.slow
def test_a_studio_for_others_makes_an_account_and_tells_its_password_once(
    tmp_path: Path, started: list[Studio]
) -> None:
    studio = Studio(tmp_path / "home", "--host", "0.0.0.0", "--port", "7930")
    started.append(studio)
    studio.wait()
    told = re.search(r"Password: (\S+)", studio.printed())
    assert told is not None
    assert httpx.get(f"{studio.url}ko/config", timeout=30).status_code == 401
    answer = httpx.post(f"{studio.url}signin", data={"name": "owner", "password": told[1]}, timeout=30)
    assert answer.status_code == 303
    accounts = tmp_path / "home" / "accounts.json"
    assert told[1] not in accounts.read_text(encoding="utf-8") + studio.log()
    if sys.platform != "win32":
        assert stat.S_IMODE(accounts.stat().st_mode) == 0o600
    studio.stop()
    again = Studio(tmp_path / "home", "--host", "0.0.0.0", "--port", "7930")
    started.append(again)
    again.wait()
    assert "Password" not in again.printed()


def test_a_taken_port_gives_the_next_free_one() -> None:
    with listen("127.0.0.1", 7932) as first, listen("127.0.0.1", 7932) as second:
        assert second.getsockname()[1] > first.getsockname()[1]
    with listen("127.0.0.1", 0) as any_port:
        assert any_port.getsockname()[1] > 0


def test_an_address_of_another_machine_is_a_sentence() -> None:
    with pytest.raises(Busy, match=r"error\.no_port"):
        listen("203.0.113.7", 7932)


@pytest.mark.parametrize(
    ("host", "root", "shown"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:7860/"),
        ("0.0.0.0", "", "http://127.0.0.1:7860/"),
        ("::", "", "http://[::1]:7860/"),
        ("127.0.0.1", "/studio/", "http://127.0.0.1:7860/studio/"),
    ],
)
def test_the_address_shown_works_on_this_machine(host: str, root: str, shown: str) -> None:
    assert address(host, 7860, root) == shown
