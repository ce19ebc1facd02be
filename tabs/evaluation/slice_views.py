"""Results by slice, gaps between groups, and what swapped words changed, as HTML. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from backend.evaluation.bias import Gap, Gaps, Swapped, SwapResult
from backend.evaluation.comparison import Comparison
from backend.evaluation.slices import GROUP, Slice
from backend.evaluation.values import Score, Verdict
from tabs import widgets
from tabs.evaluation import marks
from tabs.evaluation.board import signed
from tabs.text import Words


def way(words: Words, by: str) -> str:
    """What a cut is called in the picker."""
    if by.startswith(GROUP):
        return words.t("compare.by_group", name=by.removeprefix(GROUP))
    return words.t(f"compare.by_{by}")


def slice_name(words: Words, by: str, name: str) -> str:
    if not name:
        return words.t("compare.slice_none")
    if by == "language" and words.has(f"compare.language_{name}"):
        return words.t(f"compare.language_{name}")
    if by == "length":
        low, _, high = name.partition("-")
        return words.t("compare.slice_length", low=low, high=high)
    return name


def slices_view(words: Words, comparison: Comparison, by: str, found: Sequence[Slice], gaps: Gaps) -> str:
    """A row per slice and a column per assistant; below it the gaps, which say what may be concluded."""
    if len(found) < 2:
        return widgets.empty(words.t("compare.no_slices"), words.t("compare.no_slices_hint"))
    names = [row.name for row in comparison.rows[: len(comparison.scores)]]
    heads = [(words.t("compare.col_slice"), ""), (words.t("compare.col_n"), words.t("compare.about_n"))]
    heads += [(name, words.t("compare.about_quality")) for name in names]
    rows = [
        [f"<b>{escape(slice_name(words, by, one.name))}</b>", f"{one.n:,}", *map(score_cell, one.scores)]
        for one in found
    ]
    return marks.grid(heads, rows, "cp-slices") + gaps_view(words, by, names, gaps)


def score_cell(score: Score) -> str:
    if not score.n:
        return "–"
    told = f"{marks.hundred(score.interval.low)}–{marks.hundred(score.interval.high)}"
    drawn = marks.whiskers(score.value, score.interval)
    return f'<span class="cp-figure">{marks.hundred(score.value)}</span><small>{told}</small>{drawn}'


def gaps_view(words: Words, by: str, names: Sequence[str], gaps: Gaps) -> str:
    """A row per pair of groups, a column per assistant: all assistants have the same pairs."""
    t = words.t
    small = ", ".join(slice_name(words, by, name) for name in gaps.too_small)
    left_out = marks.note(t("compare.gap_small", names=small)) if small else ""
    rows = [
        [f"<b>{escape(gap_name(words, by, of_all[0]))}</b>", *(gap_cell(words, one.verdict) for one in of_all)]
        for of_all in zip(*gaps.rows, strict=True)
    ]
    if not rows:
        return left_out
    heads = [(t("compare.gap"), ""), *((name, t("compare.about_gap")) for name in names)]
    title = f"<h3>{escape(t('compare.gap'))}</h3>{marks.note(t('compare.gap_note'))}"
    return title + marks.grid(heads, rows, "cp-gaps") + left_out


def gap_name(words: Words, by: str, gap: Gap) -> str:
    other = slice_name(words, by, gap.other) if gap.other else words.t("compare.gap_rest")
    return words.t("compare.gap_cell", high=slice_name(words, by, gap.group), low=other)


def gap_cell(words: Words, verdict: Verdict) -> str:
    """The difference with its interval; whether it says anything is told in words first."""
    one, shown = verdict.difference, verdict.outcome in ("better", "worse")
    tag = f'<span class="tag">{escape(words.t("compare.gap_some" if shown else "compare.gap_none"))}</span>'
    figures = words.t("compare.gap_interval", low=signed(one.low), high=signed(one.high))
    return f"{tag}<small>{escape(figures)}</small>{marks.gap_whiskers(one.value, one.low, one.high)}"


def swapped_view(words: Words, result: SwapResult | None, pairs: Sequence[tuple[str, str]]) -> str:
    """Share of the answers that changed, and the difference in score, per assistant; a few changed pairs as proof."""
    t = words.t
    if result is None or not pairs:
        return widgets.empty(t("compare.swap_empty"), t("compare.swap_empty_hint"))
    told = " · ".join(f"{one} ↔ {two}" for one, two in pairs)
    lead = marks.note(t("compare.swap_of", pairs=told, count=len(result.pairs)))
    heads = [(t("compare.col_assistant"), ""), (t("compare.col_n"), t("compare.about_n"))]
    heads += [(t(f"compare.col_{name}"), t(f"compare.about_{name}")) for name in ("changed", "difference")]
    rows = [swapped_row(words, row) for row in result.rows]
    return lead + marks.grid(heads, rows, "cp-gaps") + "".join(proof(words, result, row) for row in result.rows)


def swapped_row(words: Words, row: Swapped) -> list[str]:
    waiting = f'<small class="cp-warn">{escape(words.t("compare.missing", count=row.missing))}</small>'
    first = [f"<b>{escape(row.name)}</b>", f"{row.n:,}{waiting if row.missing else ''}"]
    if not row.n or row.verdict is None:
        return [*first, "–", "–"]
    told = f"{marks.hundred(row.interval.low)}–{marks.hundred(row.interval.high)}"
    changed = f'<span class="cp-figure">{marks.hundred(row.changed)}</span><small>{told}</small>'
    drawn = marks.whiskers(row.changed, row.interval)
    return [*first, changed + drawn, gap_cell(words, row.verdict)]


def proof(words: Words, result: SwapResult, row: Swapped) -> str:
    """The first few inputs whose answer changed, folded away."""
    if not row.examples:
        return ""
    title = words.t("compare.swap_proof", name=row.name, count=len(row.examples))
    listed = "".join(
        f"<li>{escape(one.text()[:200])}<br><small>→ {escape(other.text()[:200])}</small></li>"
        for one, other in (result.pairs[place] for place in row.examples[:5])
    )
    return f'<details class="cp-about"><summary>{escape(title)}</summary><ul>{listed}</ul></details>'
