"""The small drawings of this tab as HTML: a score with its whiskers, a head that explains itself, a share.

Values are 0..1; the page shows them per hundred, since "86 of 100" says more than "0.86".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from backend.evaluation.values import Interval
from tabs.text import Words

SHOWN = 400
"""Characters of a long text that a table shows at first; the rest unfolds."""


def hundred(value: float) -> str:
    """0.864 -> "86.4", 0.86 -> "86": of a hundred, with a decimal only where it says something."""
    return f"{100 * value:.1f}".removesuffix(".0")


def seconds(words: Words, value: float | None) -> str:
    if value is None:
        return "–"
    return words.t("compare.ms", count=round(value * 1000)) if value < 1 else words.t("compare.s", count=f"{value:.1f}")


def whiskers(value: float, interval: Interval | None, band: tuple[float, float] | None = None) -> str:
    """A track from 0 to 100 with a point, the 95 % interval as whiskers, and the sensitivity band behind them."""
    parts = []
    if band is not None:
        parts.append(f'<i class="cp-band" style="{_span(*band)}"></i>')
    if interval is not None and interval.method != "none":
        parts.append(f'<i class="cp-whisker" style="{_span(interval.low, interval.high)}"></i>')
    parts.append(f'<i class="cp-point" style="left:{100 * _inside(value):.2f}%"></i>')
    return f'<span class="cp-track" aria-hidden="true">{"".join(parts)}</span>'


def gap_whiskers(value: float, low: float, high: float) -> str:
    """The same for a difference, -100 to 100 with a line at nought."""
    told = [(one + 1) / 2 for one in (low, high, value)]
    return (
        '<span class="cp-track cp-gap" aria-hidden="true"><i class="cp-nought"></i>'
        f'<i class="cp-whisker" style="{_span(told[0], told[1])}"></i>'
        f'<i class="cp-point" style="left:{100 * _inside(told[2]):.2f}%"></i></span>'
    )


def _inside(value: float) -> float:
    return max(0.0, min(1.0, value))


def _span(low: float, high: float) -> str:
    left, right = 100 * _inside(low), 100 * _inside(high)
    return f"left:{left:.2f}%;width:{max(0.0, right - left):.2f}%"


def head(label: str, about: str = "") -> str:
    """A column's head; what it means is said when it is pointed at, and in the list under the table."""
    return f'<abbr title="{escape(about)}">{escape(label)}</abbr>' if about else escape(label)


def grid(heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], css: str = "", foot: str = "") -> str:
    """A table whose heads are (label, what it means). Cells are HTML already; narrow pages show heads in the cells."""
    names = [escape(label) for label, _ in heads]
    top = "".join(f'<th scope="col">{head(label, about)}</th>' for label, about in heads)
    body = "".join(
        "<tr>" + "".join(f'<td data-head="{name}">{cell}</td>' for name, cell in zip(names, row, strict=True)) + "</tr>"
        for row in rows
    )
    table = f'<table class="plain cp-grid {escape(css)}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>{foot}'


def glossary(title: str, terms: Iterable[tuple[str, str]]) -> str:
    """What the figures mean, one sentence each, folded away."""
    told = "".join(f"<dt>{escape(name)}</dt><dd>{escape(about)}</dd>" for name, about in terms if about)
    return f'<details class="cp-about"><summary>{escape(title)}</summary><dl>{told}</dl></details>' if told else ""


def long_text(text: str, more: str) -> str:
    """A text with its line breaks; a very long one is folded after its beginning."""
    if len(text) <= SHOWN:
        return f'<div class="cp-text">{escape(text)}</div>'
    start = escape(text[:SHOWN].rstrip())
    return (
        f'<details class="cp-long"><summary class="cp-text">{start}… <u>{escape(more)}</u></summary>'
        f'<div class="cp-text">{escape(text[len(text[:SHOWN].rstrip()) :])}</div></details>'
    )


def note(text: str, css: str = "") -> str:
    return f'<p class="note {css}">{escape(text)}</p>' if text else ""
