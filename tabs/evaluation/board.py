"""The leaderboard as HTML, and the marks of the scatter. Pure functions of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from backend.evaluation.comparison import Comparison, Row
from backend.evaluation.perplexity import ENDPOINT
from backend.evaluation.values import Score, Verdict
from tabs.evaluation import marks, naming
from tabs.evaluation.choice import Cost
from tabs.plots import Mark
from tabs.text import Words


@dataclass(frozen=True)
class Beside:
    """What is known of an assistant besides its answers: its sensitivity (low, high), and whether its model is gone."""

    band: tuple[float, float] | None = None
    gone: bool = False


def board_view(words: Words, comparison: Comparison, beside: Mapping[int, Beside]) -> str:
    """Best first, each with its interval drawn, what it cost, and how it stands against the best."""
    t = words.t
    heads = [(t(f"compare.col_{name}"), t(f"compare.about_{name}")) for name in ("assistant", "quality", "against")]
    heads += [(t(f"compare.col_{name}"), t(f"compare.about_{name}")) for name in ("n", "latency", "tokens")]
    heads += [(t(f"compare.col_{name}"), t(f"compare.about_{name}")) for name in ("memory", "making")]
    against: list[Verdict | None] = [None, *comparison.verdicts, *([None] * len(comparison.rows))]
    asked = any(row.perplexity is not None for row in comparison.rows)
    several = len(comparison.scores) > 1
    rows = [
        board_row(words, row, beside.get(row.saved.id, Beside()), verdict, place == 0 and several, asked)
        for place, (row, verdict) in enumerate(zip(comparison.rows, against, strict=False))
    ]
    metrics = [comparison.metric, *comparison.rows[0].others]
    terms = [(naming.metric(words, name), naming.about_metric(words, name)) for name in metrics]
    about = [*terms, *heads[1:], (t("compare.col_band"), t("compare.about_band"))]
    about.append((t("compare.col_unreadable"), t("compare.about_unreadable")))
    about += [(t("compare.perplexity_name"), t("compare.about_perplexity"))] if asked else []
    return marks.grid(heads, rows, "cp-board", marks.glossary(t("compare.meanings"), about))


def board_row(
    words: Words, row: Row, beside: Beside, verdict: Verdict | None, best: bool, perplexity: bool = False
) -> list[str]:
    return [
        assistant_cell(words, row, beside.gone),
        quality_cell(words, row, beside.band, perplexity),
        against_cell(words, verdict, best),
        counts_cell(words, row),
        latency_cell(words, row),
        tokens_cell(words, row),
        escape(words.size(row.memory_bytes)) if row.memory_bytes else "–",
        escape(words.duration(row.made_seconds)) if row.made_seconds else escape(words.t("compare.no_making")),
    ]


def assistant_cell(words: Words, row: Row, is_gone: bool) -> str:
    gone = f'<small class="cp-bad">{escape(words.t("compare.model_gone"))}</small>' if is_gone else ""
    made = escape(naming.made_of(words, row.saved.assistant))
    return f"<b>{escape(naming.version(words, row.saved))}</b><small>{made}</small>{gone}"


def quality_cell(words: Words, row: Row, band: tuple[float, float] | None, asked: bool = False) -> str:
    """The value, its interval in figures and drawn, the band of a few-shot assistant, and the other metrics."""
    score = row.score
    if score is None or not score.n:
        return f'<small class="cp-warn">{escape(words.t("compare.left_out"))}</small>'
    low, high = marks.hundred(score.interval.low), marks.hundred(score.interval.high)
    told = escape(words.t("compare.interval", low=low, high=high))
    drawn = marks.whiskers(score.value, score.interval, band)
    lines = [
        words.t("compare.band_line", low=marks.hundred(band[0]), high=marks.hundred(band[1])) if band else "",
        " · ".join(other(words, name, one) for name, one in row.others.items()),
        perplexity_line(words, row, asked),
        grounded_line(words, row),
    ]
    under = "".join(f"<small>{escape(line)}</small>" for line in lines if line)
    return f'<span class="cp-figure">{marks.hundred(score.value)}</span><small>{told}</small>{drawn}{under}'


def perplexity_line(words: Words, row: Row, asked: bool) -> str:
    """With its interval; why there is none, where others of the table have one (`asked`)."""
    found = row.perplexity
    if found is None:
        return words.t(ENDPOINT) if asked and row.saved.assistant.model.kind == "endpoint" else ""
    if found.low is None or found.high is None:
        return words.t("compare.perplexity_alone", value=surprise(found.value), count=found.n)
    low, high = surprise(found.low), surprise(found.high)
    return words.t("compare.perplexity_line", value=surprise(found.value), low=low, high=high, count=found.n)


def grounded_line(words: Words, row: Row) -> str:
    """Of an assistant with documents: citations that are right, claims that are cited, claims nothing supports."""
    found = row.grounded
    if found is None:
        return ""
    told = {"precision": found.precision, "recall": found.recall, "unsupported": found.unsupported}
    parts = [
        words.t(
            f"grounding.measured_{name}",
            value=marks.hundred(share.value),
            low=marks.hundred(share.interval.low),
            high=marks.hundred(share.interval.high),
        )
        for name, share in told.items()
        if share is not None
    ]
    if found.unknown:
        parts.append(words.t("grounding.measured_unknown", count=found.unknown))
    return " · ".join(parts)


def surprise(value: float) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}" if value < 1e6 else f"{value:.1e}"


def other(words: Words, name: str, score: Score) -> str:
    return f"{naming.metric(words, name)} {marks.hundred(score.value)}"


def against_cell(words: Words, verdict: Verdict | None, first: bool) -> str:
    """What may be said of this one against the best, with the difference's interval drawn around nought."""
    if first:
        return f'<span class="tag good">{escape(words.t("compare.best"))}</span>'
    if verdict is None:
        return "–"
    one = verdict.difference
    told = escape(words.t(f"compare.outcome_{verdict.outcome}"))
    figures = escape(words.t("compare.gap_interval", low=signed(one.low), high=signed(one.high)))
    good = " good" if verdict.outcome in ("better", "equivalent") else ""
    drawn = marks.gap_whiskers(one.value, one.low, one.high)
    return f'<span class="tag{good}">{told}</span><small>{figures}</small>{drawn}'


