"""Near-duplicates against an exact search over all pairs; Hangul, decomposed or not; many at once."""

from __future__ import annotations

import random
import time
import unicodedata
from itertools import combinations

import pytest

from backend.examples.near_duplicates import (
    NearIndex,
    jaccard,
    near_duplicates,
    near_to,
    plain,
    rows_and_bands,
    shingles,
)

SYLLABLES = (
    "가나다라마바사아자차카타파하고노도로모보소오조초코토포호구누두루무부수우주추쿠투푸후기니디리미비시이지치키티피히"
)


def sentence(draw: random.Random, length: int) -> str:
    return "".join(draw.choice(SYLLABLES + "    ") for _ in range(length)).strip()


def edited(draw: random.Random, text: str) -> str:
    letters = list(text)
    for _ in range(draw.choice((1, 1, 2, 3))):
        letters[draw.randrange(len(letters))] = draw.choice(SYLLABLES)
    return "".join(letters)


def exact_pairs(texts: list[str], threshold: float) -> set[tuple[int, int]]:
    sets = [shingles(plain(text)) for text in texts]
    pairs = combinations(range(len(texts)), 2)
    return {(a, b) for a, b in pairs if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= threshold}


@pytest.mark.parametrize("threshold", [0.6, 0.8, 0.9])
def test_every_pair_that_an_exact_search_finds(threshold: float) -> None:
    draw = random.Random(7)
    texts = [sentence(draw, draw.randrange(15, 60)) for _ in range(250)]
    texts += [edited(draw, draw.choice(texts)) for _ in range(150)]
    pairs = exact_pairs(texts, threshold)
    assert len(pairs) > 10
    groups = near_duplicates(texts, threshold)
    group_of = {index: number for number, group in enumerate(groups) for index in group}
    assert all(group_of.get(a, -1) == group_of.get(b, -2) for a, b in pairs)
    # Nothing is in a group without a neighbour that the exact search found, too.
    assert set(group_of) == {index for pair in pairs for index in pair}


def test_groups_are_in_order_and_hold_what_people_would_put_together() -> None:
    texts = [
        "배송이 언제 도착하는지 알고 싶어서 글을 남깁니다.",
        "Where is my card? It should have come last week.",
        "배송이 언제 도착하는지 알고 싶어서 글을 남깁니다!!",
        "환불은 며칠이나 걸리나요",
        "where is my  card, it should have come last week",
        "배송이 언제 도착 하는지 알고 싶어서 글을 남긴니다",
        "카드를 잃어버렸어요",
    ]
    assert near_duplicates(texts) == [[0, 2, 5], [1, 4]]


def test_composed_and_decomposed_hangul_are_the_same() -> None:
    text = "영화가 정말 재미있었다"
    assert near_duplicates([text, "다른 문장입니다", unicodedata.normalize("NFD", text)]) == [[0, 2]]
    assert plain("3.14와 3 15") == "3.14와3 15" and plain("?!") == "?!" and plain(" ") == ""


def test_short_and_empty_texts() -> None:
    assert near_duplicates([]) == [] and near_duplicates(["가"]) == []
    assert near_duplicates(["", "네", "네.", "  ", "넵"]) == [[0, 3], [1, 2]]
    assert near_to([], ["가"]) == [] and near_to(["가"], []) == []


def test_the_nearest_to_a_question_come_first() -> None:
    texts = ["오늘 서울 날씨가 어떤지 알려 줘", "내일 부산 가는 기차표 예매해 줘", "오늘 서울 날씨 어떤지 좀 알려 줘"]
    found = near_to(texts, ["오늘 서울 날씨가 어떤지 알려 줘요", "전혀 상관없는 질문"], 0.5)
    assert [(match.query, match.text) for match in found] == [(0, 0), (0, 2)]
    assert found[0].similarity == pytest.approx(
        jaccard(shingles(plain(texts[0])), shingles(plain("오늘 서울 날씨가 어떤지 알려 줘요")))
    )
    assert NearIndex(texts).near([texts[1]])[0].similarity == 1.0
    assert len(near_to([texts[0]] * 50, [texts[0]], most=7)) == 7


def test_the_chance_to_miss_a_pair_at_the_threshold_is_small() -> None:
    for threshold in (0.5, 0.7, 0.8, 0.9, 0.95):
        rows, bands = rows_and_bands(threshold)
        assert (1 - threshold**rows) ** bands <= 0.001 and rows * bands <= 128
    assert rows_and_bands(0.8) == (5, 25)


def test_thousands_of_texts_from_one_template_take_seconds() -> None:
    texts = [f"주문 번호 {number:05d} 의 배송이 언제 오는지 궁금합니다" for number in range(1_000)]
    start = time.perf_counter()
    groups = near_duplicates(texts)
    assert time.perf_counter() - start < 20 and groups
    assert near_duplicates(["같은 글"] * 20_000) == [list(range(20_000))]


def test_texts_of_a_million_letters() -> None:
    draw = random.Random(3)
    long, other = ("".join(chr(draw.randrange(0xAC00, 0xD7A4)) for _ in range(30_000)) * 33 for _ in range(2))
    start = time.perf_counter()
    assert near_duplicates([long, other, long + "끝"]) == [[0, 2]]
    assert time.perf_counter() - start < 10
