"""What searches came to, drawn: the cost before, the best marked, the caution, nothing that a name could break."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest

from backend.errors import StudioError
from backend.evaluation.values import Interval, Score
from backend.fewshot.curve import Curve, Point
from backend.fewshot.outcome import outcome_of
from backend.fewshot.sensitivity import Band, Variant
from backend.fewshot.tried import BASE, Saying, Tried
from backend.jobs.run import Run
from backend.services import create_services
from backend.settings import Settings
from studio.app import build_app
from tabs.fewshot.search_views import SHOWN, band_view, curve_view, folded, range_bar, tried_row
from tabs.fewshot.searching import Searching
from tabs.text import Words

KO, EN = Words("ko"), Words("en")
SCORE = Score("accuracy", 0.8, Interval(0.65, 0.9, "wilson"), 40)


def tried(name: str, key: str = "search.tried.random") -> Tried:
    return Tried(name=name, about=Saying(key=key, details={"count": 4, "draw": 1}), round=1, examples=40, score=SCORE)


@pytest.mark.parametrize("words", [KO, EN])
def test_the_base_and_the_best_are_told_apart(words: Words) -> None:
    name, score, answers = tried_row(words, tried(BASE, "search.tried.base"), best=True)
    assert words.t("build.base_row") in name and words.t("build.best") in name
    assert "80" in score and "65" in score and "90" in score and answers == "40"
    assert words.t("build.best") not in tried_row(words, tried("c01"), best=False)[0]


def test_a_bar_stays_within_its_scale() -> None:
    drawn = range_bar(KO, -0.2, 0.5, 1.4)
    assert "left:0.0%" in drawn and "width:100.0%" in drawn and "left:50.0%" in drawn


def test_a_long_list_is_folded() -> None:
    assert folded(KO, ("a",), []) == ""
    assert "<details" in folded(KO, ("a",), [("x",)] * SHOWN)


@pytest.mark.parametrize("words", [KO, EN])
def test_a_band_is_one_sentence_and_each_kind_of_change(words: Words) -> None:
    variants = (
        Variant(by=None, about=Saying(key="search.tried.base"), score=SCORE),
        Variant(by="order", about=Saying(key="search.tried.base"), score=SCORE),
    )
    band = Band(low=0.7, high=0.85, median=0.8, value=0.8, n=40, variants=variants, by={"order": (0.7, 0.85)}, made=1.0)
    drawn = band_view(words, band)
    assert words.t("build.band_result", n=40, low=70, high=85, median=80, value=80) in drawn
    assert words.t("build.by_order") in drawn


@pytest.mark.parametrize("words", [KO, EN])
def test_a_curve_names_its_best_size(words: Words) -> None:
    points = tuple(
        Point(shots=shots, value=value, low=value - 0.05, high=value + 0.05, scores=())
        for shots, value in ((0, 0.6), (4, 0.8), (8, 0.75))
    )
    curve = Curve(metric="accuracy", method="balanced", n=40, points=points, made=1.0)
    assert words.t("build.curve_result", count=4, value=80, n=40) in curve_view(words, curve)


def test_what_a_newer_studio_tried_is_told_by_its_plain_name() -> None:
    assert "telepathy" in tried_row(KO, tried("c01", "search.tried.telepathy"), best=False)[0]


def test_a_curve_without_points_is_not_drawn() -> None:
    assert curve_view(KO, Curve.model_construct(metric="accuracy", method="balanced", n=4, points=(), made=1.0)) == ""


def test_a_run_whose_result_cannot_be_read_keeps_its_row(tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.mkdir()
    for name in ("outcome.json", "tried.jsonl", "plan.json"):
        (output / name).write_text("{broken", encoding="utf-8")
    run = Run(id="x", kind="fewshot_search", title="", state="succeeded", created=1.0, folder=tmp_path)
    with pytest.raises(StudioError):
        outcome_of(run)
    drawn = Searching(cast(Any, None), KO, None).result("fewshot_search", [run])
    assert 'data-do="remove"' in drawn and "bd-fault" in drawn


def test_no_event_that_nobody_pressed_takes_a_picker_of_these_parts(tmp_path: Path) -> None:
    made = create_services(Settings(home=tmp_path / "home", open_browser=False))
    page = build_app(made, "en")
    made.close()
    pickers = (gr.Dropdown, gr.Radio, gr.CheckboxGroup)
    seen = 0
    for event in page.fns.values():
        raised = [(type(page.blocks[source]), name) for source, name in event.targets if source in page.blocks]
        automatic = any(kind in (gr.State, gr.Tab, gr.Timer) for kind, _ in raised)
        module = getattr(event.fn, "__module__", "")
        if automatic and module.startswith(("tabs.fewshot", "tabs.evaluation", "tabs.overview")):
            seen += 1
            assert not [one for one in event.inputs if isinstance(one, pickers)], module
    assert seen > 5
