"""The small drawings: figures of a hundred, whiskers where they belong, nothing of a person's text as HTML."""

from __future__ import annotations

import re

import pytest

from backend.errors import BadInput
from backend.evaluation.values import Interval
from tabs.evaluation import marks
from tabs.evaluation.terms import read_terms
from tabs.plots import Mark, Step, curve, scatter
from tabs.text import Words

KO, EN = Words("ko"), Words("en")


def test_a_value_is_told_of_a_hundred_without_idle_decimals() -> None:
    assert [marks.hundred(value) for value in (0.0, 0.86, 0.8645, 1.0)] == ["0", "86", "86.5", "100"]


def test_times_below_a_second_are_told_in_thousandths() -> None:
    assert marks.seconds(EN, 0.1234) == "123 ms"
    assert marks.seconds(EN, 2.34) == "2.3 s"
    assert marks.seconds(KO, None) == "–"


def test_whiskers_lie_where_the_interval_is() -> None:
    drawn = marks.whiskers(0.8, Interval(0.7, 0.85, "wilson"), (0.6, 0.82))
    assert 'cp-whisker" style="left:70.00%;width:15.00%"' in drawn
    assert 'cp-band" style="left:60.00%;width:22.00%"' in drawn
    assert 'cp-point" style="left:80.00%"' in drawn


def test_a_score_without_an_interval_has_no_whiskers() -> None:
    assert "cp-whisker" not in marks.whiskers(0.5, Interval(0.0, 1.0, "none"))


def test_a_difference_is_drawn_around_nought() -> None:
    drawn = marks.gap_whiskers(0.1, -0.1, 0.3)
    assert 'cp-whisker" style="left:45.00%;width:20.00%"' in drawn
    assert 'cp-point" style="left:55.00%"' in drawn


def test_what_lies_outside_of_the_track_stays_inside() -> None:
    places = re.findall(r"left:([\d.]+)%", marks.whiskers(1.2, Interval(-0.1, 1.4, "bootstrap")))
    assert all(0 <= float(place) <= 100 for place in places) and len(places) == 2


def test_heads_explain_themselves_and_text_is_never_html() -> None:
    table = marks.grid([("<i>a</i>", 'why "so"')], [["<b>cell</b>"]])
    assert "<i>" not in table.replace("<i class", "")
    assert "&quot;so&quot;" in table and "<b>cell</b>" in table
    assert "<script>" not in marks.long_text("<script>" * 100, "more")


def test_a_long_text_is_folded_and_loses_nothing() -> None:
    text = "가나다라 " * 200
    told = marks.long_text(text, "more")
    kept = "".join(re.findall(r'cp-text">([^<]*)', told)).replace("… ", "")
    assert kept.rstrip() == text.rstrip()


def test_points_of_the_scatter_differ_in_shape_as_well_as_in_colour() -> None:
    figure = scatter([Mark(f"a{n}", n, 50 + n, 40, 60) for n in range(4)], "cost", "quality")
    assert len({trace.marker.symbol for trace in figure.data}) == 4
    assert len({trace.marker.color for trace in figure.data}) == 4
    assert figure.data[2].error_y.array[0] == 8 and figure.data[2].error_y.arrayminus[0] == 12
    assert figure.layout.xaxis.range[0] == 0


def test_the_scatter_of_what_costs_nothing_can_be_drawn() -> None:
    assert scatter([Mark("a", 0.0, 50, 40, 60)], "cost", "quality").layout.xaxis.range[1] > 0


def test_the_curve_has_a_band_and_one_place_per_number_of_examples() -> None:
    figure = curve([Step(0, 50, 45, 55), Step(1, 60, 50, 66), Step(16, 70, 65, 75)], "shots", "quality")
    assert list(figure.data[2].x) == ["0", "1", "16"]
    assert list(figure.data[0].y) == [45, 50, 65] and list(figure.data[1].y) == [55, 66, 75]


@pytest.mark.parametrize("line", ["그녀 → 그", "그녀->그", "그녀, 그", "그녀\t그", "그녀 => 그"])
def test_a_pair_of_words_may_be_divided_in_several_ways(line: str) -> None:
    assert read_terms(f"\n{line}\n\n{line}\n") == [("그녀", "그")]


def test_a_word_may_hold_spaces_and_hyphens() -> None:
    assert read_terms("New York -> Jeju-do") == [("New York", "Jeju-do")]


@pytest.mark.parametrize("text", ["그녀", "a → b → c", "같음 → 같음", "→ b"])
def test_a_line_that_is_no_pair_is_named(text: str) -> None:
    with pytest.raises(BadInput) as fault:
        read_terms(f"a → b\n{text}")
    assert fault.value.key == "error.compare_terms" and fault.value.details["row"] == 2


def test_no_words_at_all_are_told() -> None:
    with pytest.raises(BadInput) as fault:
        read_terms(" \n ")
    assert fault.value.key == "error.compare_terms_none"
