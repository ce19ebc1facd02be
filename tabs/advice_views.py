"""Where a project stands, the one next step, and which method fits: HTML for the overview and for Compare."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from backend.advice.facts import Facts
from backend.advice.methods import GO, Option, Reason
from backend.advice.next_step import Step
from tabs import widgets
from tabs.text import Words

OPTIONS: Final = 3


def standing_view(words: Words, facts: Facts, active: int) -> str:
    """Three things in one look: the task and its data, the best assistant so far, what runs."""
    return f'<div class="standing">{data_box(words, facts)}{best_box(words, facts)}{running_box(words, active)}</div>'


def box(title: str, told: str, under: str = "", more: str = "") -> str:
    small = f"<small>{escape(under)}</small>" if under else ""
    return f"<section><span>{escape(title)}</span><b>{escape(told)}</b>{small}{more}</section>"


def data_box(words: Words, facts: Facts) -> str:
    t = words.t
    if facts.task is None or not facts.total:
        return box(t("standing.data"), t("standing.no_data"), t("standing.no_data_hint"))
    told = t("standing.examples", kind=t(f"data.kind_{facts.task.kind}"), count=facts.total)
    if not facts.split:
        return box(t("standing.data"), told, t("standing.unsplit"))
    return box(
        t("standing.data"), told, t("standing.splits", train=facts.train, dev=facts.dev, test=facts.test), parts(facts)
    )


def parts(facts: Facts) -> str:
    """The splits as one bar; the figures stand above it."""
    whole = max(1, facts.train + facts.dev + facts.test)
    pieces = zip(("train", "dev", "test"), (facts.train, facts.dev, facts.test), strict=True)
    inner = "".join(f'<i class="{name}" style="width:{100 * count / whole:.1f}%"></i>' for name, count in pieces)
    return f'<span class="parts" aria-hidden="true">{inner}</span>'


def best_box(words: Words, facts: Facts) -> str:
    t, best = words.t, facts.best
    if best is None:
        count = facts.assistants
        return box(t("standing.best"), t("standing.no_best"), t("standing.no_best_hint", count=count))
    low, high = round(100 * best.score.interval.low), round(100 * best.score.interval.high)
    figures = {"value": round(100 * best.score.value), "low": low, "high": high, "n": best.score.n}
    where = t("standing.on_test" if facts.where == "test" else "standing.on_dev")
    return box(
        t("standing.best"),
        best.name,
        t("standing.score", where=where, **figures),
        interval(low, figures["value"], high),
    )


def interval(low: int, value: int, high: int) -> str:
    """A score with its interval on a line from 0 to 100."""
    width = max(1, high - low)
    return (
        '<span class="whisker" aria-hidden="true">'
        f'<i style="left:{low}%;width:{width}%"></i><b style="left:{value}%"></b></span>'
    )


def running_box(words: Words, active: int) -> str:
    t = words.t
    if active:
        return box(t("standing.running"), t("standing.running_count", count=active), t("standing.running_hint"))
    return box(t("standing.running"), t("standing.idle"), t("standing.idle_hint"))


def step_view(words: Words, step: Step) -> str:
    """The one next step, its why, and the button that goes there."""
    t = words.t
    details = dict(step.details)
    if step.option is not None:
        details["method"] = t(f"advice.method.{step.option.method}")
    why = t(f"advice.step.{step.name}.why", **details)
    if step.option is not None and step.option.reasons:
        why = reason_text(words, step.option.reasons[0])
    button = widgets.action(t(f"advice.step.{step.name}.button"), "go", step.go, kind="primary")
    told = t(f"advice.step.{step.name}", **details)
    return (
        f'<div class="verdict next"><div><span>{escape(t("advice.title"))}</span><p>{escape(told)}</p>'
        f"<small>{escape(why)}</small></div>{button}</div>"
    )


def reason_text(words: Words, reason: Reason) -> str:
    return words.t(reason.key, **reason.details)


def methods_view(words: Words, options: Sequence[Option]) -> str:
    """The fitting methods, the first one first, each with what speaks for it and against it."""
    cards = "".join(option_card(words, one, not place) for place, one in enumerate(options[:OPTIONS]))
    return f'<div class="methods">{cards}</div>'


def option_card(words: Words, option: Option, first: bool) -> str:
    t = words.t
    reasons = "".join(reason_row(words, one) for one in option.reasons)
    listed = f"<ul>{reasons}</ul>" if reasons else f"<p>{escape(t('advice.no_reason'))}</p>"
    second = f"<p>{escape(t('advice.mix', second=t(f'advice.method.{option.with_}')))}</p>" if option.with_ else ""
    kind = "primary" if first else ""
    button = widgets.action(t("advice.step.method.button"), "go", GO[option.method], kind=kind)
    title = escape(t(f"advice.method.{option.method}"))
    css = ' class="first"' if first else ""
    return f"<section{css}><h4>{title}</h4>{listed}{second}{button}</section>"


def reason_row(words: Words, reason: Reason) -> str:
    """A sign beside the sentence says which way it weighs."""
    sign, kind = ("+", "for") if reason.weight > 0 else ("−", "against") if reason.weight < 0 else ("·", "open")
    label = escape(words.t("advice.against" if reason.weight < 0 else "advice.for"))
    told = escape(reason_text(words, reason))
    return f'<li class="{kind}"><i title="{label}" aria-label="{label}">{sign}</i> {told}</li>'
