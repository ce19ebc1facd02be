"""What answers are taken to say. Wherever two readings are possible, none is made."""

import time

import pytest

from backend.evaluation.labels import LabelReader
from backend.evaluation.parsing import number_of, parse, plain_number
from backend.examples.example import NewExample
from backend.examples.task import Task, TaskKind

FEELINGS = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")
GRADES = Task(kind="classification", labels=("긍정", "매우 긍정", "부정"), metric="accuracy")
ENGLISH = Task(kind="sentiment", labels=("positive", "negative", "neutral"), metric="accuracy")
TOPICS = Task(kind="classification", labels=("배송", "배송비", "교환/반품", "card_arrival", "만족"), metric="accuracy")
LETTERS = Task(kind="classification", labels=("A", "B", "C"), metric="accuracy")


def read(task: Task, answer: str | None, output: str = "긍정") -> tuple[object, str]:
    parsed = parse(task, NewExample(variables={"input": "x"}, output=output), answer)
    return parsed.value, parsed.rule.removeprefix("metrics.rule.")


@pytest.mark.parametrize(
    ("answer", "label", "rule"),
    [
        ("긍정", "긍정", "whole"),
        (" 긍정\n", "긍정", "whole"),
        ("“긍정”", "긍정", "whole"),
        ("**긍정**.", "긍정", "whole"),
        ("1. 긍정", "긍정", "whole"),
        ("\u1100\u1173\u11bc\u110c\u1165\u11bc", "긍정", "whole"),  # the same syllables, decomposed
        ("감성: 긍정", "긍정", "line"),
        ("답은 긍정입니다.", "긍정", "line"),
        ("정답: 부정", "부정", "line"),
        ("이 문장의 감성은 '부정'이다.", "부정", "line"),
        ("긍정입니다\n이유: 부정적인 말이 없습니다.", "긍정", "line"),
        ("긍정\n\n문장: 재미없다\n감성: 부정", "긍정", "line"),
        ("배우의 연기가 좋다고 합니다.\n따라서 답은 긍정입니다.", "긍정", "line"),
        ("이 리뷰는 긍정적인 내용입니다", "긍정", "mention"),
    ],
)
def test_a_label_is_read(answer: str, label: str, rule: str) -> None:
    assert read(FEELINGS, answer) == (label, rule)


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("긍정 또는 부정", "two_labels"),
        ("- 긍정\n- 부정", "two_labels"),
        ("부정이 아니라 긍정", "two_labels"),
        ("긍정이 아닙니다", "denied"),
        ("긍정적이지 않다", "denied"),
        ("긍정이라고 보기 어렵습니다", "denied"),
        ("좋은 영화네요", "no_label"),
        ("비긍정", "no_label"),
        ("", "empty"),
        (" \n", "empty"),
        (None, "failed"),
    ],
)
def test_what_cannot_be_read_says_why(answer: str | None, rule: str) -> None:
    assert read(FEELINGS, answer) == (None, rule)


@pytest.mark.parametrize(
    ("task", "answer", "label"),
    [
        (GRADES, "매우 긍정입니다", "매우 긍정"),
        (GRADES, "감성은 매우  긍정 쪽", "매우 긍정"),
        (GRADES, "긍정", "긍정"),
        (ENGLISH, "POSITIVE", "positive"),
        (ENGLISH, "The sentiment is positive.", "positive"),
        (ENGLISH, "I would say this is a rather negative review overall", "negative"),
        (ENGLISH, "It is not positive", None),
        (ENGLISH, "This isn't a positive review", None),
        (ENGLISH, "positive/negative", None),
        (ENGLISH, "It sounds positively great", None),
        (TOPICS, "배송비 문의", "배송비"),
        (TOPICS, "배송 문의", "배송"),
        (TOPICS, "배송지 변경", None),
        (TOPICS, "불만족", None),
        (TOPICS, "교환/반품", "교환/반품"),
        (TOPICS, "Card arrival", "card_arrival"),
        (TOPICS, "category: card-arrival", "card_arrival"),
        (LETTERS, "B", "B"),
        (LETTERS, "(b)", "B"),
        (LETTERS, "정답은 B입니다.", "B"),
        (LETTERS, "Answer: C", "C"),
        (LETTERS, "a good film, really", None),
    ],
)
def test_longest_label_wins_and_parts_of_words_do_not_count(task: Task, answer: str, label: str | None) -> None:
    assert read(task, answer)[0] == label


def test_labels_that_differ_in_case_only_are_told_apart_by_their_spelling() -> None:
    reader = LabelReader(("US", "us"))
    assert reader.read("US").label == "US"
    assert reader.read("us").label == "us"
    assert reader.read("Us").label is None


def test_entities_are_looked_up_in_the_input() -> None:
    task = Task(kind="entities", labels=("사람", "장소"), metric="span_f1")
    example = NewExample(variables={"input": "이순신은 한산도에 갔다"}, output="사람: 이순신\n장소: 한산도")
    assert parse(task, example, "- 사람: 이순신\n- 장소: 부산").value == ((0, 3, "사람"), (-1, -1, "장소"))
    assert parse(task, example, "없음").value == ()
    assert parse(task, example, "잘 모르겠어요").value is None


