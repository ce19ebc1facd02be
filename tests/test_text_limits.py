"""What a text must be, and what a name must be."""

from __future__ import annotations

import unicodedata

import pytest

from backend.errors import BadInput
from backend.text_limits import TEXT_LIMIT, clean_name, clean_text


@pytest.mark.parametrize("text", ["", "안녕하세요 👋🏽", "탭\t줄\n\n", "\x1b[31m붉은 글\x1b[0m", "a" * TEXT_LIMIT])
def test_text_stays_as_it_is(text: str) -> None:
    assert clean_text(text) == text


def test_hangul_is_composed_and_line_ends_are_one_sign() -> None:
    assert clean_text(unicodedata.normalize("NFD", "한글\r\n둘째 줄")) == "한글\n둘째 줄"


@pytest.mark.parametrize("length", [TEXT_LIMIT + 1, 5_000_000])
def test_text_too_long_says_how_long(length: int) -> None:
    with pytest.raises(BadInput) as refused:
        clean_text("가" * length)
    assert refused.value.key == "error.text_too_long"
    assert refused.value.details == {"length": f"{length:,}", "limit": "200,000"}


@pytest.mark.parametrize(
    "raw",
    [
        b"a\0b".decode(),
        "half \ud83d",
        bytes(range(256)).decode("latin-1"),
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR".decode("latin-1"),
        bytes(range(128, 256)).decode("utf-8", "replace"),
    ],
)
def test_binary_is_not_text(raw: str) -> None:
    with pytest.raises(BadInput) as refused:
        clean_text(raw)
    assert refused.value.key == "error.text_binary"


@pytest.mark.parametrize(
    ("name", "clean"),
    [("  영화평   분류 ", "영화평 분류"), ("a\nb", "a b"), ("가" * 80, "가" * 80), ("../x", "../x"), ("🎬", "🎬")],
)
def test_a_name_is_one_line(name: str, clean: str) -> None:
    assert clean_name(name, 80, "error.project_name") == clean


@pytest.mark.parametrize("name", ["", "   ", "\n", "x" * 81, "a\0b", "a\x1bb", "\ud800", "x" * 5_000_000])
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        clean_name(name, 80, "error.project_name")
    assert refused.value.key == "error.project_name"
