"""The form and the assistant say the same, in both directions."""

from __future__ import annotations

from typing import Any

import pytest

from backend.assistants import AdapterRef, Assistant, Decoding, Examples, Instructions, ModelRef, Selection, Shot
from backend.errors import BadInput
from tabs.playground.form import FIELDS, fill, model_of, model_value, read, spell, unspell

FULL = Assistant(
    model=ModelRef(kind="hub", name="Qwen/Qwen3-0.6B", revision="abc"),
    instructions=Instructions(system="한 단어로\n답하십시오.", template="평: {input}\n감성:"),
    examples=Examples(shots=(Shot(variables={"input": "좋다"}, output="긍정"),)),
    decoding=Decoding(
        temperature=0.7, top_p=0.9, top_k=40, min_p=0.05, repetition_penalty=1.1, max_new_tokens=12,
        stop=("\n\n", "끝", 'say "so"', "a\\b", "\t"), seed=None,
    ),
    adapter=AdapterRef(id="a" * 32, method="lora"),
    quantization="nf4",
)  # fmt: skip


@pytest.mark.parametrize("assistant", [Assistant(), FULL])
def test_an_assistant_comes_back_from_the_form_as_it_went_in(assistant: Assistant) -> None:
    form = fill(assistant)
    assert tuple(form) == tuple(name for name in FIELDS if name in form) or set(form) == set(FIELDS)
    assert read(form) == assistant


def test_gradio_sends_whole_numbers_as_floats_and_cleared_ones_as_nothing() -> None:
    form = fill(FULL) | {"top_k": 40.0, "max_new_tokens": 12.0, "seed": " 7 ", "temperature": None}
    decoding = read(form).decoding
    assert (decoding.top_k, decoding.max_new_tokens, decoding.seed) == (40, 12, 7)
    assert decoding.temperature == Decoding().temperature


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 9),
        ("top_p", 0),
        ("max_new_tokens", 0),
        ("max_new_tokens", 2.5),
        ("seed", "-1"),
        ("seed", "일곱"),
    ],
)
def test_a_value_that_cannot_be_is_named(field: str, value: Any) -> None:
    with pytest.raises(BadInput) as caught:
        read(fill(Assistant()) | {field: value})
    assert caught.value.key == "error.playground_field"
    assert caught.value.details["field"] == field


@pytest.mark.parametrize("value", [None, "", "{}x", '{"kind": "pickle"}', '{"kind": "hub", "extra": 1}'])
def test_only_a_model_that_a_picker_offers_is_taken(value: Any) -> None:
    with pytest.raises(BadInput) as caught:
        model_of(value)
    assert caught.value.key == "error.playground_model"


def test_a_model_survives_the_picker() -> None:
    assert model_of(model_value(FULL.model)) == FULL.model


@pytest.mark.parametrize("mark", ["\n", "\\n", "a\tb", '"', "끝", "\\"])
def test_a_stop_string_fits_on_a_line_and_comes_back(mark: str) -> None:
    assert "\n" not in spell(mark)
    assert unspell(spell(mark)) == mark


def test_a_broken_escape_stands_for_itself() -> None:
    assert unspell("\\q") == "\\q"


def test_shots_of_another_shape_are_refused() -> None:
    with pytest.raises(BadInput):
        read(fill(Assistant()) | {"shots": [{"output": 3}]})


def test_how_examples_are_chosen_survives_the_form() -> None:
    chosen = Selection(method="nearest_bm25", count=3, order="nearest_last", seed=5)
    shots = tuple(Shot(variables={"input": f"글 {number}"}, output="긍정") for number in range(9))
    assistant = Assistant(examples=Examples(shots=shots, selection=chosen))
    assert read(fill(assistant)).examples == assistant.examples
    with pytest.raises(BadInput):
        read(fill(assistant) | {"selection": {"method": "guessing"}})


@pytest.mark.parametrize(
    ("field", "value", "key"),
    [
        ("adapter", "../../etc", "error.adapter_choice"),
        ("adapter", '{"id": "../x", "method": ""}', "error.adapter_choice"),
        ("quantization", "int2", "error.adapter_quantization"),
    ],
)
def test_only_an_adapter_that_a_picker_offers_is_taken(field: str, value: str, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(fill(FULL) | {field: value})
    assert caught.value.key == key


def test_taking_the_adapter_off_leaves_everything_else() -> None:
    assert read(fill(FULL) | {"adapter": ""}) == FULL.model_copy(update={"adapter": None})
