"""What the searches draw: the cost before, and afterwards what was tried, the band, the curve. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from backend.evaluation.values import Score
from backend.fewshot.curve import Curve
from backend.fewshot.outcome import SearchOutcome
from backend.fewshot.planning import SearchPlan
from backend.fewshot.sensitivity import Band
from backend.fewshot.tried import Saying, Tried
from backend.jobs.run import Run
from tabs import widgets
from tabs.text import Words

SHOWN = 6
"""Candidates that are shown at once; the best stand first."""


def said(words: Words, saying: Saying) -> str:
    """What a candidate is, in words; one that another studio tried and ours has no words for, by its plain name."""
    return words.t(saying.key, **saying.details) if words.has(saying.key) else saying.key.rpartition(".")[2]


def fault_view(told: str) -> str:
    return f'<p class="bd-fault">△ {escape(told)}</p>'


def plan_view(words: Words, plan: SearchPlan) -> str:
    """What it costs, before it starts."""
    t = words.t
    told = t("build.plan", candidates=plan.candidates, answers=plan.answers, examples=plan.examples)
    time = t("build.plan_no_time") if plan.seconds is None else t("build.plan_time", seconds=plan.seconds)
    return f'<p class="bd-plan">{escape(told)} {escape(time)}</p>'


def search_view(
    words: Words, run: Run, outcome: SearchOutcome | None, tried: Sequence[Tried], skipped: Sequence[Saying] = ()
) -> str:
    """The verdict first, then every candidate, the best marked, and the caution that belongs to the best of many."""
    t = words.t
    if outcome is None:
        return ""
    rows = [tried_row(words, one, one.name == outcome.best.name) for one in tried]
    heads = (t("build.tried"), t("build.tried_score"), t("build.tried_answers"))
    shown, rest = rows[:SHOWN], rows[SHOWN:]
    verdict = outcome.verdict(t("build.base_row"), said(words, outcome.best.about))
    told = t(verdict.key, **verdict.details) if verdict else t("build.nothing_better")
    left_out = "".join(f"<li>{escape(said(words, one))}</li>" for one in skipped)
    save = widgets.action(t("build.save_best"), "save_best", run.id, kind="primary") if outcome.better else ""
    return (
        f'<p class="bd-verdict">{escape(told)}</p>'
        f"{widgets.table(heads, shown, css='bs-tried')}{folded(words, heads, rest)}"
        f'<p class="bd-told">{escape(t("build.optimistic"))}</p>'
        + (f'<ul class="bs-skipped">{left_out}</ul>' if left_out else "")
        + f'<div class="acts">{save}</div>'
    )


def folded(words: Words, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """The rest of a long table, opened on demand."""
    if not rows:
        return ""
    told = escape(words.t("build.more_tried", count=len(rows)))
    return f'<details class="bs-more"><summary>{told}</summary>{widgets.table(heads, rows, css="bs-tried")}</details>'


def tried_row(words: Words, one: Tried, best: bool) -> tuple[str, str, str]:
    t = words.t
    name = t("build.base_row") if one.base else said(words, one.about)
    mark = f' <span class="tag">{escape(t("build.best"))}</span>' if best else ""
    return f"{escape(name)}{mark}", score_cell(words, one.score), f"{one.examples:,}"


def score_cell(words: Words, score: Score) -> str:
    """A score with its interval as a bar, of a hundred."""
    return range_bar(words, score.interval.low, score.value, score.interval.high)


def range_bar(words: Words, low: float, value: float, high: float) -> str:
    """low..high as a band with the value as a tick in it, on a scale from 0 to 100, and the same in figures."""
    at, end, tick = (round(100 * max(0.0, min(1.0, one)), 1) for one in (low, high, value))
    told = words.t("build.range", value=round(100 * value), low=round(100 * low), high=round(100 * high))
    return (
        f'<span class="bs-range" aria-hidden="true"><i style="left:{at}%;width:{max(0.6, end - at):.1f}%"></i>'
        f'<b style="left:{tick}%"></b></span><span class="bs-figure">{escape(told)}</span>'
    )


def band_view(words: Words, band: Band) -> str:
    """The band in a sentence, then what each change alone does."""
    t = words.t
    figures = {name: round(100 * getattr(band, name)) for name in ("low", "high", "median", "value")}
    rows: list[tuple[str, str]] = [
        (escape(t(f"build.by_{by}")), range_bar(words, low, band.value, high)) for by, (low, high) in band.by.items()
    ]
    rows += [
        (escape(said(words, one.about)), score_cell(words, one.score))
        for one in sorted(band.variants, key=lambda one: one.score.value)
        if one.by is not None
    ]
    told = t("build.band_result", n=band.n, **figures)
    first = len(band.by)
    few, rest = rows[:first], rows[first:]
    heads = (t("build.variant"), t("build.score"))
    more = folded(words, heads, rest)
    return f'<p class="bd-verdict">{escape(told)}</p>{measured(words, t("build.variant"), few)}{more}'


def curve_view(words: Words, curve: Curve) -> str:
    """One line per number of examples: the mean of its draws within their lowest and highest; "" without any."""
    t = words.t
    if not curve.points:
        return ""
    rows = [
        (escape(t("build.shots_count", count=one.shots)), range_bar(words, one.low, one.value, one.high))
        for one in curve.points
    ]
    best = curve.best
    told = t("build.curve_result", count=best.shots, value=round(100 * best.value), n=curve.n)
    return f'<p class="bd-verdict">{escape(told)}</p>{measured(words, t("build.curve_shots"), rows)}'


def measured(words: Words, what: str, rows: Iterable[tuple[str, str]]) -> str:
    return widgets.table((what, words.t("build.score")), rows, css="bs-measured")
