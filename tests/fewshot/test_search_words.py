"""What searches say has words in both languages, with every place filled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from backend.assistants import Assistant, Examples, Instructions, Method, Selection
from backend.evaluation.values import Interval, Score
from backend.examples.task import Task
from backend.fewshot.candidates import Budget, shot_candidates
from backend.fewshot.formats import format_changes
from backend.fewshot.outcome import SearchOutcome, note_of
from backend.fewshot.sensitivity import By
from backend.fewshot.tried import BASE, Saying, Tried
from backend.fewshot.variants import variants
from backend.settings import ASSETS
from tests.fewshot.trying import ONE, PLAIN, TASK, reviews, with_shots


def words(language: str) -> dict[str, str]:
    parts: list[Path] = sorted((ASSETS / "locale" / language).glob("*.json"))
    return {key: text for part in parts for key, text in json.loads(part.read_text("utf-8")).items()}


def said() -> list[Saying]:
    pool = reviews()[:30]
    ways: tuple[Method, ...] = tuple(method for method in get_args(Method) if method != "by_hand")
    found = [
        one.about for one in shot_candidates(with_shots(PLAIN, ONE), pool, 60, Budget(counts=(2, 3), methods=ways))
    ]
    english = Task(kind="classification", labels=("a", "bc"))
    for template in ("Text: {input}\n\nLabel:", "{input}"):
        assistant = Assistant(instructions=Instructions(template=template))
        found += [change.about for change in format_changes(assistant, english, "en")]
    near = Examples(shots=tuple(one.shot() for one in pool), selection=Selection(method="mixed", order="as_listed"))
    for base in (with_shots(PLAIN, *near.shots[:4]), PLAIN.model_copy(update={"examples": near})):
        found += [one.about for one in variants(base, TASK, pool, "ko", 20, 0)]
    return found


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_description_has_words(language: str) -> None:
    known, sayings = words(language), said()
    ways = {f"search.tried.{method}" for method in get_args(Method) if method != "by_hand"}
    assert ways <= {one.key for one in sayings}
    assert len({one.key for one in sayings}) > 25
    for one in sayings:
        assert "{" not in known[one.key].format(**one.details), one
    for kind in get_args(By):
        assert known[f"sensitivity.by.{kind}"]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_saved_version_notes_what_was_tried_and_the_caution(language: str) -> None:
    known = words(language)

    def tell(key: str, details: object) -> str:
        assert isinstance(details, dict)
        return known[key].format(**details)

    def tried(name: str, key: str, value: float, **details: int) -> Tried:
        score = Score("accuracy", value, Interval(value - 0.08, value + 0.07, "wilson"), 131)
        return Tried(name=name, about=Saying(key=key, details=dict(details)), round=1, examples=131, score=score)

    best = tried("c03", "search.tried.balanced", 0.81, count=4, draw=2)
    outcome = SearchOutcome(
        best=best, base=tried(BASE, "search.tried.base", 0.63), difference=None, tried=16, answers=580
    )
    note = note_of(outcome, best, tell)
    for figure in ("81", "73", "88", "131", "63", "16", "580"):
        assert figure in note
    assert known["search.caution"].format(tried=16) in note and "{" not in note
