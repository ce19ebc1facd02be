"""Words are filled for people, faults are told once, and what comes from the page is not trusted."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from backend.errors import BadInput, StudioError
from tabs import widgets
from tabs.errors import shown
from tabs.text import Words, read_words

KO, EN = Words("ko"), Words("en")


@pytest.fixture
def toasts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda text, **_: told.append(text))
    return told


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "2 kB"), (999_950, "1.0 MB"), (1.23e9, "1.2 GB"), (18.2e9, "18 GB")],
)
def test_bytes_are_written_as_people_read_them(count: float, text: str) -> None:
    assert EN.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0초"), (59.6, "1분 0초"), (200, "3분 20초"), (7500, "2시간 5분"), (-3, "0초")]
)
def test_times_are_written_in_two_units(seconds: float, text: str) -> None:
    assert KO.duration(seconds) == text


def test_a_detail_that_is_missing_does_not_hide_the_fault() -> None:
    assert "{log}" in EN.t("common.bug")


def test_a_way_of_training_is_told_by_its_name() -> None:
    key = "error.training_pissa_method"
    assert KO.t("methods.name.prompt_tuning") in KO.t(key, method="prompt_tuning")
    assert "(IA)3" in KO.t(key, method="(IA)3"), "what is no id stays as it is"


def test_a_key_in_two_parts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ko").mkdir()
    for part in ("a", "b"):
        (tmp_path / "ko" / f"{part}.json").write_text(json.dumps({"a.key": part}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.key"):
        read_words("ko", tmp_path)


def test_a_studio_error_is_told_and_changes_nothing(toasts: list[str]) -> None:
    @shown(EN)
    def fails() -> str:
        raise BadInput("error.account_name", name="Mi na")

    assert fails() == gr.skip()
    assert toasts == [EN.t("error.account_name", name="Mi na")]


def test_a_stream_keeps_what_came_before_the_fault(toasts: list[str]) -> None:
    @shown(EN)
    def streams() -> Iterator[str]:
        yield "so far"
        raise BadInput("error.page_action")

    assert inspect.isgeneratorfunction(streams)
    assert list(streams()) == ["so far", gr.skip()]
    assert toasts == [EN.t("error.page_action")]


def test_a_fault_that_must_stop_what_follows_is_raised() -> None:
    @shown(EN, halt=True)
    def fails() -> None:
        raise BadInput("error.page_action")

    with pytest.raises(gr.Error) as told:
        fails()
    assert told.value.message == EN.t("error.page_action")


def test_a_bug_goes_to_the_log_and_the_person_gets_an_apology(caplog: pytest.LogCaptureFixture) -> None:
    @shown(KO)
    def breaks() -> None:
        raise ZeroDivisionError("secret detail")

    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as told:
        breaks()
    assert "secret" not in str(told.value.message)
    assert "logs/studio.log" in str(told.value.message)
    assert "ZeroDivisionError" in caplog.text


def test_a_key_without_words_is_a_bug_and_says_so(toasts: list[str], caplog: pytest.LogCaptureFixture) -> None:
    @shown(EN)
    def fails() -> None:
        raise StudioError("error" + ".nobody_wrote_this")

    fails()
    assert "logs/studio.log" in toasts[0]
    assert "nobody_wrote_this" in caplog.text


def test_the_decorator_keeps_what_gradio_looks_at() -> None:
    @shown(EN)
    def handler(project_id: str, request: gr.Request) -> None: ...

    assert list(inspect.signature(handler).parameters) == ["project_id", "request"]


@pytest.mark.parametrize(
    "sent", [None, 3, [], {}, {"do": 1}, {"do": "x", "what": 5}, {"do": "x" * 41}, {"do": "x", "what": "y" * 401}]
)
def test_a_click_that_our_page_does_not_send_is_refused(sent: Any) -> None:
    with pytest.raises(BadInput, match=r"error\.page_action"):
        widgets.chosen(SimpleNamespace(_data=sent))  # type: ignore[arg-type]


def test_buttons_in_lists_cannot_be_broken_out_of() -> None:
    made = widgets.action('<b>"', "do", "\"><script>'", sure='"x')
    assert "<script>" not in made and '"><' not in made.replace('">&lt;', "")


def test_a_handed_over_text_gets_a_safe_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    file = Path(widgets.handed_text("../../영화평: 감성/v1.json", "{}"))
    assert file.is_relative_to(tmp_path)
    assert file.name.endswith("v1.json") and "/" not in file.name
    assert file.read_text(encoding="utf-8") == "{}"


def test_a_toast_shows_what_a_stranger_wrote_as_text(monkeypatch: pytest.MonkeyPatch, toasts: list[str]) -> None:
    picture = '<img src="https://evil.test/seen.png">'
    told: list[str] = []
    monkeypatch.setattr(gr, "Success", lambda text, **_: told.append(text))
    KO.say("overview.imported", "success", name=picture)

    @shown(EN)
    def handler() -> None:
        raise BadInput("error.account_name", name=picture)

    handler()
    assert len(told) == len(toasts) == 1
    assert all("<img" not in text and "&lt;img" in text for text in (*told, *toasts))
