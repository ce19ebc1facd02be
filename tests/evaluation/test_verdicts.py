"""A verdict says what the data carries, and nothing more."""

import json
import string
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.evaluation.statistics import paired
from backend.evaluation.values import Difference, ExampleScore, Outcome, Parsed
from backend.evaluation.verdicts import family, outcome_of, verdict

LOCALE = Path(__file__).resolve().parents[2] / "assets" / "locale"
READ = Parsed("x", "metrics.rule.text")


def shares(right: int, n: int) -> list[ExampleScore]:
    return [ExampleScore(READ, {"accuracy": float(place < right)}) for place in range(n)]


def told(language: str, difference: Difference, names: tuple[str, str] = ("A", "B")) -> str:
    said = verdict(difference, names)
    words = json.loads((LOCALE / language / "metrics.json").read_text(encoding="utf-8"))
    return str(words[said.key]).format(**said.details)


def sure(low: float = 0.03, high: float = 0.11, p: float = 0.001) -> Difference:
    return Difference((low + high) / 2, low, high, p, "mcnemar", 300, None, 4, 25)


@pytest.mark.parametrize(
    ("difference", "outcome"),
    [
        (sure(), "better"),
        (sure(-0.11, -0.03), "worse"),
        (replace(sure(), p=0.2), "not_distinguishable"),  # the interval alone is not enough
        (replace(sure(), p_corrected=0.06), "not_distinguishable"),  # nor the test before correction
        (replace(sure(), low=-0.001), "not_distinguishable"),  # nor the test alone
        (sure(0.0, 0.08), "not_distinguishable"),
        (sure(-0.015, 0.019, 0.8), "equivalent"),
        (sure(-0.015, 0.021, 0.8), "not_distinguishable"),
        (sure(0.004, 0.018, 0.02), "better"),
        (Difference(0.0, -1.0, 1.0, 1.0, "permutation", 0), "not_distinguishable"),
    ],
)
def test_better_needs_the_corrected_test_and_the_interval(difference: Difference, outcome: Outcome) -> None:
    assert outcome_of(difference) == outcome
    assert verdict(difference, ("A", "B")).outcome == outcome


def test_sentences_in_english() -> None:
    assert told("en", sure()) == "B is better than A: between 3 and 11 of 100 answers more are right."
    assert told("en", sure(-0.11, -0.03)) == "A is better than B: between 3 and 11 of 100 answers more are right."
    assert told("en", sure(0.0004, 0.006)).startswith("B is better than A: between 0.1 and 0.6 of 100")
    points = replace(sure(), test="permutation", a_only=None, b_only=None)
    assert told("en", points) == "B is better than A: by 3 to 11 of 100 points."
    small = paired("accuracy", shares(22, 40), shares(27, 40))
    assert told("en", small).startswith("A and B are not distinguishable with 40 examples; about ")
    nothing = Difference(0.0, -1.0, 1.0, 1.0, "mcnemar", 0, None, 0, 0)
    assert "no example" in told("en", nothing)


def test_sentences_in_korean() -> None:
    assert told("ko", sure(), ("기본", "예시 8개")).startswith("‘예시 8개’ 쪽이 ‘기본’보다 낫습니다.")
    assert "3~11개" in told("ko", sure())
    assert "둘은 똑같이 잘합니다" in told("ko", sure(-0.015, 0.019, 0.8))


def test_every_sentence_has_its_details() -> None:
    every = [
        sure(),
        replace(sure(), test="permutation"),
        sure(-0.015, 0.019, 0.8),
        replace(sure(-0.015, 0.019, 0.8), test="permutation"),
        replace(sure(), test="fisher"),
        paired("accuracy", shares(22, 40), shares(27, 40)),
        paired("accuracy", shares(22, 40), shares(22, 40)),
        paired("accuracy", [], []),
    ]
    keys = {verdict(one, ("A", "B")).key for one in every}
    for language in ("ko", "en"):
        words = json.loads((LOCALE / language / "metrics.json").read_text(encoding="utf-8"))
        assert {key for key in words if key.startswith("verdict.")} == keys
        for one in every:
            said = verdict(one, ("A", "B"))
            fields = {name for _, name, _, _ in string.Formatter().parse(words[said.key]) if name}
            assert fields <= {name for name, value in said.details.items() if value is not None}


def test_what_would_settle_it_is_more_than_there_is() -> None:
    """5 of 40 against none: exact McNemar's p is 0.0625, close to a verdict."""
    close = paired("accuracy", shares(22, 40), shares(27, 40))
    said = verdict(close, ("A", "B"))
    assert close.p == pytest.approx(0.0625)
    assert said.needed is not None
    assert 40 < said.needed < 150
    assert said.needed == said.details["needed"]
    equal = verdict(paired("accuracy", shares(22, 40), shares(22, 40)), ("A", "B"))
    assert (equal.outcome, equal.needed) == ("not_distinguishable", None)
    assert verdict(sure(), ("A", "B")).needed is None


def test_a_family_is_corrected_for_all_its_pairs() -> None:
    drawn = np.random.default_rng(2)
    rows = [
        (name, [ExampleScore(READ, {"accuracy": float(one)}) for one in drawn.random(200) < right])
        for name, right in (("good", 0.9), ("fair", 0.7), ("also fair", 0.7))
    ]
    said = family("accuracy", rows)
    assert set(said) == {(0, 1), (0, 2), (1, 2)}
    assert said[0, 1].outcome == said[0, 2].outcome == "worse"
    assert said[0, 1].details["better"] == "good"
    alone = paired("accuracy", rows[0][1], rows[1][1])
    assert said[0, 1].difference.p == alone.p
    assert said[0, 1].difference.p_corrected in (pytest.approx(3 * alone.p), pytest.approx(2 * alone.p))
    assert said[1, 2].outcome == "not_distinguishable"
    assert family("accuracy", rows[:1]) == {}
    assert family("accuracy", []) == {}
