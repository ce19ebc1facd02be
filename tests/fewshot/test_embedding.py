"""Texts as points and as keywords: against values worked out by hand, and against what people call alike."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from random import Random

import numpy as np
import pytest

from backend.fewshot.embedding import Space, pieces
from backend.fewshot.keywords import Keywords
from backend.fewshot.nearest import nearest_first

ALIKE = [
    ["내일 서울 날씨 어때?", "내일 서울은 날씨가 어떤지 알려줘", "서울 내일 날씨 알려주세요"],
    ["카드를 잃어버렸어요", "카드 분실 신고하려고요, 잃어버렸습니다", "제 카드를 잃어버린 것 같아요"],
    ["회의를 세 시로 미뤄 줘", "회의 시간을 세 시로 미룰 수 있을까요?", "오늘 회의 세 시로 미뤄 주세요"],
    ["환불은 언제 되나요?", "환불받으려면 언제까지 기다려야 하나요?", "환불 언제쯤 되는지 궁금합니다"],
    ["비밀번호를 바꾸고 싶어요", "비밀번호 바꾸는 방법이 뭐예요?", "비밀번호를 어떻게 바꾸나요"],
    ["How do I reset my password?", "I need to reset the password", "password reset, how?"],
    ["Where is my parcel?", "My parcel has not arrived, where is it", "parcel still missing, where could it be"],
    ["Cancel my subscription please", "I want to cancel the subscription", "how to cancel a subscription"],
]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [text for group in ALIKE for text in group]


@pytest.mark.parametrize("index", [Space, Keywords])
def test_paraphrases_are_nearest_in_korean_and_english(index: type, texts: list[str]) -> None:
    found = index(texts)
    right = 0
    for place, text in enumerate(texts):
        scores = found.similarities(text) if index is Space else found.scores(text)
        nearest = next(other for other in nearest_first(scores, 3) if other != place)
        right += nearest // 3 == place // 3
    assert right >= len(texts) - 1


def test_similarities_are_cosines_of_weighted_runs() -> None:
    """Worked out here by hand: (1 + ln tf) * (1 + ln((1 + n) / (1 + df))) over runs of 1 to 3 characters."""
    pool = ["가나", "가나 가다", "마바"]
    documents = [Counter(pieces(text)) for text in [*pool, "."]]  # the space adds the sign for pools of blanks
    frequency = Counter(piece for document in documents for piece in document)

    def weights(document: Counter[str]) -> dict[str, float]:
        raw = {
            piece: (1 + math.log(times)) * (1 + math.log((1 + len(documents)) / (1 + frequency[piece])))
            for piece, times in document.items()
        }
        length = math.sqrt(sum(value * value for value in raw.values()))
        return {piece: value / length for piece, value in raw.items()}

    first, second = weights(documents[0]), weights(documents[1])
    cosine = sum(value * second.get(piece, 0.0) for piece, value in first.items())
    assert Space(pool).similarities("가나") == pytest.approx([1.0, cosine, 0.0], abs=1e-5)


def test_keywords_are_bm25_as_lucene_has_it() -> None:
    pool = ["가나", "가다 가나 가나", "마바사"]
    documents = [Counter(pieces(text)) for text in pool]
    lengths = [sum(document.values()) for document in documents]
    k1, b, mean = 1.5, 0.75, sum(lengths) / 3

    def score(asked: str, place: int) -> float:
        total = 0.0
        for piece in pieces(asked):
            having = sum(piece in document for document in documents)
            times = documents[place][piece]
            if having:
                idf = math.log(1 + (3 - having + 0.5) / (having + 0.5))
                total += idf * times / (times + k1 * (1 - b + b * lengths[place] / mean))
        return total

    expected = [score("가나다", place) for place in range(3)]
    assert Keywords(pool).scores("가나다") == pytest.approx(expected, rel=1e-4)


def test_case_and_spelling_of_characters_do_not_matter() -> None:
    composed = "좋은 영화"
    apart = unicodedata.normalize("NFD", composed)
    assert apart != composed
    space = Space([composed, "GOOD Film"])
    assert space.similarities(apart)[0] == pytest.approx(1.0, abs=1e-5)
    assert space.similarities("good film")[1] == pytest.approx(1.0, abs=1e-5)


def test_what_shares_nothing_is_like_nothing() -> None:
    assert Space(["가나다", "라마바"]).similarities("xyz").tolist() == [0.0, 0.0]
    assert Keywords(["가나다", "라마바"]).scores("xyz").tolist() == [0.0, 0.0]


def test_blank_texts_and_texts_of_signs_have_places_too() -> None:
    assert Space(["", "  ", "\n"]).similarities("가").tolist() == [0.0, 0.0, 0.0]
    assert Keywords(["", "  "]).scores("가").tolist() == [0.0, 0.0]
    assert Space(["!!!", "가"]).similarities("!!!")[0] == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(ValueError, match="no texts"):
        Space([])


def test_a_text_of_a_million_characters_is_read_as_far_as_needed() -> None:
    space = Space(["가나 다라 " * 170_000, "마바"])
    assert space.points.shape[1] < 100 and space.similarities("가나")[0] > 0.3


def test_the_highest_first_equals_in_their_order() -> None:
    draw = np.array([Random(0).randrange(5) for _ in range(200)], dtype=np.float32)
    for count in (0, 1, 7, 199, 200, 500):
        assert nearest_first(draw, count) == sorted(range(200), key=lambda place: -draw[place])[:count]
