"""The learning curve: sizes and draws, what it would cost, and where it is found again."""

from __future__ import annotations

from collections import Counter

import pytest

from backend.assistants import Examples, Selection
from backend.errors import BadInput, Refused
from backend.evaluation.identity import fingerprint
from backend.evaluation.values import Interval, Score
from backend.fewshot.curve import CurveExtent, bare, curve_from, curve_in, curve_of, plan_curve, start_curve
from backend.fewshot.curve_work import curve_candidates, method_of
from backend.fewshot.tried import BASE, Saying, Tried
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.settings import Settings
from tests.fewshot.trying import ONE, PLAIN, do, fill, kept, reviews, with_shots


def a_try(name: str, value: float) -> Tried:
    score = Score("accuracy", value, Interval(0, 1, "wilson"), 20)
    return Tried(name=name, about=Saying(key="search.tried.base"), round=1, examples=20, score=score)


def test_points_are_means_with_their_extent() -> None:
    tried = [a_try("n02-1", 0.9), a_try(BASE, 0.5), a_try("n02-2", 0.6), a_try("n01-1", 0.75)]
    curve = curve_from(tried, {BASE: 0, "n01-1": 1, "n02-1": 2, "n02-2": 2}, "balanced")
    told = [(one.shots, one.value, one.low, one.high, len(one.scores)) for one in curve.points]
    assert told == [(0, 0.5, 0.5, 0.5, 1), (1, 0.75, 0.75, 0.75, 1), (2, 0.75, 0.6, 0.9, 2)]
    assert (curve.metric, curve.n, curve.best.shots) == ("accuracy", 20, 1), "of equals the one with fewer examples"


def test_sizes_are_drawn_several_times_and_equal_draws_count_once() -> None:
    extent = CurveExtent(counts=(0, 4, 1, 2, 2, 99), samples=3)
    found = curve_candidates(with_shots(PLAIN, ONE), reviews()[:30], extent)
    assert found[0].assistant == PLAIN and found[0].name == BASE
    assert Counter(len(one.assistant.examples.shots) for one in found) == {0: 1, 1: 3, 2: 3, 4: 3}
    assert len({one.assistant.model_dump_json() for one in found}) == len({one.name for one in found}) == 10
    few = curve_candidates(PLAIN, reviews()[:1], CurveExtent(counts=(1, 2), samples=5))
    assert [one.name for one in few] == [BASE, "n01-1"]


def test_sets_are_drawn_as_the_assistant_draws() -> None:
    pool = reviews()[:30]
    assert method_of(PLAIN, pool) == "balanced"
    assert method_of(PLAIN, [one.model_copy(update={"output": str(at)}) for at, one in enumerate(pool)]) == "random"
    chosen = PLAIN.model_copy(update={"examples": Examples(selection=Selection(method="diverse"))})
    assert method_of(chosen, pool) == "diverse"
    near = PLAIN.model_copy(update={"examples": Examples(selection=Selection(method="nearest_bm25"))})
    found = curve_candidates(near, pool, CurveExtent(counts=(1, 2), samples=3))
    told = [one.assistant.examples.selection for one in found[1:]]
    assert [(one.count, one.order) for one in told if one] == [(1, "nearest_last"), (2, "nearest_last")], "one pool"


def test_what_it_costs_and_what_is_missing_is_said(project: Project, resting: Runs) -> None:
    with pytest.raises(Refused, match="search_no_task"):
        plan_curve(project, PLAIN)
    fill(project, 9, 20)
    plan = plan_curve(project, PLAIN, CurveExtent(counts=(0, 1, 2, 4, 8, 16), samples=2, examples=15))
    assert (plan.candidates, plan.examples, plan.answers) == (8, 15, 9 * 15), "16 are more than there are"
    with pytest.raises(BadInput, match="search_no_shots"):
        start_curve(resting, project, PLAIN, CurveExtent(counts=(0,)))


def test_the_practice_model_has_a_curve(project: Project, resting: Runs, settings: Settings) -> None:
    fill(project, 30, 16)
    base, extent = with_shots(PLAIN, ONE), CurveExtent(counts=(0, 1, 4), samples=2, examples=12)
    run = start_curve(resting, project, base, extent)
    state = do(run, settings).state()
    assert (state.done, state.total) == (60, 60) == (len(kept(project)), 60)
    curve = curve_in(run)
    assert curve is not None and (curve.method, curve.n) == ("balanced", 12)
    assert [(one.shots, len(one.scores)) for one in curve.points] == [(0, 1), (1, 2), (4, 2)]
    assert all(one.low <= one.value <= one.high for one in curve.points)
    host = ModelHost(settings, Endpoints(settings.home))
    for one in (base, bare(base)):
        assert curve_of(project, fingerprint(one, host.where)) == curve
    host.close()
    assert curve_of(project, "0" * 32) is None
    plan = plan_curve(project, base, extent)
    assert plan.seconds is not None and 0 < plan.seconds < 600
