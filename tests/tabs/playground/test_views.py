"""Views are pure: what is stored goes in, safe HTML comes out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest

from backend.answering import Answer, Trace
from backend.assistants import Assistant, Decoding, Instructions, changes
from backend.projects.turns import Chat, Turn, TurnVersion
from backend.prompts.checkup import check
from tabs.playground.checkup import Checkup, findings_view
from tabs.playground.compare import Side, sides_view
from tabs.playground.conversation import chats_view, conversation, cost, writing
from tabs.playground.differing import difference
from tabs.playground.inside import bars, inside, percent
from tabs.playground.preview import preview_view
from tabs.playground.prose import prose, seen
from tabs.playground.setup import slot_names, slot_updates
from tabs.playground.strands import Strand
from tabs.text import Words

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TRACE = {"first_token_s": 0.123, "tokens_per_s": 41.2, "prompt_tokens": 118, "answer_tokens": 2, "finish": "stop"}


def version(text: str, number: int = 1, trace: dict[str, object] | None = None, answer: bool = True) -> TurnVersion:
    return TurnVersion(number, text, trace or {}, Assistant().model_dump_json() if answer else None, NOW)


def user(text: str, number: int = 1) -> Turn:
    return Turn(number, "user", (version(text, answer=False),), 0)


def answer(*texts: str, chosen: int = 0, finish: str = "stop") -> Turn:
    return Turn(2, "assistant", tuple(version(text, trace=TRACE | {"finish": finish}) for text in texts), chosen)


def acts(html: str) -> list[str]:
    return re.findall(r'data-act="([a-z]+)"', html)


def test_an_empty_chat_says_what_to_do(words: Words) -> None:
    html = conversation([], words.t, ["첫째", '"둘째"', "<셋째>"])
    assert acts(html) == ["example"] * 3
    assert "&quot;둘째&quot;" in html and "<셋째>" not in html


def test_what_a_person_wrote_is_shown_as_typed(words: Words) -> None:
    html = conversation([user("<img src=x onerror=alert(1)> **굵게** {input}")], words.t)
    assert "<img" not in html and "<strong>" not in html
    assert "**굵게** {input}" in html


def test_a_question_without_an_answer_can_be_answered(words: Words) -> None:
    assert acts(conversation([user("안녕")], words.t)) == ["regenerate", "edit", "copy", "remove"]


def test_only_the_last_answer_can_be_continued_or_asked_again(words: Words) -> None:
    turns = [user("하나"), answer("둘", finish="length"), user("셋"), answer("넷", finish="length")]
    found = acts(conversation(turns, words.t))
    assert found.count("regenerate") == found.count("continue") == found.count("remove") == 1
    assert found.count("inside") == 2
    assert acts(conversation(turns, words.t, busy=True)) == []


def test_versions_are_stepped_through(words: Words) -> None:
    html = conversation([user("?"), answer("하나", "둘", "셋", chosen=0)], words.t)
    assert "1/3" in html
    assert re.search(r'disabled data-act="step" data-to="-1"', html)
    assert '<button type="button" data-act="step" data-to="1"' in html


def test_the_cost_stands_under_the_answer(words: Words) -> None:
    html = conversation([user("?"), answer("긍정")], words.t)
    assert "첫 글자까지 0.12초 · 41 토큰/초 · 입력 118 + 출력 2 토큰 · 연습용 모델" in html
    assert cost({}, "", words.t) == ""
    assert "멈춤" in cost({"finish": "stopped"}, "", words.t)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "![그림](http://example.com/x.png)",
        "[눌러](javascript:alert(1))",
        "<b onclick=x>굵게</b>",
    ],
)
def test_an_answer_can_neither_run_nor_fetch_anything(text: str) -> None:
    html = prose(text)
    assert not re.search(r"<(script|img|b )|href=\"javascript", html)


def test_an_answer_keeps_its_simple_markdown(words: Words) -> None:
    html = prose("**굵게**\n\n- 하나\n- 둘\n\n[글](https://example.com)")
    assert "<strong>굵게</strong>" in html and "<li>하나</li>" in html
    assert 'rel="noopener noreferrer nofollow" target="_blank"' in html
    assert 'aria-busy="true"' in writing("쓰는 중", words.t)


def test_white_space_of_a_token_can_be_seen() -> None:
    assert seen(" the") == "␣the"
    assert seen("  ") == "␣␣"
    assert seen("a\n\n") == "a↵↵"
    assert seen("") == "∅"
    assert seen("<b>") == "&lt;b&gt;"


def test_looking_inside_shows_every_candidate_with_percent(words: Words) -> None:
    choices = [
        {
            "text": "구내식당",
            "probability": 0.9,
            "best": [{"text": "구내식당", "probability": 0.9}, {"text": "외식", "probability": 0.099}],
        },
        {"text": "\n", "probability": 0.2, "best": [{"text": ".", "probability": 0.7}]},
    ]  # fmt: skip
    html = inside(choices, words.t)
    assert acts(html) == ["token", "token"]
    assert "90 %" in html and "9.9 %" in html
    second = unescape(bars(choices[1], words.t))
    assert "↵" in second and "20 %" in second and "70 %" in second and "10 %" in second
    assert acts(inside([], words.t)) == []


@pytest.mark.parametrize(
    ("value", "told"), [(1.0, "100 %"), (0.9, "90 %"), (0.099, "9.9 %"), (0.0004, "< 0.1 %"), (0.995, "99.5 %")]
)
def test_percent(value: float, told: str) -> None:
    assert percent(value) == told


def test_chats_can_be_opened_renamed_and_deleted(words: Words) -> None:
    chats = [Chat(3, "점심 <b>", NOW, NOW), Chat(1, "", NOW, NOW)]
    html = chats_view(chats, 3, words.t)
    assert acts(html) == ["open", "rename", "delete"] * 2
    assert html.count("aria-current") == 1 and "<b>" not in html
    assert "undelete" in acts(chats_view([], None, words.t, removed=True))


def test_the_preview_marks_tokens_in_turn(words: Words) -> None:
    html = preview_view("ab\n", ["a", "b\n"], True, words.t)
    assert 'pg-token-0">a<' in html and 'pg-token-1">b↵<' in html
    assert "ab\n" in preview_view("ab\n", ["a", "b\n"], False, words.t)
    assert "토큰 경계를 알려 주지 않습니다" in preview_view("ab", None, True, words.t)
    assert len(preview_view("x" * 1_000_000, None, False, words.t)) < 30_000


def test_findings_carry_a_reason_and_a_button(words: Words) -> None:
    instructions = Instructions(system="잘 해 줘", template="{input}")
    html = findings_view(check(instructions), words.t)
    assert "apply" in acts(html) and "<details>" in html
    assert Checkup(words).view(Assistant(), {}) == ""


def test_a_finding_is_applied_or_told_to_be_gone(words: Words) -> None:
    checkup = Checkup(words)
    assistant = Assistant(
        instructions=Instructions(system="영화평을 긍정 또는 부정으로 분류해 주세요.", template="{input}")
    )
    fixable = [one for one in checkup.findings(assistant, {}) if one.fix is not None]
    assert fixable
    assert checkup.applied(assistant, {}, fixable[0].key) != assistant
    with pytest.raises(Exception, match="playground_finding"):
        checkup.applied(assistant, {}, "nothing")


def test_a_difference_is_told_in_the_words_of_the_form(words: Words) -> None:
    before = Assistant(instructions=Instructions(system="하나\n둘"))
    after = Assistant(instructions=Instructions(system="하나\n셋"), decoding=Decoding(temperature=0.5))
    html = difference(changes(before, after), words.t)
    assert "지시문" in html and "- 둘" in html and "+ 셋" in html
    assert "<del>0.0</del> → <ins>0.5</ins>" in html
    assert "같습니다" in difference([], words.t)


def test_variables_get_a_box_each(words: Words) -> None:
    assert slot_names("{context} {input} {질문} {context}") == ["context", "질문"]
    updates = slot_updates("{context} {input}", words.t, {"context": "글"})
    assert [update.get("visible") for update in updates] == [True, False, False, False]
    assert updates[0]["value"] == "글"
    assert "value" not in slot_updates("{context}", words.t)[0]


def test_sides_are_told_apart_by_what_became_of_them(words: Words) -> None:
    sides = [Side(0, "지금", Assistant()), Side(7, "분류 v2", Assistant())]
    strands: list[Strand[Answer]] = [
        Strand(Answer("긍", Trace(first_token_s=0.1)), None, False),
        Strand(Answer("부정", Trace(first_token_s=0.2, finish="stop")), None, True),
    ]
    html = sides_view(sides, strands, words)
    assert html.count("<section") == 2 and html.count("pg-writing") == 1
    assert acts(html) == ["keep"] and 'data-to="7"' in html
