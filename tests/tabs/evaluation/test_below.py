"""Answers side by side, labels, slices, swapped words, the judge, ratings, the curve and what is handed on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import pytest

from backend.accounts import OWNER
from backend.assistants import ModelRef
from backend.errors import BadInput
from backend.evaluation.agreement import Agreement, pairwise_result
from backend.evaluation.comparison import Comparison
from backend.evaluation.identity import fingerprint
from backend.evaluation.judge import bench_of
from backend.evaluation.metrics import Confusion, LabelScore
from backend.evaluation.opinions import Judgement, add_judgements, rate, ratings
from backend.evaluation.values import Interval, Score
from backend.examples.task import Metric
from backend.fewshot.curve import Curve, Point, keep_curve
from backend.fewshot.sensitivity import band_from, keep_band
from backend.fewshot.tried import BASE, Saying, Tried
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.services import Services
from tabs.evaluation import label_views
from tabs.evaluation.breakdown import Labels
from tabs.evaluation.cutting import Cutting
from tabs.evaluation.desk import Desk
from tabs.evaluation.handing import Handing, known_besides
from tabs.evaluation.judge_views import pairwise_view, trust_lines
from tabs.evaluation.judging import NOTE, Judging
from tabs.evaluation.learning import Learning, flat
from tabs.evaluation.sides import Sides, places
from tabs.text import Words
from tests.tabs.evaluation.conftest import pressed

Saved = tuple[SavedAssistant, SavedAssistant, SavedAssistant]


@pytest.fixture
def comparison(desk: Desk, answered: Project) -> Comparison:
    return desk.needed(answered)


# --- side by side -----------------------------------------------------------------------------------------------------


def test_the_best_and_the_next_stand_side_by_side(desk: Desk, answered: Project, comparison: Comparison) -> None:
    drawn, view = Sides(desk).drawn(answered, comparison, {}), desk.view
    assert places(comparison, {}) == (0, 1)
    assert drawn[view.sides].count("cp-example") == 8
    assert desk.words.t("compare.shown", total=60, first=1, last=8) in drawn[view.sides]
    assert "<b>그녀</b>" not in drawn[view.sides] and "&lt;b&gt;그녀" in drawn[view.sides]


def test_only_those_that_a_alone_got_right_are_shown(desk: Desk, answered: Project, comparison: Comparison) -> None:
    drawn, view = Sides(desk).drawn(answered, comparison, {"which": "a_right_b_wrong"}), desk.view
    counts = {value: label for label, value in drawn[view.which]["choices"]}
    assert counts["a_right_b_wrong"].endswith("30") and counts["unreadable"].endswith("6")
    assert drawn[view.sides].count(f"✓ {desk.words.t('compare.right_mark')}") == 8
    assert desk.words.t("compare.shown", total=30, first=1, last=8) in drawn[view.sides]


def test_unreadable_answers_are_marked_and_the_rule_is_named(
    desk: Desk, answered: Project, comparison: Comparison
) -> None:
    told = Sides(desk).drawn(answered, comparison, {"which": "unreadable"})[desk.view.sides]
    assert told.count("cp-unread") == 6 and "모르겠습니다" in told
    assert desk.words.t("compare.read_by", rule=desk.words.t("metrics.rule.no_label")) in told


def test_a_leaf_is_turned_and_one_behind_the_end_is_the_last(
    desk: Desk, answered: Project, comparison: Comparison, visitor: gr.Request
) -> None:
    sides = Sides(desk)
    turned = sides.press(answered.id, {}, visitor, pressed("page", "8"))
    assert desk.words.t("compare.shown", total=60, first=9, last=16) in turned[desk.view.sides]
    last = sides.press(answered.id, turned[desk.view.looked], visitor, pressed("page", "4000"))
    assert desk.words.t("compare.shown", total=60, first=57, last=60) in last[desk.view.sides]
    with pytest.raises(BadInput):
        sides.press(answered.id, {}, visitor, pressed("page", "x"))


def test_the_same_one_twice_becomes_two_different_ones(comparison: Comparison) -> None:
    first, second = comparison.rows[0].saved.id, comparison.rows[1].saved.id
    assert places(comparison, {"left": second, "right": second}) == (1, 0)
    assert places(comparison, {"left": second, "right": first}) == (1, 0)
    assert places(comparison, {"left": 999, "right": "x"}) == (0, 1)


# --- labels -----------------------------------------------------------------------------------------------------------


def test_the_matrix_holds_every_answer_and_the_unreadable_apart(
    desk: Desk, answered: Project, comparison: Comparison, saved: Saved
) -> None:
    told = Labels(desk).drawn(answered, comparison, {"of": saved[0].id})[desk.view.labels]
    assert desk.words.t("compare.confusion") in told and desk.words.t("compare.unreadable_mark") in told
    assert told.count("cp-right") == 2 and ">3<" in told


def test_of_many_labels_the_frequent_ones_are_drawn_and_the_rest_counted(words: Words) -> None:
    names = tuple(f"라벨{number}" for number in range(40))
    matrix = tuple(tuple(100 - row if row == column else 1 for column in range(41)) for row in range(40))
    told = label_views.matrix_view(words, Confusion(names, matrix))
    assert "라벨14<" in told and "라벨15<" not in told
    assert words.t("compare.confusion_more", shown=15, rest=25) in told
    assert ">25<" in told, "what went to labels that are not drawn"
    listed = label_views.per_label_view(words, {name: LabelScore(None, 0.5, 0.5, 3) for name in names * 1})
    assert listed.count("<tr>") == 41 and "–" in listed


def test_a_task_without_labels_says_where_to_look_instead(words: Words) -> None:
    assert words.t("compare.no_labels_hint") in label_views.labels_view(words, None, {})


# --- slices and swapped words -----------------------------------------------------------------------------------------


def test_a_column_of_the_table_can_be_cut_by(desk: Desk, answered: Project, comparison: Comparison) -> None:
    drawn = Cutting(desk).drawn(answered, comparison, {"by": "group:지역"})
    told = drawn[desk.view.slices]
    assert drawn[desk.view.by]["value"] == "group:지역"
    assert "부산" in told and "서울" in told and desk.words.t("compare.gap_none") in told
    offered = [value for _, value in drawn[desk.view.by]["choices"]]
    assert {"label", "tag", "length", "group:지역"} <= set(offered)
    assert all(label and not label.startswith("compare.") for label, _ in drawn[desk.view.by]["choices"])


@pytest.mark.parametrize("by", ["length", "tag", "label"])
def test_every_cut_is_drawn_in_words(desk: Desk, answered: Project, comparison: Comparison, by: str) -> None:
    told = Cutting(desk).cut(answered, comparison, by)
    assert told.count("cp-figure") >= 4 and "compare." not in told


def test_words_that_stand_nowhere_are_refused(desk: Desk, answered: Project, saved: Saved, visitor: gr.Request) -> None:
    with pytest.raises(BadInput) as fault:
        Cutting(desk).swap(answered.id, "없는말 → 다른말", visitor)
    assert fault.value.key == "error.evaluation_no_terms"
    assert answered.get_note("compare.swaps") is None


def test_swapped_words_wait_for_their_answers(desk: Desk, answered: Project, saved: Saved) -> None:
    cutting = Cutting(desk)
    assert desk.words.t("compare.swap_empty") in cutting.swaps(answered)
    answered.set_note("compare.swaps", [["그녀", "그"]])
    told = cutting.swaps(answered)
    assert desk.words.t("compare.missing", count=60) in told and "그녀 ↔ 그" in told


# --- the judge and ratings --------------------------------------------------------------------------------------------


def test_a_judge_is_not_trusted_before_people_have_rated(words: Words) -> None:
    unknown = Agreement(3, 1.0, Interval(0.4, 1.0, "wilson"), None, 0.5, "unknown", 17)
    assert trust_lines(words, unknown) == [words.t("compare.trust_unknown", needed=17)]
    low = Agreement(30, 0.5, Interval(0.33, 0.67, "wilson"), 0.02, 0.5, "low", 0)
    assert words.t("compare.trust_low") in trust_lines(words, low)
    fair = Agreement(30, 0.9, Interval(0.74, 0.97, "wilson"), 0.8, 0.5, "fair", 0)
    assert words.t("compare.trust_fair") in trust_lines(words, fair)


def test_what_a_judge_said_is_told_with_how_far_it_can_be_trusted(
    desk: Desk, answered: Project, comparison: Comparison
) -> None:
    words, judge = desk.words, ModelRef(kind="endpoint", name="<judge>", endpoint="x")
    assert words.t("compare.judge_empty") in Judging(desk).judged(answered, comparison, {})
    bench = bench_of(answered, judge, "pairwise")
    said = []
    for one, two in zip(comparison.answers[0][24:54], comparison.answers[1][24:54], strict=True):
        said += [Judgement(one.id, two.id, "first", {}), Judgement(two.id, one.id, "second", {})]
    add_judgements(answered, bench.judge, bench.rule, said)
    answered.set_note(NOTE, {"judge": judge.model_dump(mode="json"), "mode": "pairwise"})
    told = Judging(desk).judged(answered, comparison, {})
    names = (comparison.rows[0].name, comparison.rows[1].name)
    line = words.t("compare.judge_wins", left=names[0], right=names[1], a=30, b=0, tie=0, n=30)
    assert line.replace("<", "&lt;").replace(">", "&gt;") in told and "&lt;judge&gt;" in told
    assert words.t("compare.trust_tag_unknown") in told and "cp-trust-unknown" in told
    for one, two in zip(comparison.answers[0][24:50], comparison.answers[1][24:50], strict=True):
        rate(answered, OWNER, one.id, two.id, "first")
    result = pairwise_result(answered, comparison, 0, 1, judge)
    assert result.agreement.n == 26 and result.agreement.share == 1.0
    assert words.t("compare.trust_unknown", needed=17) not in pairwise_view(words, "x", result, names)


def test_pairs_are_rated_blind_one_after_the_other(
    desk: Desk, answered: Project, comparison: Comparison, visitor: gr.Request
) -> None:
    judging, view = Judging(desk), desk.view
    first = judging.begin(answered.id, {}, visitor)
    assert not any(row.name in first[view.rating] for row in comparison.rows[:2])
    assert desk.words.t("compare.rated", total=20, done=0) in first[view.rating]
    second = judging.rate(answered.id, {}, first[view.pair], visitor, pressed("rate", "second"))
    assert second[view.pair] != first[view.pair]
    assert [(one.rater, one.first_id, one.verdict) for one in ratings(answered)] == [
        (OWNER, first[view.pair][0], "second")
    ]
    with pytest.raises(BadInput):
        judging.rate(answered.id, {}, second[view.pair], visitor, pressed("rate", "splendid"))
    for stale in (None, [900, 901]):
        with pytest.raises(BadInput):
            judging.rate(answered.id, {}, stale, visitor, pressed("rate", "first"))
    assert len(ratings(answered)) == 1


def test_rating_ends_when_every_pair_was_seen(desk: Desk, answered: Project, visitor: gr.Request) -> None:
    judging, view = Judging(desk), desk.view
    now = judging.begin(answered.id, {}, visitor)
    count = 0
    while now[view.pair]:
        now, count = judging.rate(answered.id, {}, now[view.pair], visitor, pressed("rate", "tie")), count + 1
    assert count == len(ratings(answered)) == 36
    assert desk.words.t("compare.rating_done", done=36) in now[view.rating]


def test_no_judge_is_asked_without_a_model(desk: Desk, answered: Project, visitor: gr.Request) -> None:
    with pytest.raises(BadInput) as fault:
        Judging(desk).ask(answered.id, {}, "", "pairwise", 20, visitor)
    assert fault.value.key == "error.compare_judge"


# --- the curve, and what is handed on ---------------------------------------------------------------------------------


def point(shots: int, value: float, low: float, high: float) -> Point:
    score = Score("accuracy", value, Interval(low, high, "wilson"), 50)
    return Point(shots=shots, value=value, low=value - 0.02, high=value + 0.02, scores=(score,))


def test_a_curve_is_drawn_with_its_band_and_flatness_is_said(
    desk: Desk, services: Services, answered: Project, comparison: Comparison, saved: Saved
) -> None:
    learning, view = Learning(desk), desk.view
    assert desk.words.t("compare.curve_empty") in learning.drawn(answered, comparison, {})[view.curve_note]
    known = fingerprint(saved[1].assistant, services.host.where)
    points = (point(0, 0.5, 0.4, 0.6), point(1, 0.55, 0.45, 0.65), point(4, 0.58, 0.48, 0.68))
    curve = Curve(metric="accuracy", method="random", n=50, points=points, made=1.0)
    keep_curve(answered, [known], curve)
    drawn = learning.drawn(answered, comparison, {})
    assert drawn[view.curve]["visible"] and desk.words.t("compare.curve_flat") in drawn[view.curve_note]
    risen = curve.model_copy(update={"points": (*points, point(8, 0.9, 0.8, 0.96))})
    assert flat(curve) and not flat(risen)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_all_answers_are_handed_over_as_a_file(
    desk: Desk, answered: Project, saved: Saved, visitor: gr.Request, form: str
) -> None:
    hand: Callable[[str, gr.Request], str] = getattr(Handing(desk), form)
    file = Path(hand(answered.id, visitor))
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert file.suffix == f".{form}" and len(lines) == 120 + (form == "csv")
    assert form == "csv" or json.loads(lines[0])["expected"] in {"긍정", "부정"}


def test_the_report_has_the_bands_of_the_metric_that_is_shown(
    answered: Project, comparison: Comparison, services: Services, saved: Saved
) -> None:
    known = fingerprint(saved[1].assistant, services.host.where)

    def bands(metric: Metric) -> list[int]:
        score = Score(metric, 0.5, Interval(0.4, 0.6, "wilson"), 50)
        tried = Tried(name=BASE, about=Saying(key="search.tried.base"), round=1, examples=50, score=score)
        keep_band(answered, known, band_from([tried], {}))
        return list(known_besides(answered, comparison).bands)

    assert bands("macro_f1") == []
    assert bands("accuracy") == [saved[1].id]


def test_the_report_is_one_file_in_the_pages_language(
    desk: Desk, answered: Project, saved: Saved, visitor: gr.Request
) -> None:
    told = Path(Handing(desk).report(answered.id, visitor)).read_text(encoding="utf-8")
    assert f'lang="{desk.words.language}"' in told and "예시 &lt;둘&gt;" in told
    assert "<script" not in told and "http" not in told.replace("http-equiv", "")


def test_nothing_is_handed_over_before_anything_was_measured(
    desk: Desk, project: Project, saved: Saved, visitor: gr.Request
) -> None:
    with pytest.raises(BadInput) as fault:
        Handing(desk).report(project.id, visitor)
    assert fault.value.key == "error.compare_nothing"
