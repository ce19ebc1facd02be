"""Sample answers before and after, side by side. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from backend.training.telling.samples import Sample
from tabs import widgets
from tabs.text import Words


def samples_view(words: Words, samples: Sequence[Sample], active: bool) -> str:
    """One card per input: what was asked, what is wanted, the answer before, and the latest one."""
    t = words.t
    if not samples:
        hint = t("train_watch.samples_soon") if active else t("train_watch.samples_none_hint")
        return widgets.empty(t("train_watch.samples_none"), hint)
    return f'<div class="tw-samples">{"".join(_card(words, one) for one in samples)}</div>'


def _card(words: Words, one: Sample) -> str:
    t = words.t
    after = one.after
    now = t("train_watch.sample_after", step=after[0]) if after else t("train_watch.sample_not_yet")
    answers = [
        _answer(t("train_watch.sample_before"), one.before, one.expected),
        _answer(now, after[1] if after else None, one.expected),
    ]
    return (
        f'<article><div class="tw-asked"><small>{escape(t("train_watch.sample_input"))}</small>'
        f"<p>{escape(one.input)}</p><small>{escape(t('train_watch.sample_expected'))}</small>"
        f"<p>{escape(one.expected)}</p></div>"
        f'<div class="tw-pair">{"".join(answers)}</div>{_between(words, one)}</article>'
    )


def _answer(title: str, answer: str | None, expected: str) -> str:
    """Marked when it is the expected one to the letter; anything else is for the person to judge."""
    same = answer is not None and answer.strip() == expected.strip() != ""
    text = "–" if answer is None else answer
    mark = " ✓" if same else ""
    return (
        f'<div class="tw-answer{" tw-same" if same else ""}"><small>{escape(title)}{mark}</small>'
        f"<p>{escape(text)}</p></div>"
    )


def _between(words: Words, one: Sample) -> str:
    """The answers at all steps, folded, when there are more than the two."""
    if len(one.answers) < 3:
        return ""
    lines = "".join(
        f"<tr><td>{escape(words.t('train_watch.sample_step', step=step))}</td><td>{escape(answer)}</td></tr>"
        for step, answer in one.answers
    )
    return (
        f"<details><summary>{escape(words.t('train_watch.sample_all'))}</summary>"
        f'<div class="scroll"><table class="plain">{lines}</table></div></details>'
    )
