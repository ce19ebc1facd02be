"""Arguments become settings, and what the terminal says is for people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.accounts import Accounts
from backend.settings import Settings
from studio import share, terminal
from studio.__main__ import main, parser, prepare_environment, settings_from
from tabs.text import Words


@pytest.fixture(autouse=True)
def environment_as_before() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_what_is_not_typed_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATCHUM_PORT", "8123")
    monkeypatch.setenv("MATCHUM_OFFLINE", "true")
    told = settings_from(parser().parse_args(["--home", str(tmp_path), "--no-browser"]))
    assert (told.port, told.offline, told.open_browser, told.host) == (8123, True, False, "127.0.0.1")
    assert settings_from(parser().parse_args(["--port", "9000"])).port == 9000


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--nonsense"], ["accounts", "drop", "x"]])
def test_arguments_that_cannot_be_are_refused_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_no_library_is_left_to_call_home(tmp_path: Path) -> None:
    prepare_environment(Settings(home=tmp_path))
    for name, value in {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "ANONYMIZED_TELEMETRY": "False",
    }.items():
        assert os.environ[name] == value
    assert os.environ["GRADIO_TEMP_DIR"].startswith(str(tmp_path))


def test_an_account_is_added_and_its_password_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accounts", "add", "mina", "--home", str(tmp_path)]) == 0
    password = capsys.readouterr().out.split("mina: ")[1].strip()
    assert Accounts(tmp_path).check("mina", password)
    assert main(["--add-account", "Mi na", "--home", str(tmp_path)]) == 2
    assert "Mi na" in capsys.readouterr().err


def test_the_terminal_speaks_the_language_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert terminal.terminal_words().language == "en"
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert terminal.terminal_words().language == "ko"


def test_sharing_that_fails_is_a_sentence_and_no_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gradio import networking

    def refuse(*_: object) -> str:
        raise RuntimeError("Could not get share link from Gradio API Server.")

    monkeypatch.setattr(networking, "setup_tunnel", refuse)
    assert share.open_tunnel(7860) is None
    words = Words("en")
    terminal.share(7860, Settings(home=tmp_path, share=True), words)
    assert words.t("header.not_shared") in capsys.readouterr().out


def test_offline_never_asks_for_a_public_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from gradio import networking

    monkeypatch.setattr(networking, "setup_tunnel", lambda *_: pytest.fail("asked for a tunnel"))
    terminal.share(7860, Settings(home=tmp_path, share=True, offline=True), Words("ko"))