def signed(value: float) -> str:
    """A difference of a hundred with its sign; a true minus, since a hyphen reads as a range here."""
    return f"{'−' if value < 0 else '+'}{marks.hundred(abs(value))}"


def counts_cell(words: Words, row: Row) -> str:
    told = [
        (words.t("compare.unreadable_count", count=row.unreadable), "cp-warn") if row.unreadable else None,
        (words.t("compare.failures", count=row.failures), "cp-bad") if row.failures else None,
        (words.t("compare.missing", count=row.missing), "cp-warn") if row.missing else None,
        (words.t("compare.refusals", count=row.refusals), "") if row.refusals else None,
    ]
    under = "".join(f'<small class="{one[1]}">{escape(one[0])}</small>' for one in told if one)
    return f"{row.score.n if row.score else 0:,}{under}"


def latency_cell(words: Words, row: Row) -> str:
    median, slow = row.latency
    under = f"<small>{escape(words.t('compare.p95', time=marks.seconds(words, slow)))}</small>" if slow else ""
    return f'<span class="nowrap">{escape(marks.seconds(words, median))}</span>{under}'


def tokens_cell(words: Words, row: Row) -> str:
    read, written = row.prompt_tokens, row.answer_tokens
    if read is None and written is None:
        return "–"
    told = words.t("compare.tokens_cell", read=figure(read), written=figure(written))
    return f'<span class="nowrap">{escape(told)}</span>'


def figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def scatter_marks(rows: Sequence[Row], cost: Cost) -> list[Mark]:
    """Those whose cost is known, of a hundred and in the axis' unit."""
    found = []
    for row in rows:
        spent = cost_of(row, cost)
        score = row.score
        if score is None or not score.n or spent is None:
            continue
        found.append(Mark(row.name, spent, 100 * score.value, 100 * score.interval.low, 100 * score.interval.high))
    return found


def cost_of(row: Row, cost: Cost) -> float | None:
    """Seconds, tokens or megabytes; making a prompt costs nothing, which is a figure too."""
    if cost == "latency":
        return row.latency[0]
    if cost == "tokens":
        read, written = row.prompt_tokens, row.answer_tokens
        return None if read is None and written is None else (read or 0.0) + (written or 0.0)
    if cost == "memory":
        return None if row.memory_bytes is None else row.memory_bytes / 1e6
    return row.made_seconds or 0.0
