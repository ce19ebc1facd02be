"""Entities as text and back."""

from __future__ import annotations

import pytest

from backend.examples.entity_text import SpansRead, read_spans, write_spans
from backend.examples.example import Span

TEXT = "이순신 장군은 한산도에서 싸웠고 이순신 장군은 노량에서 죽었다."


def span(text: str, mention: str, label: str, nth: int = 0) -> Span:
    start = -1
    for _ in range(nth + 1):
        start = text.index(mention, start + 1)
    return Span(start=start, end=start + len(mention), label=label)


def places(read: SpansRead | None) -> list[tuple[int, int, str]]:
    assert read is not None
    return [(one.start, one.end, one.label) for one in read.spans]


def test_written_in_the_order_of_the_text_and_read_back() -> None:
    spans = [
        span(TEXT, "노량", "장소"),
        span(TEXT, "이순신", "사람"),
        span(TEXT, "한산도", "장소"),
        span(TEXT, "이순신", "사람", 1),
    ]
    answer = write_spans({"input": TEXT}, spans)
    assert answer == "사람: 이순신\n장소: 한산도\n사람: 이순신\n장소: 노량"
    assert read_spans(TEXT, answer) == SpansRead(tuple(sorted(spans, key=lambda one: one.start)), ())


@pytest.mark.parametrize(
    ("text", "nothing"), [("비가 온다.", "없음"), ("It rains.", "none"), ("Seoul에 비가 온다.", "없음")]
)
def test_no_entities_are_said_in_the_language_of_the_text(text: str, nothing: str) -> None:
    assert write_spans({"input": text}, []) == nothing
    assert read_spans(text, nothing) == read_spans(text, f" {nothing.upper()}. ") == SpansRead((), ())


def test_an_answer_that_does_not_hold_to_the_format_is_unreadable() -> None:
    for answer in ("", "   ", "이순신과 한산도가 나옵니다", "사람:", ": 이순신"):
        assert read_spans(TEXT, answer) is None


def test_what_models_add_is_passed_over() -> None:
    answer = '다음과 같습니다.\n\n1. **사람**: "이순신"\n- 장소： 한산도, 노량\n'
    assert places(read_spans(TEXT, answer)) == [(0, 3, "사람"), (8, 11, "장소"), (26, 28, "장소")]


def test_invented_entities_and_repeated_ones_are_wrong() -> None:
    read = read_spans("서울에 산다", "장소: 서울\n장소: 부산\n장소: 서울")
    assert places(read) == [(0, 2, "장소")]
    assert read is not None and read.unfound == (("장소", "부산"), ("장소", "서울"))


def test_labels_are_spelled_as_the_task_spells_them() -> None:
    read = read_spans("Meet Ada at 12:30", "PERSON: Ada\ntime: 12:30\ncity: Rome", ("Person", "time"))
    assert places(read) == [(5, 8, "Person"), (12, 17, "time")]
    assert read is not None and read.unfound == (("city", "Rome"),)
    assert places(read_spans("Meet Ada", "a:b: Ada", ("a:b",))) == [(5, 8, "a:b")]


def test_whole_words_come_before_parts_of_words() -> None:
    assert places(read_spans("USA and US", "loc: US")) == [(8, 10, "loc")]
    assert places(read_spans("서울에서", "장소: 서울")) == [(0, 2, "장소")]
    assert places(read_spans("a\nNew  York", "loc: New York")) == [(2, 11, "loc")]


def test_nested_places_and_several_variables() -> None:
    text = "서울대학교 병원"
    nested = [Span(start=0, end=8, label="기관"), Span(start=0, end=2, label="장소")]
    assert write_spans({"input": text}, nested) == "기관: 서울대학교 병원\n장소: 서울"
    assert places(read_spans(text, "기관: 서울대학교 병원\n장소: 서울")) == [(0, 8, "기관"), (0, 2, "장소")]
    spans = [Span(start=0, end=2, label="b", variable="second"), Span(start=0, end=1, label="a", variable="first")]
    assert write_spans({"first": "xy", "second": "zw"}, spans) == "a: x\nb: zw"


LONG = 200_000
"""Characters that a run-away answer may have: quadratic reading would not come to its end."""


def test_an_answer_that_ran_on_is_read_as_far_as_it_makes_sense() -> None:
    spaces = " " * LONG
    assert places(read_spans(TEXT, f"사람{spaces}:{spaces}이순신")) == [(0, 3, "사람")]
    assert read_spans(TEXT, spaces + "x") is None
    assert places(read_spans(TEXT, f"장소: 한산도{spaces},{spaces}노량")) == [(8, 11, "장소"), (26, 28, "장소")]
    colons = read_spans(TEXT, "x" + ":" * LONG + " 이순신", ("사람",))
    assert colons is not None and not colons.spans and len(colons.unfound) == 1


def test_the_same_mention_over_and_over_takes_one_place_after_the_other() -> None:
    read = read_spans("a " * (LONG // 2), "X: a\n" * (LONG // 5))
    assert places(read) == [(2 * place, 2 * place + 1, "X") for place in range(500)]
    assert read is not None and not read.unfound


def test_long_mentions_that_nearly_stand_there_and_many_parts() -> None:
    near = read_spans("a" * LONG, "\n".join(f"X: {'a' * 390}{number}" for number in range(500)))
    assert near is not None and len(near.unfound) == 500
    words = [f"낱말{number}" for number in range(30_000)]
    many = read_spans(" ".join(words), "X: " + ", ".join(words))
    assert many is not None and not many.spans and len(many.unfound) == 1, "no list of five hundred and more"
    some = read_spans(" ".join(words), "X: " + ", ".join(words[:400]))
    assert some is not None and len(some.spans) == 400
