"""The card, the problems and the preview as drawn: sentences, signs beside colours, nothing a text could break."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path

import pytest

from backend.examples.example import Example
from backend.training.config import TrainingConfig
from backend.training.estimating.estimate import Estimate, Range
from backend.training.estimating.facts import ModelFacts, RowFacts
from backend.training.estimating.plan import TrainingPlan
from backend.training.rows.preview import PreviewRow
from backend.training.values import Problem
from tabs.text import Words
from tabs.training import setup_views as views
from tabs.training.setup_preview_views import preview_view

KO, EN = Words("ko"), Words("en")
GB = 1e9
MODEL = ModelFacts("m", "Llama", 8, 1, 8, 1, 1, 8, 100, 512, 1000, {})
PROBLEM = Problem("duplicates", "note", 70, tuple(range(1, 71)))


def planned(fits: bool | None = True, problems: tuple[Problem, ...] = (), **config: object) -> TrainingPlan:
    told = Estimate(
        memory=Range(2 * GB, 1.5 * GB, 3 * GB), seconds=Range(200, 199, 201), disk_bytes=9_000_000,
        kept_bytes=2_000_000, fits=fits, available_bytes=int(GB), basis="formula", steps=33, waste=0.1, trainable=10,
    )  # fmt: skip
    return TrainingPlan(
        config=TrainingConfig(**config), examples=84, dev=12, tokens=5_000, loss_tokens=300, steps=33, waste=0.1,
        estimate=told, saved_where=(Path("runs"), Path("adapters")), problems=problems, engine="trl",
        engine_reason="engines.reason.not_installed", engine_details={}, rows=RowFacts((1,)), model=MODEL,
    )  # fmt: skip


@pytest.mark.parametrize("words", [KO, EN])
def test_the_card_says_what_will_happen_and_on_what_it_rests(words: Words) -> None:
    drawn = views.card_view(words, planned())
    for said in ("84", "12", "5,000", "300", "33", "2.0 GB", "1.5 GB", "3.0 GB", words.duration(200), "runs", "9.0 MB"):
        assert said in drawn, said
    assert words.t("train.basis_formula") in drawn and words.t("engines.reason.not_installed") in drawn
    assert words.t("train.no_problems") in drawn and words.duration(199) not in drawn, "a narrow range is not told"


@pytest.mark.parametrize("words", [KO, EN])
def test_the_card_says_what_memory_is_for_and_that_a_disk_is_full(words: Words) -> None:
    plan = planned()
    told = replace(plan.estimate, parts={"weights": 10**9, "logits": 0}, disk_fits=False, disk_free_bytes=4_000_000)
    drawn = views.card_view(words, replace(plan, estimate=told))
    assert (
        escape(words.t("estimate.part.weights")) + " 1.0 GB" in drawn and words.t("estimate.part.logits") not in drawn
    )
    assert "✕" in drawn and "4.0 MB" in drawn
    measured = views.figures(words, replace(plan, estimate=replace(told, basis="probe")))
    assert words.t("estimate.parts") not in measured


def test_too_little_memory_names_the_setting_to_lower() -> None:
    assert "per_device_train_batch_size" in views.card_view(EN, planned(fits=False, per_device_train_batch_size=8))
    one = planned(fits=False, per_device_train_batch_size=1)
    assert "gradient_checkpointing" in views.smaller(EN, one)
    prefix = planned(fits=False, per_device_train_batch_size=1, method="prefix_tuning")
    assert views.smaller(EN, prefix) == EN.t("train.hint_quantization")  # it cannot work out again what it read
    last = planned(fits=False, per_device_train_batch_size=1, gradient_checkpointing=True, quantization="nf4")
    assert views.smaller(EN, last) == EN.t("train.hint_model")
    assert "✕" not in views.card_view(EN, planned(fits=None))


@pytest.mark.parametrize("words", [KO, EN])
def test_what_forbids_a_start_stands_alone_and_every_problem_has_its_sign(words: Words) -> None:
    plan = planned(problems=(Problem("no_examples", "stop", 0), PROBLEM))
    drawn = views.card_view(words, plan)
    assert views.stops(plan) and words.t("train.cannot_start") in drawn and "ts-figures" not in drawn
    assert drawn.count("<li") == 2 and "✕" in drawn and 'data-what="duplicates"' in drawn
    assert words.t("train.which", count=70) in drawn
    assert not views.stops(planned(problems=(PROBLEM,)))


def test_the_examples_of_a_problem_are_listed_with_the_rest_counted_and_escaped() -> None:
    example = Example(id=7, variables={"input": "<b>글</b>" + "가" * 400}, output="")
    drawn = views.listing_view(KO, PROBLEM, [example])
    assert "&lt;b&gt;" in drawn and "<b>글" not in drawn and "#7" in drawn and "…" in drawn
    assert KO.t("train.list_more", count=69) in drawn and 'data-do="close"' in drawn


@pytest.mark.parametrize("words", [KO, EN])
def test_learned_tokens_are_marked_and_special_ones_visible(words: Words) -> None:
    pieces = [("<|user|>", False, True), ("평: ", False, False), ("<좋다>", False, False), ("긍정", True, False)]
    row = PreviewRow([*pieces, ("<|end|>", True, True)], tokens=9, loss_tokens=2)
    drawn = preview_view(words, [row])
    assert (
        "<code>&lt;|user|&gt;</code>평: &lt;좋다&gt;<mark>긍정</mark><mark><code>&lt;|end|&gt;</code></mark>" in drawn
    )
    assert words.t("train.preview_tokens", tokens=9, counted=2) in drawn and words.t("train.mark_counts") in drawn
    assert words.t("train.preview_empty") in preview_view(words, [])


def test_a_long_document_is_drawn_in_part() -> None:
    row = PreviewRow([("가" * 10_000, True, False), ("끝", False, False)], tokens=1, loss_tokens=1)
    drawn = preview_view(KO, [row])
    assert drawn.count("가") < 7_000 and drawn.count("…") >= 1 and "끝" not in drawn
