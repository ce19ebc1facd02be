"""The measures against TREC's own program and values worked by hand; places in a text; what passages hold them."""

from __future__ import annotations

import math
import random
import unicodedata

import pytest

from backend.assistants import Documents
from backend.documents.measuring.comparing import mean_of, verdicts_of
from backend.documents.measuring.measures import ndcg, recall, reciprocal_rank
from backend.documents.measuring.measuring import Asked, measure_way
from backend.documents.measuring.places import Place, find_quote, holders, page_span
from backend.documents.values import Block, Parsed, Passage, lay


def test_values_worked_by_hand() -> None:
    ranked = ["a", "b", "c", "d"]
    assert ndcg(ranked, {"b", "d"}) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert ndcg(ranked, {"a"}) == 1 and ndcg(ranked, {"z"}) == 0 and ndcg([], {"a"}) == 0
    assert reciprocal_rank(ranked, {"c", "d"}) == pytest.approx(1 / 3) and reciprocal_rank(ranked, {"d"}, 3) == 0
    assert recall(ranked, [{"a", "x"}, {"d"}, {"z"}], 3) == pytest.approx(1 / 3)
    assert recall(ranked, [{"a", "x"}, {"d"}, {"z"}], 4) == pytest.approx(2 / 3)


def test_two_passages_of_one_place_are_not_asked_for_twice() -> None:
    assert recall(["a"], [{"a", "b"}], 1) == 1


def test_they_are_those_of_trec() -> None:
    trec = pytest.importorskip("pytrec_eval")
    drawn = random.Random(3)
    names = [f"p{number}" for number in range(60)]
    wanted, runs, ranked = {}, {}, {}
    for question in range(40):
        key = f"q{question}"
        wanted[key] = dict.fromkeys(drawn.sample(names, drawn.randint(1, 15)), 1)
        ranked[key] = drawn.sample(names, 30)
        runs[key] = {name: 1.0 / rank for rank, name in enumerate(ranked[key], 1)}
    told = trec.RelevanceEvaluator(wanted, {"ndcg_cut.10", "recall.5,10", "recip_rank"}).evaluate(runs)
    for key, ranking in ranked.items():
        relevant = set(wanted[key])
        assert ndcg(ranking, relevant) == pytest.approx(told[key]["ndcg_cut_10"])
        assert recall(ranking, [{one} for one in relevant], 5) == pytest.approx(told[key]["recall_5"])
        assert recall(ranking, [{one} for one in relevant], 10) == pytest.approx(told[key]["recall_10"])
        assert reciprocal_rank(ranking, relevant, 30) == pytest.approx(told[key]["recip_rank"])


def test_a_way_over_questions_with_several_places_and_tied_scores_is_measured_as_trec_does() -> None:
    """TREC ranks what is tied by its name, the last first, and counts documents: here each place is one passage."""
    trec = pytest.importorskip("pytrec_eval")
    drawn = random.Random(7)
    every = [passage(number, 10 * number, 10 * number + 10, document) for document in (1, 2) for number in range(30)]
    named, wanted, runs, asked = {one.id: one for one in every}, {}, {}, []
    for number in range(60):
        relevant = [one.id for one in drawn.sample(every, drawn.randint(2, 14))]
        wanted[f"q{number}"] = dict.fromkeys(relevant, 1)
        runs[f"q{number}"] = {one.id: float(drawn.randint(1, 4)) for one in drawn.sample(every, 40)}
        asked.append(Asked(id=number, question=f"q{number}", places=tuple(frozenset([one]) for one in relevant)))
    ranked = {key: sorted(run, key=lambda one: (run[one], one), reverse=True) for key, run in runs.items()}
    assert all(len(set(run.values())) < 5 for run in runs.values()), "ties everywhere"
    row = measure_way(lambda how, key: [named[one] for one in ranked[key]], Documents(), asked, (1, 5, 20))
    tens = {key: {one: run[one] for one in ranked[key][:10]} for key, run in runs.items()}
    told = trec.RelevanceEvaluator(wanted, {"ndcg_cut.10", "recall.1,5,20"}).evaluate(runs)
    firsts = trec.RelevanceEvaluator(wanted, {"recip_rank"}).evaluate(tens)
    for k in (1, 5, 20):
        assert row.recall[k] == pytest.approx([told[one.question][f"recall_{k}"] for one in asked])
    assert row.ndcg == pytest.approx([told[one.question]["ndcg_cut_10"] for one in asked])
    assert row.mrr == pytest.approx([firsts[one.question]["recip_rank"] for one in asked])
    assert len(set(row.ndcg)) > 20, "they are not all the same"


