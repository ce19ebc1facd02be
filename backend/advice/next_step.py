"""The one next step of a project: what is missing first, and once nothing is, the method that fits best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from backend.advice.facts import Facts
from backend.advice.methods import GO, Option, methods
from backend.advice.needs import Needs

FEW_TEST: Final = 30
"""Below this a 95 % interval of a share is wider than a third of the scale."""


@dataclass(frozen=True)
class Step:
    """Words under advice.step.<name>, .why and .button; `go` names the tab."""

    name: str
    go: str
    details: Mapping[str, object] = field(default_factory=dict)
    option: Option | None = None


def next_step(facts: Facts, needs: Needs) -> Step:
    """What this project needs most now."""
    if not facts.total or facts.task is None:
        return Step("bring", "fewshot")
    if not facts.split:
        return Step("split", "fewshot", {"count": facts.total})
    if not facts.fits:
        return Step("assistant", "fewshot", {"count": facts.train})
    if not facts.measured:
        return Step("measure", "evaluation", {"count": facts.test or facts.dev})
    if facts.where == "dev":
        return Step("measure_test", "evaluation", {"count": facts.test})
    if facts.test < FEW_TEST:
        return Step("more_test", "fewshot", {"count": facts.test, "wanted": FEW_TEST})
    if facts.shown is None and facts.train:
        return Step("fewshot", "fewshot", {"count": facts.train})
    best = methods(facts, needs)[0]
    return Step("method", GO[best.method], {}, best)
