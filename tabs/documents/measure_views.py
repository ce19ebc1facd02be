"""The table of ways of searching, and what it says in plain words. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from backend.documents.measuring.comparing import PROOF, TOO_FEW, mean_of, verdicts_of
from backend.documents.measuring.measuring import Measured, Row
from backend.evaluation.values import Interval, Verdict
from tabs import widgets
from tabs.text import Words

SMALL: Final = 30
"""Fewer questions tell hardly anything apart, and the page says so."""


def nothing_view(words: Words) -> str:
    button = widgets.action(words.t("measure.to_files"), "to_files", kind="primary")
    return widgets.empty(words.t("measure.nothing"), words.t("measure.nothing_hint")) + f'<p class="acts">{button}</p>'


def stale_view(words: Words) -> str:
    return f'<p class="dr-warn">{escape(words.t("measure.outdated"))}</p>'


def measured_view(words: Words, told: Measured, now: str | None = None) -> str:
    """What can be said and what weakens it; then every way, best first by nDCG, each figure with its interval.

    now  the way that the playground's assistant searches, if any
    """
    t = words.t
    best_first = sorted((row for row in told.rows if row.ndcg), key=lambda row: -mean_of(row.ndcg)[0])
    failed = [row for row in told.rows if not row.ndcg]
    heads = [t("measure.col_way"), t("measure.recall_at", k=told.k), t("measure.ndcg"), t("measure.mrr")]
    cells = [_cells(words, row, told.k) for row in best_first]
    cells += [[_way(words, row), _fault(words, row), "", ""] for row in failed]
    table = widgets.table(heads, cells, css="dr-table")
    return _verdict(words, told, best_first, now) + table + _meanings(words, told.k)


def _verdict(words: Words, told: Measured, rows: list[Row], now: str | None) -> str:
    """Which way stands first, how far it gets, and whether that can be relied on."""
    if not rows:
        return ""
    t, best = words.t, rows[0]
    value, interval = mean_of(best.values("recall", told.k))
    sure: dict[str, object] = {"low": hundred(interval.low), "high": hundred(interval.high)}
    lines = [t("measure.reaches", k=told.k, found=hundred(value), **sure)]
    found = verdicts_of([(t(f"measure.way_{row.way}"), row.ndcg) for row in rows])
    settled = False
    if len(rows) > 1:
        lines.append(sentence(words, found[0, 1]))
        settled = found[0, 1].outcome in ("better", "worse")
    lead = _lead(words, rows, settled=settled)
    told_lines = "".join(f"<p>{escape(line)}</p>" for line in lines)
    weak = "".join(f'<p class="dr-caveat">{escape(line)}</p>' for line in caveats(words, told))
    use = widgets.action(t("measure.use_way"), "use_way", best.way) if now not in (None, best.way) else ""
    body = f'<p class="dr-lead">{escape(lead)}</p>{told_lines}{weak}{_pairs(words, found)}'
    return f'<section class="dr-verdict{"" if settled else " dr-open"}"><div>{body}</div>{use}</section>'


def _lead(words: Words, rows: list[Row], *, settled: bool) -> str:
    """Which way stands first, and no more than is known: several when their figures are the same."""
    names = [
        words.t("measure.quoted", way=words.t(f"measure.way_{row.way}")) for row in rows if row.ndcg == rows[0].ndcg
    ]
    if len(names) > 1:
        return words.t("measure.first_same", ways=", ".join(names))
    return words.t("measure.first" if settled or len(rows) == 1 else "measure.first_unsure", way=names[0])


def caveats(words: Words, told: Measured) -> list[str]:
    """What the figures rest on, and what makes them less than they seem."""
    t, n = words.t, len(told.questions)
    lines = [t("measure.based", n=n, when=words.when(told.when))]
    if told.left_out:
        lines.append(t("measure.left_out", count=len(told.left_out)))
    if PROOF <= n < SMALL:
        lines.append(t("measure.few", few=SMALL))
    if 2 * told.model_written > n:
        lines.append(t("measure.by_model", count=told.model_written, n=n))
    return lines


def _pairs(words: Words, found: Mapping[tuple[int, int], Verdict]) -> str:
    """The other pairs; of too few questions each would say the same once more."""
    others = [one for pair, one in found.items() if pair != (0, 1) and one.key != TOO_FEW]
    lines = "".join(f"<li>{escape(sentence(words, one))}</li>" for one in others)
    return f"<details><summary>{escape(words.t('measure.pairs'))}</summary><ul>{lines}</ul></details>" if others else ""


def sentence(words: Words, verdict: Verdict) -> str:
    return words.t(verdict.key, **verdict.details)


def _cells(words: Words, row: Row, k: int) -> list[str]:
    return [_way(words, row), *(figure(words, row.values(measure, k)) for measure in ("recall", "ndcg", "mrr"))]


def _way(words: Words, row: Row) -> str:
    about = escape(words.t(f"measure.about_{row.way}"))
    return f"<b>{escape(words.t(f'measure.way_{row.way}'))}</b><small>{about}</small>"


def _fault(words: Words, row: Row) -> str:
    key = row.error_key or "common.bug"
    return f'<small class="dc-bad">{escape(words.t(key, **row.error_details) if words.has(key) else key)}</small>'


def figure(words: Words, values: tuple[float, ...]) -> str:
    """The mean with its interval, in figures and drawn."""
    value, interval = mean_of(values)
    low, high = hundred(interval.low), hundred(interval.high)
    told = escape(words.t("measure.interval", low=low, high=high))
    return f'<div class="dr-figure"><b>{hundred(value)}</b>{_track(value, interval)}<small>{told}</small></div>'


def hundred(value: float) -> str:
    """0.864 -> "86.4", 0.86 -> "86"."""
    return f"{100 * value:.1f}".removesuffix(".0")


def _track(value: float, interval: Interval) -> str:
    width = 100 * (interval.high - interval.low)
    return (
        '<span class="cp-track" aria-hidden="true">'
        f'<i class="cp-whisker" style="left:{100 * interval.low:.2f}%;width:{width:.2f}%"></i>'
        f'<i class="cp-point" style="left:{100 * value:.2f}%"></i></span>'
    )


def _meanings(words: Words, k: int) -> str:
    t = words.t
    terms = [(t("measure.recall_at", k=k), t("measure.about_recall", k=k))]
    terms += [(t("measure.ndcg"), t("measure.about_ndcg")), (t("measure.mrr"), t("measure.about_mrr"))]
    told = "".join(f"<dt>{escape(name)}</dt><dd>{escape(about)}</dd>" for name, about in terms)
    return f'<details class="cp-about"><summary>{escape(t("measure.meanings"))}</summary><dl>{told}</dl></details>'
