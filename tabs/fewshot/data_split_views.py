"""Splits as HTML: what would be made, with its counts per label and warnings, and what the lock means. Pure."""

from __future__ import annotations

from html import escape
from typing import Final

from backend.examples.example import Split
from backend.examples.splits import SplitPlan, SplitsMade
from backend.examples.store import Counts
from tabs import widgets
from tabs.fewshot.data_marks import button, short
from tabs.text import Words

PARTS: Final[tuple[Split, ...]] = ("train", "dev", "test")
MOST_LABELS = 15
MOST_WARNINGS = 8
LOCK = (
    '<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path fill="currentColor" '
    'd="M4 7V5a4 4 0 0 1 8 0v2h1v8H3V7zm2 0h4V5a2 2 0 0 0-4 0z"/></svg>'
)


def plan_hint(words: Words, counts: Counts) -> str:
    """Before there is a plan."""
    return "" if counts.total else f'<p class="empty">{escape(words.t("data.split_empty"))}</p>'


def plan_view(words: Words, plan: SplitPlan) -> str:
    """How many examples of which label would go where, and what to think of before it is made."""
    t = words.t
    heads = ["", *(t(f"data.part_{part}") for part in PARTS)]
    rows = [(f"<b>{escape(t('data.all'))}</b>", *(f"<b>{plan.counts.get(part, 0):,}</b>" for part in PARTS))]
    labels = list(plan.per_label.items())
    for label, counts in labels[:MOST_LABELS]:
        rows.append((short(label, 60) or "–", *(f"{counts.get(part, 0):,}" for part in PARTS)))
    rest = len(labels) - MOST_LABELS
    more = f'<p class="note">{escape(t("data.labels_more", count=rest))}</p>' if rest > 0 else ""
    told = "".join(
        f"<li>{escape(widgets.told(words, note.key, note.details))}</li>" for note in plan.warnings[:MOST_WARNINGS]
    )
    warned = f'<ul class="fs-warnings">{told}</ul>' if told else ""
    fine = "" if told else f'<p class="fs-fine">{escape(t("data.plan_fine"))}</p>'
    return f"{warned}{fine}{widgets.table(heads, rows, css='fs-plan')}{more}"


def split_view(words: Words, made: SplitsMade, counts: Counts) -> str:
    """The lock: when it was made, how, and what it means for everything that follows."""
    t = words.t
    shares = " / ".join(f"{round(100 * share)}" for share in made.shares)
    told = t("data.locked", when=words.when(made.made), count=counts.test)
    anew = button(t("data.anew"), "anew", sure=t("data.anew_sure"), kind="quiet")
    return (
        f'<div class="fs-lock"><p>{LOCK} <b>{escape(told)}</b></p>'
        f"<p>{escape(t('data.locked_means'))}</p>"
        f'<p class="note">{escape(t("data.locked_how", shares=shares, seed=made.seed))} {anew}</p></div>'
    )