@pytest.mark.parametrize(
    ("expected", "number"),
    [
        ("72", "72"),
        ("He sold 48/2 = 24.\n#### 1,072", "1072"),
        ("$18", "18"),
        ("1945년", "1945"),
        ("-0.50", "-0.5"),
        ("1945년 8월", None),
        ("서울", None),
        ("B2B", None),
    ],
)
def test_an_expected_number_is_known_as_one(expected: str, number: str | None) -> None:
    assert number_of(expected) == number


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("The answer is 72.", "72"),
        ("48 + 24 = 72", "72"),
        ("#### 72", "72"),
        ("답은 72개입니다. 3일 걸렸습니다.", "72"),
        ("1,072.00", "1072"),
        ("모르겠습니다", None),
        ("72", "72"),
        ("72 clips, and 72 again", "72"),
        ("72 apples and 3 pears", None),
        ("1945년 8월 15일", None),
        ("3\n5\n72", None),
        ("72\n\nQuestion: 5 apples and 8 pears?", "72"),
        ("48 in April, 24 in May.\nThat makes 72 altogether.", "72"),
        ("72 apples\nQuestion: how much is 5?", None),
    ],
)
def test_an_answers_number_is_the_one_it_gives_as_its_result(answer: str, number: str | None) -> None:
    assert read(Task(kind="question_answering"), answer, output="#### 72")[0] == number


def test_several_numbers_are_told_apart_from_none() -> None:
    task = Task(kind="question_answering")
    assert read(task, "72 apples and 3 pears", output="72") == (None, "two_numbers")
    assert read(task, "many apples", output="72") == (None, "no_number")


SIGNED = Task(kind="classification", labels=("-1", "0", "1"), metric="accuracy")
NO_ONE = Task(kind="classification", labels=("-1", "0"), metric="accuracy")
UNSIGNED = Task(kind="classification", labels=("0", "1"), metric="accuracy")
LANGUAGES = Task(kind="classification", labels=("C", "C#", "C++"), metric="accuracy")


@pytest.mark.parametrize(
    ("task", "answer", "label"),
    [
        *((SIGNED, answer, "-1") for answer in ("-1", "점수: -1", "-1.", "답은 -1입니다", "\u22121")),
        *((SIGNED, answer, "1") for answer in ("1", "점수: 1", "1.", "답은 1입니다", "**1**")),
        (NO_ONE, "1", None),
        (NO_ONE, "점수: 1", None),
        (NO_ONE, "-1", "-1"),
        (UNSIGNED, "-1", None),
        (UNSIGNED, "점수: -1", None),
        (UNSIGNED, "점수: 1.5", None),
        (UNSIGNED, "점수: 1", "1"),
        (LANGUAGES, "C.", "C"),
        (LANGUAGES, "C", "C"),
        (LANGUAGES, "C#.", "C#"),
        (LANGUAGES, "답은 C#입니다", "C#"),
        (LANGUAGES, "Answer: C++", "C++"),
        (LANGUAGES, "답은 C입니다", "C"),
        (Task(kind="classification", labels=("C", "C++"), metric="accuracy"), "C#", None),
        (Task(kind="classification", labels=("C", "C++"), metric="accuracy"), "답은 C#입니다", None),
        (Task(kind="classification", labels=("(긍정)", "(부정)"), metric="accuracy"), "긍정", "(긍정)"),
    ],
)
def test_signs_that_tell_labels_apart_belong_to_them(task: Task, answer: str, label: str | None) -> None:
    assert read(task, answer)[0] == label


LONG = 200_000
"""Characters that a run-away answer may have: quadratic reading would not come to its end."""


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("답" + " " * LONG + "x", None),
        ("답" + " " * LONG + "72", "72"),
        ("답" * LONG + " 7", "7"),
        ("####" + " " * LONG + "x 3", "3"),
        ("1" + " " * LONG + "x", "1"),
        ("1" * LONG + " 2", None),
    ],
)
def test_an_answer_that_ran_on_is_read_to_its_end(answer: str, number: str | None) -> None:
    assert read(Task(kind="question_answering"), answer, output="72")[0] == number


def test_an_expectation_of_white_space_and_a_label_said_a_hundred_thousand_times() -> None:
    assert number_of("1" + " " * LONG + "x!") is None
    assert number_of(" " * LONG + "12" + " " * LONG) == "12"
    assert read(FEELINGS, "긍정 " * (LONG // 3)) == ("긍정", "mention")
    assert read(FEELINGS, "긍정은 부정 " * (LONG // 7)) == (None, "two_labels")


def test_numbers_are_equal_however_they_are_written() -> None:
    assert plain_number("1,200.50") == plain_number("1200.5") == "1200.5"
    assert plain_number("007") == "7"
    assert plain_number("-0") == plain_number("0.0") == "0"
    assert plain_number(".5") == "0.5"


@pytest.mark.parametrize("kind", ["summarising", "translation", "free_writing", "question_answering"])
def test_text_is_taken_as_it_is(kind: TaskKind) -> None:
    assert read(Task(kind=kind), " 서울입니다. \n", output="서울")[0] == "서울입니다."
    assert read(Task(kind="question_answering"), "답: 서울", output="서울")[0] == "서울"


def test_ten_thousand_answers_take_a_second_or_two_at_most() -> None:
    labels = tuple(f"card_{place}_arrival" for place in range(77))
    reader = LabelReader(labels)
    long = "The customer asks when the new card will come, so I would choose card 13 arrival for this one"
    answers = ["card_5_arrival", "label: card 5 arrival", long, "no idea at all, sorry"] * 500
    started = time.perf_counter()
    told = [reader.read(answer).label for answer in answers]
    assert time.perf_counter() - started < 2.0  # 2,000 of them: 0.15 s where nothing else runs
    assert told[:4] == ["card_5_arrival", "card_5_arrival", "card_13_arrival", None]
