"""Choosing shots: once from the train split, and anew for each question."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import get_args

import pytest

from backend.assistants import PER_INPUT, Examples, Method, Order, Selection, Shot
from backend.errors import BadInput, Refused
from backend.examples.example import NewExample
from backend.fewshot import choosing
from backend.fewshot.choosing import build_examples, choose, considered, orders_for, pool_for, shots_for
from backend.fewshot.embedding import Space
from backend.fewshot.nearest import ShotChooser
from backend.fewshot.picking import balanced, in_turns, marginal, spread
from backend.projects.folder import Project
from tests.fewshot.trying import fill, reviews

ONCE: list[Method] = ["random", "balanced", "diverse"]
KINDS = {
    "날씨": ["내일 서울 날씨 알려줘", "부산 주말 날씨 어때", "오늘 날씨에 우산이 필요할까", "제주 날씨가 궁금해"],
    "음악": ["신나는 음악 틀어줘", "조용한 음악을 틀어 줘", "음악 소리를 줄여 줘", "다음 음악으로 넘겨"],
    "알람": ["아침 일곱 시 알람 맞춰 줘", "알람을 전부 꺼 줘", "내일 알람 시간 바꿔 줘", "알람 다시 울려 줘"],
}


def new(text: str, output: str) -> NewExample:
    return NewExample(variables={"input": text}, output=output)


def many(count: int, labels: int = 3) -> list[NewExample]:
    return [
        new(f"글 {number} 번 {'가나다라마바사'[number % 7] * 3}", f"라벨{number % labels}") for number in range(count)
    ]


def said(shots: Sequence[Shot]) -> list[str]:
    return [shot.variables["input"] for shot in shots]


@pytest.fixture
def kinds() -> list[NewExample]:
    return [new(text, label) for label, texts in KINDS.items() for text in texts]


def nearest(method: Method, count: int = 3, order: Order = "nearest_first", seed: int = 0) -> Selection:
    return Selection(method=method, count=count, order=order, seed=seed)


# --- once for all questions


@pytest.mark.parametrize("method", ONCE)
def test_a_seed_chooses_the_same_and_another_seed_something_else(method: Method) -> None:
    pool = many(60)
    chosen = [choose(pool, Selection(method=method, count=6, seed=seed)) for seed in (1, 1, 2, 3, 4)]
    assert chosen[0] == chosen[1] and len({repr(one) for one in chosen}) > 1
    assert len(set(said(chosen[0]))) == 6 and all(shot in [one.shot() for one in pool] for shot in chosen[0])


@pytest.mark.parametrize("method", ONCE)
def test_fewer_than_asked_are_all_there_are(method: Method) -> None:
    assert len(choose(many(3), Selection(method=method, count=8))) == 3
    assert choose(many(3), Selection(method=method, count=0)) == ()


@pytest.mark.parametrize("method", get_args(Method))
def test_an_empty_pool_is_a_sentence(method: Method) -> None:
    if method == "by_hand":
        return  # nothing was chosen by hand: nothing is shown
    with pytest.raises(BadInput) as told:
        (pool_for if method in PER_INPUT else choose)([], Selection(method=method))
    assert told.value.key == "error.fewshot_no_examples"


def test_balanced_shows_each_answer_as_often_and_in_turns() -> None:
    pool = [new(f"글 {n}", "많다" if n % 10 else "드물다") for n in range(100)]
    shots = choose(pool, Selection(method="balanced", count=8))
    outputs = [shot.output for shot in shots]
    assert Counter(outputs) == {"많다": 4, "드물다": 4}
    assert all(one != other for one, other in pairwise(outputs))


def test_balanced_takes_what_there_is_when_an_answer_runs_out() -> None:
    pool = [new("하나뿐", "드물다"), *(new(f"글 {n}", "많다") for n in range(10))]
    outputs = [shot.output for shot in choose(pool, Selection(method="balanced", count=6))]
    assert Counter(outputs) == {"많다": 5, "드물다": 1}


def test_one_label_and_five_thousand_labels() -> None:
    assert len(choose(many(20, labels=1), Selection(method="balanced", count=4))) == 4
    pool = [*many(5_000, labels=5_000), *(new(f"더 {n}", f"라벨{n % 8}") for n in range(80))]
    outputs = {shot.output for shot in choose(pool, Selection(method="balanced", count=8))}
    assert outputs == {f"라벨{n}" for n in range(8)}, "the most frequent ones cover the most questions"


def test_diverse_covers_the_kinds(kinds: list[NewExample]) -> None:
    for seed in range(5):
        shots = choose(kinds, Selection(method="diverse", count=3, seed=seed))
        assert {shot.output for shot in shots} == set(KINDS)


def test_k_centre_is_at_most_twice_as_far_as_the_best() -> None:
    """The guarantee of greedy farthest-first picking (Gonzalez 1985), on distances, against every triple."""
    from itertools import combinations

    import numpy as np

    texts = [text for some in KINDS.values() for text in some]
    space = Space(texts)
    alike = (space.points @ space.points.T).toarray()
    distance = np.sqrt(np.maximum(0.0, 2 - 2 * alike))

    def radius(centres: Sequence[int]) -> float:
        return float(distance[:, list(centres)].min(axis=1).max())

    best = min(radius(some) for some in combinations(range(len(texts)), 3))
    # Nothing is left out when nearly all are asked for; so each of the last picks is checked on the whole pool.
    picked = spread(space, len(texts), seed=0)
    assert sorted(picked) == list(range(len(texts)))
    assert radius(picked[:3]) <= 2 * best + 1e-6


def test_marginal_relevance_ends_in_plain_relevance_and_avoids_repeats() -> None:
    space = Space(["서울 날씨", "서울 날씨 !", "서울 맛집", "부산 바다"])
    scores = space.similarities("서울 날씨")
    ranked = sorted(range(4), key=lambda place: -scores[place])
    assert marginal(space, ranked, scores, 3, share=1.0) == ranked[:3]
    assert marginal(space, ranked, scores, 2, share=0.4) != ranked[:2]


def test_in_turns_spreads_what_there_is_more_of() -> None:
    outputs = ["a", "a", "a", "a", "b", "b"]
    assert [outputs[place] for place in in_turns(outputs)] == ["a", "b", "a", "a", "b", "a"]
    assert sorted(in_turns(outputs)) == list(range(6)) and in_turns([]) == []


def test_shuffled_is_the_same_set_in_another_order() -> None:
    pool = many(40)
    plain = choose(pool, Selection(method="random", count=8))
    mixed = choose(pool, Selection(method="random", count=8, order="shuffled"))
    assert plain != mixed and sorted(said(plain)) == sorted(said(mixed))


def test_nearness_is_no_order_for_what_is_chosen_once() -> None:
    with pytest.raises(BadInput) as told:
        choose(many(9), Selection(method="random", order="nearest_last"))
    assert told.value.key == "error.fewshot_order"
    assert "nearest_last" not in orders_for("balanced") and "nearest_last" in orders_for("mixed")
    with pytest.raises(ValueError, match="each question"):
        choose(many(9), Selection(method="mixed"))


def test_huge_examples_are_left_out_and_told_when_there_is_nothing_else() -> None:
    huge = new("가" * 1_000_000, "라벨0")
    assert all(len(text) < 100 for text in said(choose([huge, *many(5)], Selection(method="random", count=6))))
    with pytest.raises(BadInput) as told:
        choose([huge], Selection(method="random"))
    assert told.value.key == "error.fewshot_too_long"


def test_of_a_long_stream_some_are_considered_and_no_label_is_lost() -> None:
    stream = [*many(3_000, labels=2), new("드문 것", "드문 라벨")]
    kept = considered(iter(stream), seed=0, most=100)
    assert 100 <= len(kept) <= 103 and "드문 라벨" in {one.output for one in kept}
    assert kept == considered(iter(stream), seed=0, most=100) != considered(iter(stream), seed=1, most=100)
    places = [stream.index(one) for one in kept]
    assert places == sorted(places) and 1_000 < sum(places) / len(places) < 2_000, "evenly over the stream"
    assert len(considered(iter(many(500, labels=500)), seed=0, most=50)) == 50, "free answers are no labels"


# --- for each question


def test_a_pool_is_bounded_and_keeps_every_label() -> None:
    pool = [*many(4_000, labels=2), new("드문 것", "드문 라벨")]
    shots = pool_for(pool, nearest("nearest_bm25"))
    assert len(shots) == choosing.POOL_SHOTS and "드문 라벨" in {shot.output for shot in shots}
    assert said(shots) == [text for text in said([one.shot() for one in pool]) if text in set(said(shots))]
    long = [new(f"{n} " + "가나다 " * 2_000, f"라벨{n % 2}") for n in range(400)]
    assert sum(map(len, said(pool_for(long, nearest("mixed"))))) <= choosing.POOL_CHARACTERS


@pytest.mark.parametrize("method", sorted(PER_INPUT))
def test_the_question_gets_its_nearest(method: Method, kinds: list[NewExample]) -> None:
    examples = Examples(shots=pool_for(kinds, nearest(method)), selection=nearest(method, count=2))
    shots = ShotChooser().shots_for(examples, {"input": "대구 날씨 알려줘"})
    assert shots[0].output == "날씨" and len(shots) == 2
    if method != "mixed":
        assert shots[1].output == "날씨"


def test_orders_of_the_nearest(kinds: list[NewExample]) -> None:
    pool = pool_for(kinds, nearest("nearest_embedding"))
    chooser, question = ShotChooser(), {"input": "내일 부산 날씨"}

    def shown(order: Order, seed: int = 0) -> list[str]:
        selection = nearest("nearest_embedding", count=5, order=order, seed=seed)
        return said(chooser.shots_for(Examples(shots=pool, selection=selection), question))

    first = shown("nearest_first")
    assert shown("nearest_last") == first[::-1]
    assert shown("as_listed") == sorted(first, key=said(pool).index)
    assert sorted(shown("shuffled")) == sorted(first)
    assert shown("shuffled") == shown("shuffled") and len({tuple(shown("shuffled", seed)) for seed in range(6)}) > 1


@pytest.mark.parametrize("method", sorted(PER_INPUT))
def test_the_question_itself_is_never_shown(method: Method, kinds: list[NewExample]) -> None:
    examples = Examples(shots=tuple(one.shot() for one in kinds), selection=nearest(method, count=12))
    asked = KINDS["음악"][1]
    for question in (asked, f"  {asked}\n", asked.replace(" ", "  ")):
        shots = ShotChooser().shots_for(examples, {"input": question})
        assert asked not in said(shots) and len(shots) == 11


def test_an_input_that_is_there_twice_is_shown_once() -> None:
    pool = (*(new("같은 글", "가").shot() for _ in range(3)), new("다른 글", "나").shot())
    shots = shots_for(Examples(shots=pool, selection=nearest("nearest_bm25", count=4)), {"input": "같은 글씨"})
    assert sorted(said(shots)) == ["같은 글", "다른 글"]


def test_mixed_is_half_nearest_and_half_the_other_labels(kinds: list[NewExample]) -> None:
    examples = Examples(shots=pool_for(kinds, nearest("mixed")), selection=nearest("mixed", count=4))
    outputs = [shot.output for shot in ShotChooser().shots_for(examples, {"input": "서울 날씨 알려 줘"})]
    assert Counter(outputs) == {"날씨": 2, "음악": 1, "알람": 1}


def test_mixed_where_answers_are_no_labels_avoids_repeats() -> None:
    texts = [
        "서울 날씨 알려줘",
        "서울 날씨 알려줘!",
        "서울 날씨 알려줘요",
        "서울 날씨 알려줄래",
        "서울 맛집 알려줘",
        "날씨 예보",
    ]
    pool = tuple(new(text, f"답 {number}").shot() for number, text in enumerate(texts))
    shots = ShotChooser().shots_for(Examples(shots=pool, selection=nearest("mixed", count=4)), {"input": "서울 날씨"})
    assert len(shots) == 4 and {"서울 맛집 알려줘", "날씨 예보"} & set(said(shots))


def test_several_variables_are_compared_as_the_shots_have_them() -> None:
    pool = tuple(
        Shot(variables={"question": question, "text": text}, output="답")
        for question, text in [("누가 썼나", "홍길동전은 허균이 썼다"), ("언제 났나", "이순신은 1545년에 났다")]
    )
    examples = Examples(shots=pool, selection=nearest("nearest_embedding", count=1))
    asked = {"text": "허균이 홍길동전을 썼다", "question": "누가 썼나", "extra": "이순신은 1545년에 났다 " * 9}
    assert ShotChooser().shots_for(examples, asked) == pool[:1]
    assert len(ShotChooser().shots_for(examples, {"other": "무엇이든"})) == 1


def test_what_was_chosen_once_is_shown_as_listed(kinds: list[NewExample]) -> None:
    shots = tuple(one.shot() for one in kinds)
    for selection in (
        None,
        Selection(method="by_hand", count=1),
        Selection(method="balanced", count=2, order="shuffled"),
    ):
        assert ShotChooser().shots_for(Examples(shots=shots, selection=selection), shots[0].variables) == shots
    assert ShotChooser().shots_for(Examples(selection=nearest("mixed")), {"input": "글"}) == ()
    assert ShotChooser().shots_for(Examples(shots=shots, selection=nearest("mixed", count=0)), {"input": "글"}) == ()


def test_a_pool_is_indexed_once_and_known_by_its_content(
    kinds: list[NewExample], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    real = Space.__init__

    def counting(self: Space, texts: Sequence[str]) -> None:
        made.append(len(texts))
        real(self, texts)

    monkeypatch.setattr(Space, "__init__", counting)
    chooser = ShotChooser(kept=2)

    def ask(start: int) -> None:
        shots = tuple(one.shot() for one in kinds[start:])
        chooser.shots_for(Examples(shots=shots, selection=nearest("nearest_embedding")), {"input": "날씨"})

    crowd = [threading.Thread(target=ask, args=(0,)) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert made == [12], "eight threads with equal pools share one index"
    for start in (1, 0, 2, 0, 1):
        ask(start)
    assert made == [12, 11, 10, 11], "the one used longest ago made room"


# --- from a project


def test_examples_are_built_from_the_train_split_only(project: Project) -> None:
    fill(project, train=30, dev=10, test=20)
    train = {one.text() for one in project.examples.each("train", "shots")}
    for method in get_args(Method):
        if method != "by_hand":
            built = build_examples(project, Selection(method=method, count=4))
            assert set(said(built.shots)) <= train and built.selection == Selection(method=method, count=4)
            assert len(built.shots) == (30 if method in PER_INPUT else 4)


def test_by_hand_keeps_its_order_and_refuses_other_splits(project: Project) -> None:
    fill(project, train=6, dev=2, test=2)
    ids = [one.id for one in project.examples.page(limit=10)]
    selection = Selection(method="by_hand", count=2)
    built = build_examples(project, selection, [ids[4], ids[1]])
    assert said(built.shots) == [reviews()[4].text(), reviews()[1].text()]
    for other in (ids[7], ids[9], 10**9):
        with pytest.raises(BadInput) as told:
            build_examples(project, selection, [ids[0], other])
        assert told.value.key == "error.fewshot_not_training" and str(other) in str(told.value.details["ids"])


def test_what_nearly_stands_in_the_test_split_is_left_out_or_refused(project: Project) -> None:
    fill(project, train=6, dev=2, test=2)
    test = next(iter(project.examples.each("test", "look")))
    project.examples.add([new(test.text() + " !", test.output)], kind="hand")
    leaky = project.examples.page(limit=100)[-1]
    project.examples.set_split([leaky.id], "train")
    for method in ("random", "nearest_bm25"):
        built = build_examples(project, Selection(method=method, count=64))
        assert len(built.shots) == 6 and leaky.text() not in said(built.shots)
    with pytest.raises(Refused) as told:
        build_examples(project, Selection(method="by_hand"), [leaky.id])
    assert told.value.key == "error.fewshot_leak" and told.value.details["count"] == 1


def test_without_train_examples_there_is_a_sentence(project: Project) -> None:
    fill(project, train=0, dev=2, test=2)
    for selection, ids in ((Selection(method="random"), None), (Selection(method="by_hand"), [])):
        with pytest.raises(BadInput) as told:
            build_examples(project, selection, ids)
        assert told.value.key == "error.fewshot_no_examples"


def test_balanced_of_nothing_is_nothing() -> None:
    assert balanced([], 3, 0) == []
