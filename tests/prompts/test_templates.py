"""Templates: what is a variable, what is text, and what is never read twice."""

from __future__ import annotations

import unicodedata

import pytest

from backend.assistants import Decoding
from backend.errors import BadInput
from backend.prompts.presets import PRESETS, preset_of, with_preset
from backend.prompts.templates import render, variables


def test_names_are_found_once_and_in_order() -> None:
    assert variables("{질문} {input} {input} {문서_1} {_x}") == ["질문", "input", "문서_1", "_x"]


@pytest.mark.parametrize(
    "text",
    [
        '{"label": "긍정"}',
        '{"a": {"b": {"c": 1}}}',
        "a{3} {} { input } {a b} {1st} {a-b}",
        "한 { 만, 또는 } 만, 또는 }}",
        "",
        "\x00\x01binary\ufffd",
    ],
)
def test_what_is_no_simple_name_is_text(text: str) -> None:
    assert variables(text) == []
    assert render(text, {"input": "x", "b": "y"}) == text


def test_json_around_a_variable() -> None:
    assert render('{"글": "{input}", "n": {"k": {input}}}', {"input": "v"}) == '{"글": "v", "n": {"k": v}}'


def test_doubled_braces_are_braces() -> None:
    assert variables("{{input}} {{{input}}}") == ["input"]
    assert render("{{input}} {{{input}}}", {"input": "v"}) == "{input} {v}"
    assert render('{{"label": {"a": 1}}}', {}) == '{"label": {"a": 1}}'


def test_values_are_never_read_again() -> None:
    values = {"input": "{context} {{x}} {input}", "context": "{input}"}
    assert render("{input}|{context}", values) == "{context} {{x}} {input}|{input}"


def test_more_values_than_names_do_no_harm() -> None:
    assert render("{input}", {"input": "v", "other": "w"}) == "v"


def test_a_missing_value_is_named() -> None:
    with pytest.raises(BadInput) as caught:
        render("{input} {고객}", {"input": "v"})
    assert caught.value.key == "error.variable_missing"
    assert caught.value.details == {"name": "{고객}", "known": "{input}"}


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(BadInput) as caught:
        render("{inptu}", {"input": "v", "context": "w"})
    assert caught.value.key == "error.variable_misspelt"
    assert caught.value.details["near"] == "{input}"


def test_two_spellings_of_hangul_are_one_name() -> None:
    apart = unicodedata.normalize("NFD", "질문")
    assert variables(f"{{{apart}}}") == ["질문"]
    assert render(f"{{{apart}}}", {"질문": "v"}) == render("{질문}", {apart: "v"}) == "v"


def test_five_megabytes_are_done_at_once() -> None:
    text = "{{" * 1_000_000 + "{input}" + "}" * 3_000_000
    assert render(text, {"input": "v"}).count("v") == 1


def test_presets_are_told_by_how_they_draw() -> None:
    for name in PRESETS:
        mine = with_preset(Decoding(max_new_tokens=7, stop=("\n",), seed=3), name)
        assert preset_of(mine) == name
        assert (mine.max_new_tokens, mine.stop, mine.seed) == (7, ("\n",), 3)
    assert preset_of(Decoding(temperature=0.33)) is None
