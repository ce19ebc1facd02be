"""The assistant as a value and as a file: what goes out comes back equal, and what is not known is refused."""

from __future__ import annotations

import json

import pytest

from backend.assistants import Assistant, Decoding, Examples, Instructions, ModelRef, Shot, changes
from backend.errors import BadInput

TEXTS = [
    "",
    " ",
    "평: {input}\n감성:",
    '한글과 emoji 👩🏽‍💻🇰🇷, "quotes", back\\slash, {중괄호}, </tag>',
    "줄 하나\r\n줄 둘\u2028줄 셋\tend\n\n",
    "각",  # two letters of old Hangul order (NFD): a file must not tidy it
    "\u200b\ufeff\x1b[0m\x00",
    "\U0001f600" * 1000,
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_comes_back_equal(text: str) -> None:
    shot = Shot(variables={"input": text, "문맥": text}, output=text)
    made = Assistant(
        name=text[:120],
        model=ModelRef(kind="hub", name=text or "Qwen/Qwen3-0.6B", revision="abc"),
        instructions=Instructions(system=text, template=text),
        examples=Examples(shots=(shot, shot)),
        decoding=Decoding(stop=(text, "끝")),
        chat_template=text,
    )
    back = Assistant.from_json(made.to_json())
    assert back == made
    assert back.to_json() == made.to_json()
    assert Assistant.from_json(made.to_json().encode("utf-8")) == made


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(),
        Decoding(temperature=0.1 + 0.2, top_p=1e-17, min_p=1 / 3, repetition_penalty=1.1),
        Decoding(temperature=5.0, top_k=1000, max_new_tokens=32768, seed=2**63 - 1),
        Decoding(seed=None),
    ],
)
def test_numbers_come_back_to_the_last_digit(decoding: Decoding) -> None:
    assert Assistant.from_json(Assistant(decoding=decoding).to_json()).decoding == decoding


def test_a_value_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Assistant().name = "other"  # type: ignore[misc]


def package() -> dict[str, object]:
    loaded = json.loads(Assistant(name="a").to_json())
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ((), "surprise"),
        (("assistant",), "assistant.surprise"),
        (("assistant", "decoding"), "assistant.decoding.surprise"),
        (("assistant", "model"), "assistant.model.surprise"),
    ],
)
def test_an_unknown_field_is_refused_and_named(path: tuple[str, ...], where: str) -> None:
    loaded = package()
    place: object = loaded
    for step in path:
        assert isinstance(place, dict)
        place = place[step]
    assert isinstance(place, dict)
    place["surprise"] = 1
    with pytest.raises(BadInput) as refused:
        Assistant.from_json(json.dumps(loaded))
    assert refused.value.key == "error.assistant_file"
    assert refused.value.details["where"] == where


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "null",
        b"PK\x03\x04\xff",
        '{"format": "matchum-assistant-2", "assistant": {}}',
        '{"format": "matchum-assistant-1", "assistant": {"decoding": {"temperature": 9}}}',
        '{"format": "matchum-assistant-1", "assistant": {"name": "\\ud800"}}',
    ],
)
def test_what_is_not_an_assistant_is_refused(text: str | bytes) -> None:
    with pytest.raises(BadInput) as refused:
        Assistant.from_json(text)
    assert refused.value.key == "error.assistant_file"


def test_changes_name_the_fields_in_the_order_of_the_form() -> None:
    before = Assistant(
        name="a", instructions=Instructions(system="한 줄\n둘째 줄\n셋째 줄"), examples=Examples(shots=())
    )
    after = Assistant(
        name="a",
        model=ModelRef(kind="hub", name="Qwen/Qwen3-0.6B"),
        instructions=Instructions(system="한 줄\n다른 줄\n셋째 줄"),
        examples=Examples(shots=(Shot(variables={"input": "좋다"}, output="긍정"),)),
        decoding=Decoding(temperature=0.7),
    )
    found = changes(before, after)
    assert [change.field for change in found] == [
        "model.kind",
        "model.name",
        "instructions.system",
        "decoding.temperature",
        "examples.shots.1.variables.input",
        "examples.shots.1.output",
    ]
    told = {change.field: (change.before, change.after) for change in found}
    assert told["decoding.temperature"] == ("0.0", "0.7")
    assert told["examples.shots.1.output"] == ("", "긍정")
    assert found[2].lines() == ["  한 줄", "- 둘째 줄", "+ 다른 줄", "  셋째 줄"]


def test_equal_assistants_have_no_changes() -> None:
    assert changes(Assistant(), Assistant()) == []