def test_places_held_by_several_passages_are_counted_as_trec_counts_what_was_brought() -> None:
    """Of the places that the first k passages hold, TREC's recall of a set; gains are of the passages."""
    trec = pytest.importorskip("pytrec_eval")
    drawn, names = random.Random(11), [f"p{number:02}" for number in range(25)]
    for number in range(40):
        places = [frozenset(drawn.sample(names, drawn.randint(1, 4))) for _ in range(drawn.randint(2, 6))]
        ranked = drawn.sample(names, 20)
        for k in (1, 3, 10):
            brought = {str(at): 1.0 for at, holding in enumerate(places) if holding & set(ranked[:k])} or {"none": 1.0}
            wanted = {"q": {str(at): 1 for at in range(len(places))}}
            told = trec.RelevanceEvaluator(wanted, {"set_recall"}).evaluate({"q": brought})
            assert recall(ranked, places, k) == pytest.approx(told["q"]["set_recall"]), (number, k)
        relevant = frozenset[str]().union(*places)
        evaluator = trec.RelevanceEvaluator({"q": dict.fromkeys(relevant, 1)}, {"ndcg_cut.10"})
        found = evaluator.evaluate({"q": {one: 1 / rank for rank, one in enumerate(ranked, 1)}})
        assert ndcg(ranked, relevant) == pytest.approx(found["q"]["ndcg_cut_10"])


TEXT = "제1조\n\n이 약관은 “보험금”의  지급 범위를\n정한다.\n\nThe Insurer pays within 30 days.\n\nThe end, the end"


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("The Insurer pays", "The Insurer pays"),
        ('이 약관은 "보험금"의 지급 범위를 정한다.', "이 약관은 “보험금”의  지급 범위를\n정한다."),
        (unicodedata.normalize("NFD", "지급 범위를 정한다"), "지급 범위를\n정한다"),
        ("the insurer PAYS  within 30days", "The Insurer pays within 30 days"),
    ],
)
def test_a_quote_is_found_whatever_its_blanks_and_marks(quote: str, found: str) -> None:
    span = find_quote(TEXT, quote)
    assert span is not None and TEXT[slice(*span)] == found


def test_a_quote_is_looked_for_on_its_page_first_and_may_be_nowhere() -> None:
    last = TEXT.rindex("the end")
    assert find_quote(TEXT, "the end", (last, len(TEXT))) == (last, last + 7)
    assert find_quote(TEXT, "The Insurer", (last, len(TEXT))) == (TEXT.index("The Insurer"), TEXT.index(" pays"))
    assert find_quote(TEXT, "not there") is None and find_quote(TEXT, " \n") is None
    parsed = Parsed(blocks=(Block(kind="paragraph", text="하나", page=1), Block(kind="paragraph", text="둘", page=2)))
    assert page_span(parsed, lay(parsed), 2) == (4, 5) and page_span(parsed, lay(parsed), 3) is None


def passage(number: int, start: int, end: int, document: int = 1) -> Passage:
    return Passage(document_id=document, number=number, text="x" * (end - start), start=start, end=end)


def test_a_passage_holds_a_place_when_it_has_half_of_it_or_lies_half_within() -> None:
    cut = [passage(0, 0, 100), passage(1, 95, 200), passage(2, 200, 300), passage(0, 0, 500, document=2)]
    assert holders(cut, Place(1, 20, 60)) == {"1-0"}
    assert holders(cut, Place(1, 90, 110)) == {"1-0", "1-1"}
    assert holders(cut, Place(1, 60, 99)) == {"1-0"}, "the four letters that the second repeats are not the place"
    assert holders(cut, Place(1, 0, 300)) == {"1-0", "1-1", "1-2"}
    assert holders(cut, Place(3, 0, 10)) == frozenset()


def test_a_place_cut_in_three_is_held_by_the_largest_part() -> None:
    cut = [passage(0, 0, 100), passage(1, 100, 150), passage(2, 150, 400)]
    assert holders(cut, Place(1, 80, 190)) == {"1-1"}, "all of the short one lies within"
    assert holders([passage(0, 0, 400), passage(1, 440, 900)], Place(1, 360, 490)) == {"1-1"}


def test_a_mean_has_the_houses_interval_and_a_clear_difference_is_told() -> None:
    value, interval = mean_of([1.0, 0.5, 0.0, 1.0, 1.0])
    assert value == pytest.approx(0.7) and interval.low < 0.7 < interval.high and interval.method == "jackknife"
    told = verdicts_of([("good", [1.0, 0.9] * 15), ("poor", [0.1, 0.5] * 15), ("same", [0.1, 0.5] * 15)])
    assert told[0, 1].outcome == "worse" and told[0, 1].key == "measure.verdict.better.points"
    assert told[0, 1].details["better"] == "good"
    assert told[1, 2].outcome in ("equivalent", "not_distinguishable") and told[1, 2].difference.p == 1
