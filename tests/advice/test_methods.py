"""Which method next: each rule alone, and what they come to together."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from backend.advice.facts import Facts, Measured
from backend.advice.methods import GO, Method, methods
from backend.advice.needs import Needs
from backend.advice.next_step import next_step
from backend.evaluation.values import Difference, Interval, Outcome, Score, Verdict
from backend.examples.task import Task
from backend.fewshot.curve import Curve, Point
from tabs.advice_views import option_card
from tabs.text import Words

SENTIMENT = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")
WHOLE = Facts(task=SENTIMENT, train=60, dev=20, test=40, labels=2, rarest=28, split=True, assistants=2, fits=2)


def score(value: float, low: float, high: float, n: int = 40) -> Score:
    return Score("accuracy", value, Interval(low, high, "wilson"), n)


def measured(number: int, shots: int, value: float, low: float, high: float) -> Measured:
    return Measured(number, f"a{number}", 1, shots, score(value, low, high))


def verdict(outcome: Outcome) -> Verdict:
    return Verdict(outcome, Difference(0.1, 0.03, 0.2, 0.01, "mcnemar", 40), "verdict.better", {})


def curve(*means: tuple[int, float, float, float]) -> Curve:
    points = tuple(Point(shots=n, value=value, low=low, high=high, scores=()) for n, value, low, high in means)
    return Curve(metric="accuracy", method="balanced", n=40, points=points, made=1.0)


def first(facts: Facts, needs: Needs = Needs()) -> Method:  # noqa: B008  frozen
    return methods(facts, needs)[0].method


def reasons(facts: Facts, needs: Needs = Needs()) -> dict[tuple[str, str], int]:  # noqa: B008  frozen
    return {(one.method, one.name): one.weight for option in methods(facts, needs) for one in option.reasons}


def changed(**fields: Any) -> Facts:
    return dataclasses.replace(WHOLE, **fields)


@pytest.mark.parametrize(("train", "wanted"), [(3, "prompt"), (60, "fewshot"), (2_000, "finetune")])
def test_the_number_of_examples_leads_when_nothing_else_is_known(train: int, wanted: Method) -> None:
    assert first(changed(train=train, rarest=min(train // 2, 20))) == wanted


def test_facts_that_change_and_sources_lead_to_documents_whatever_the_data() -> None:
    option = methods(changed(train=2_000, rarest=900), Needs(sources=True, changes=True))[0]
    assert option.method == "retrieval"
    assert reasons(WHOLE, Needs(changes=True))["finetune", "changes"] < 0


def test_every_method_has_its_tab() -> None:
    assert {**GO} == {"prompt": "playground", "fewshot": "fewshot", "retrieval": "documents", "finetune": "training"}
    card = option_card(Words("ko"), methods(WHOLE, Needs(sources=True))[0], True)
    assert 'data-what="documents"' in card


def test_a_mix_is_offered_when_documents_and_another_both_have_reasons() -> None:
    option = methods(changed(train=60), Needs(sources=True))[0]
    assert (option.method, option.with_) == ("retrieval", "fewshot")


def test_what_was_measured_here_outweighs_the_rule_of_thumb() -> None:
    worse = changed(
        measured=(measured(1, 0, 0.8, 0.65, 0.9), measured(2, 4, 0.6, 0.44, 0.74)), verdict=verdict("worse")
    )
    assert first(worse) == "prompt"
    unclear = dataclasses.replace(worse, verdict=verdict("not_distinguishable"))
    assert reasons(unclear)["fewshot", "examples_unclear"] == 0


def test_a_curve_that_rises_speaks_for_more_examples_and_a_flat_one_for_training() -> None:
    rising = curve((0, 0.5, 0.5, 0.5), (4, 0.6, 0.55, 0.65), (8, 0.75, 0.7, 0.8))
    flat = curve((0, 0.7, 0.7, 0.7), (4, 0.71, 0.66, 0.75), (8, 0.7, 0.65, 0.74))
    assert reasons(changed(curve=rising))["fewshot", "curve_rising"] > 0
    assert (
        reasons(changed(curve=flat))["fewshot", "curve_flat"]
        < 0
        < reasons(changed(curve=flat))["finetune", "curve_flat"]
    )


def test_a_target_counts_as_met_only_by_the_whole_interval() -> None:
    best = changed(measured=(measured(1, 4, 0.85, 0.72, 0.93),))
    assert ("fewshot", "target_met") in reasons(best, Needs(target=0.7))
    assert ("fewshot", "target_met") not in reasons(best, Needs(target=0.8))
    assert reasons(best, Needs(target=0.95))["finetune", "target_far"] > 0


def test_a_large_model_is_not_trained_without_a_card() -> None:
    assert reasons(changed(parameters=7_000_000_000))["finetune", "no_gpu"] < 0
    assert reasons(changed(parameters=7_000_000_000, gpu_bytes=24_000_000_000))["finetune", "gpu"] > 0


def test_the_next_step_is_what_is_missing_first() -> None:
    zero, few = measured(1, 0, 0.6, 0.45, 0.74), measured(2, 4, 0.8, 0.65, 0.9)
    steps = [
        (Facts(), "bring"),
        (changed(split=False, train=0, unsplit=120), "split"),
        (changed(fits=0), "assistant"),
        (WHOLE, "measure"),
        (changed(measured=(zero,), where="dev"), "measure_test"),
        (changed(measured=(zero,), test=12), "more_test"),
        (changed(measured=(zero,)), "fewshot"),
        (changed(measured=(few, zero), verdict=verdict("better")), "method"),
    ]
    assert [next_step(facts, Needs()).name for facts, _ in steps] == [name for _, name in steps]
