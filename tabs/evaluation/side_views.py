"""Answers side by side as HTML: input, what was expected, what each one said, how that was read. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

from backend.evaluation.answer_store import Source
from backend.evaluation.parsing import input_text
from backend.evaluation.side_by_side import Side
from backend.evaluation.values import Parsed
from backend.examples.example import Example
from backend.examples.task import Metric, Task
from tabs import widgets
from tabs.evaluation import marks, naming
from tabs.text import Words


def example_view(
    words: Words,
    task: Task,
    example: Example,
    said: Sequence[Side],
    metric: Metric,
    sources: Mapping[int, Sequence[Source]] = MappingProxyType({}),
) -> str:
    """`sources` are the passages that answers were given, by the answers' ids."""
    t = words.t
    answers = "".join(answer_view(words, task, example, one, metric, sources.get(one.answer.id, ())) for one in said)
    tags = "".join(f'<span class="tag">{escape(tag)}</span> ' for tag in example.tags)
    return (
        f'<article class="cp-example"><div class="cp-asked"><div><small>{escape(t("compare.input"))}</small>'
        f"{variables_view(words, example.variables)}{tags}</div>"
        f"<div><small>{escape(t('compare.expected'))}</small>{marks.long_text(example.output, t('compare.more'))}</div>"
        f'</div><div class="cp-pair">{answers}</div></article>'
    )


def variables_view(words: Words, variables: Mapping[str, str]) -> str:
    """The text alone where there is one variable, else each under its name."""
    more = words.t("compare.more")
    if len(variables) == 1:
        return marks.long_text(next(iter(variables.values())), more)
    return "".join(
        f"<small>{{{escape(name)}}}</small>{marks.long_text(text, more)}" for name, text in variables.items()
    )


def answer_view(
    words: Words, task: Task, example: Example, said: Side, metric: Metric, sources: Sequence[Source] = ()
) -> str:
    """The answer as it came, whether it counts as right, and which rule read what from it."""
    t = words.t
    css, mark = standing_of(words, said, metric)
    if said.answer.error_key:
        fault = widgets.told(words, said.answer.error_key, said.answer.error_details)
        body = f'<p class="cp-bad">{escape(fault)}</p>'
    elif said.answer.text.strip():
        body = marks.long_text(said.answer.text.strip(), t("compare.more"))
    else:
        body = f"<p>{escape(t('compare.empty_answer'))}</p>"
    return (
        f'<section class="cp-answer {css}"><header><b>{escape(said.name)}</b><span>{escape(mark)}</span></header>{body}'
        f"{sources_view(words, sources)}"
        f'<div class="cp-reading">{reading_view(words, task, example, said.score.parsed)}</div></section>'
    )


def sources_view(words: Words, sources: Sequence[Source]) -> str:
    """What the numbers in an answer stand for, folded away: "[1] manual.pdf · page 3 · Setup"."""
    if not sources:
        return ""
    t, lines = words.t, []
    for number, document, page, headings in sources:
        told = [document, t("grounding.page", page=page) if page is not None else "", " › ".join(headings)]
        lines.append(f"<small>[{number}] {escape(' · '.join(filter(None, told)))}</small>")
    label = escape(t("grounding.passages_in", count=len(sources)))
    return f"<details><summary><small>{label}</small></summary>{'<br>'.join(lines)}</details>"


def standing_of(words: Words, said: Side, metric: Metric) -> tuple[str, str]:
    """(css, words): told by a word and a sign as well as by colour."""
    t = words.t
    if not said.score.parsed.readable:
        return "cp-unread", f"? {t('compare.unreadable_mark')}"
    if metric in naming.SHARES or "accuracy" in said.score.values:
        return (
            ("cp-ok", f"✓ {t('compare.right_mark')}") if said.score.right else ("cp-no", f"✗ {t('compare.wrong_mark')}")
        )
    told = t("compare.score_of", metric=naming.metric(words, metric), value=marks.hundred(said.value))
    return ("cp-ok" if said.value >= 1 else ""), told


def reading_view(words: Words, task: Task, example: Example, parsed: Parsed) -> str:
    """What the answer was taken to say, and the rule that says so."""
    lines = []
    if isinstance(parsed.value, tuple):
        text = input_text(task, example.variables)
        read = ", ".join(
            f"{label}: {text[start:end] if start >= 0 else words.t('compare.not_in_input')}"
            for start, end, label in parsed.value
        )
        lines.append(words.t("compare.read_as", value=read or words.t("compare.no_spans")))
    elif parsed.value is not None and len(parsed.value) <= 120:
        lines.append(words.t("compare.read_as", value=parsed.value))
    lines.append(words.t("compare.read_by", rule=widgets.told(words, parsed.rule, {})))
    return "".join(f"<small>{escape(line)}</small>" for line in lines)


def pages(words: Words, first: int, shown: int, total: int, leaf: int) -> str:
    """The way to the other leaves; `first` counts from 0."""
    if total <= leaf:
        return ""
    t, last = words.t, first + shown
    before = widgets.action(t("compare.before"), "page", str(max(0, first - leaf))) if first > 0 else ""
    after = widgets.action(t("compare.after"), "page", str(first + leaf)) if last < total else ""
    told = escape(t("compare.shown", total=total, first=first + 1, last=last))
    return f'<div class="cp-pages">{before}<span>{told}</span>{after}</div>'
