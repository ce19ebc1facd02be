"""The table of ways of searching, and what it says in plain words. Pure functions."""

from __future__ import annotations

from html import escape
from typing import Final

from backend.documents.measuring.comparing import mean_of, verdicts_of
from backend.documents.measuring.measuring import Measured, Row
from backend.evaluation.values import Interval, Verdict
from tabs import widgets
from tabs.text import Words

SMALL: Final = 30
"""Fewer questions tell hardly anything apart, and the page says so."""


def nothing_view(words: Words) -> str:
    button = widgets.action(words.t("measure.to_files"), "to_files", kind="primary")
    return widgets.empty(words.t("measure.nothing"), words.t("measure.nothing_hint")) + f'<p class="acts">{button}</p>'


def measured_view(words: Words, told: Measured, *, outdated: bool) -> str:
    """Best first by nDCG, every figure with its interval; then what can be said, then what it rests on."""
    t = words.t
    best_first = sorted((row for row in told.rows if row.ndcg), key=lambda row: -mean_of(row.ndcg)[0])
    failed = [row for row in told.rows if not row.ndcg]
    heads = [t("measure.col_way"), t("measure.recall_at", k=told.k), t("measure.ndcg"), t("measure.mrr")]
    cells = [_cells(words, row, told.k) for row in best_first]
    cells += [[_way(words, row), _fault(words, row), "", ""] for row in failed]
    lines = [t("measure.based", n=len(told.questions), when=words.when(told.when))]
    if told.left_out:
        lines.append(t("measure.left_out", count=len(told.left_out)))
    if len(told.questions) < SMALL:
        lines.append(t("measure.few", few=SMALL))
    if outdated:
        lines.insert(0, t("measure.outdated"))
    under = "".join(f'<p class="note">{escape(line)}</p>' for line in lines)
    return _verdicts(words, best_first) + widgets.table(heads, cells, css="dr-table") + under + _meanings(words, told.k)


def _verdicts(words: Words, rows: list[Row]) -> str:
    if len(rows) < 2:
        return ""
    found = verdicts_of([(words.t(f"measure.way_{row.way}"), row.ndcg) for row in rows])
    lead = f'<p class="dr-lead">{escape(sentence(words, found[0, 1]))}</p>'
    others = "".join(f"<li>{escape(sentence(words, one))}</li>" for pair, one in found.items() if pair != (0, 1))
    more = f"<details><summary>{escape(words.t('measure.pairs'))}</summary><ul>{others}</ul></details>"
    return lead + (more if others else "")


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
    return f"<b>{hundred(value)}</b> <small>{told}</small>{_track(value, interval)}"


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
