"""Where a project stands, drawn: what is there, what is not, and the way on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.advice.facts import Facts, Measured
from backend.advice.methods import methods
from backend.advice.needs import Needs
from backend.advice.next_step import next_step
from backend.evaluation.values import Interval, Score
from backend.examples.task import Task
from tabs.advice_views import methods_view, standing_view, step_view
from tabs.text import Words

KO, EN = Words("ko"), Words("en")
TASK = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")
WHOLE = Facts(task=TASK, train=60, dev=20, test=40, labels=2, rarest=28, split=True, assistants=2, fits=2)
BEST = Measured(7, "<b>영화평</b>", 2, 4, Score("accuracy", 0.8, Interval(0.652, 0.895, "wilson"), 40))


@pytest.mark.parametrize("words", [KO, EN])
def test_an_empty_project_says_what_to_bring(words: Words) -> None:
    assert words.t("standing.no_data") in standing_view(words, Facts(), 0)
    step = step_view(words, next_step(Facts(), Needs()))
    assert words.t("advice.step.bring") in step and 'data-what="fewshot"' in step


def test_the_best_stands_there_with_its_interval_and_its_name_as_text() -> None:
    drawn = standing_view(KO, replace(WHOLE, measured=(BEST,)), 1)
    assert "80 (65–90)" in drawn and "&lt;b&gt;영화평" in drawn and "<b>영화평" not in drawn
    assert KO.t("standing.running_count", count=1) in drawn


@pytest.mark.parametrize("words", [KO, EN])
@pytest.mark.parametrize("needs", [Needs(), Needs(sources=True, changes=True, quick=True, private=True, target=0.95)])
def test_every_reason_has_its_sentence_in_both_languages(words: Words, needs: Needs) -> None:
    for facts in (WHOLE, replace(WHOLE, train=3, measured=(BEST,)), replace(WHOLE, train=900, rarest=400, labels=50)):
        drawn = methods_view(words, methods(facts, needs))
        assert "advice." not in drawn and "{" not in drawn
        assert step_view(words, next_step(replace(facts, measured=(BEST,)), needs)).count("<p>") == 1
