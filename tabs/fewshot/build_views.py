"""What the builder draws: the shots, the train examples to tick, the three forms of the prompt, the advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from backend.assistants import Examples, Shot
from backend.examples.example import Example
from backend.fewshot.forms import Form
from backend.fewshot.looked import Advice
from tabs import widgets
from tabs.fewshot.build_draft import Draft
from tabs.text import Words

CUT = 400
SIGNS = {"problem": "✕", "advice": "△", "good": "✓"}
"""A sign beside the colour, which carries nothing alone."""


def cut(text: str, limit: int = CUT) -> str:
    """As much of a text as a card holds."""
    return text if len(text) <= limit else text[:limit].rstrip() + " …"


def input_of(variables: Mapping[str, str]) -> str:
    """An input on a card: the text itself, or each variable under its name when there are several."""
    if len(variables) == 1:
        return escape(cut(next(iter(variables.values()))))
    return "".join(f"<small>{escape(name)}</small> {escape(cut(text))}<br>" for name, text in variables.items())


def shots_view(words: Words, draft: Draft, seen: Sequence[Shot] = ()) -> str:
    """The shots in the order they are shown. Of a method that chooses per input: the pool, and what it chose now."""
    t = words.t
    shots = draft.examples.shots
    if not shots:
        return widgets.empty(t("build.no_shots"), t("build.no_shots_hint"))
    if draft.per_input:
        told = t("build.pool", pool=len(shots), count=draft.selection.count)
        head = f'<p class="bd-told">{escape(told)}</p>'
        rows = "".join(shot_row(words, shot, place, "") for place, shot in enumerate(seen))
        return f'{head}<ol class="bd-shots">{rows}</ol>' if rows else head
    rows = "".join(
        shot_row(words, shot, place, order_buttons(words, place, len(shots))) for place, shot in enumerate(shots)
    )
    return f'<ol class="bd-shots">{rows}</ol>'


def shot_row(words: Words, shot: Shot, place: int, buttons: str) -> str:
    return (
        f'<li><span class="bd-number">{place + 1}</span><div class="bd-text">{input_of(shot.variables)}</div>'
        f'<div class="bd-answer">{escape(cut(shot.output))}</div><div class="acts">{buttons}</div></li>'
    )


def order_buttons(words: Words, place: int, count: int) -> str:
    t = words.t
    up = widgets.action("↑", "up", str(place), kind="quiet", title=t("build.up")) if place else ""
    down = widgets.action("↓", "down", str(place), kind="quiet", title=t("build.down")) if place < count - 1 else ""
    return up + down + widgets.action(t("build.drop"), "drop", str(place), kind="quiet")


def picking_view(words: Words, found: Sequence[Example], total: int, chosen: Examples) -> str:
    """Train examples to be ticked by hand."""
    t = words.t
    if not found:
        return widgets.empty(t("build.nothing_found"), t("build.nothing_found_hint"))
    taken = {(tuple(sorted(shot.variables.items())), shot.output) for shot in chosen.shots}
    rows = []
    for one in found:
        in_use = (tuple(sorted(one.variables.items())), one.output) in taken
        button = (
            f'<span class="tag">{escape(t("build.in_use"))}</span>'
            if in_use
            else widgets.action(t("build.use"), "use", str(one.id))
        )
        rows.append((input_of(one.variables), escape(cut(one.output, 80)), f'<div class="acts">{button}</div>'))
    more = t("build.more", count=total - len(found)) if total > len(found) else ""
    under = f'<p class="note">{escape(more)}</p>' if more else ""
    return widgets.table((t("build.input"), t("build.answer"), ""), rows, css="bd-picking") + under


def forms_view(words: Words, forms: Sequence[Form], expected: str) -> str:
    """Zero-, one- and few-shot side by side: the exact prompt, and its length against the context window."""
    t = words.t
    cards = "".join(form_card(words, form) for form in forms)
    wanted = f'<p class="bd-told">{escape(t("build.expected"))} <b>{escape(cut(expected))}</b></p>' if expected else ""
    return f'{wanted}<div class="bd-forms">{cards}</div>'


def form_card(words: Words, form: Form) -> str:
    t = words.t
    length = ""
    if form.tokens is not None and form.context_length:
        share = min(1.0, form.tokens / form.context_length)
        told = t("build.length", tokens=form.tokens, window=form.context_length)
        length = f"{widgets.bar(share)}<small>{escape(told)}</small>"
    elif form.tokens is not None:
        length = f"<small>{escape(t('build.length_alone', tokens=form.tokens))}</small>"
    late = "" if form.fits else f'<p class="bd-fault">✕ {escape(t("build.too_long"))}</p>'
    if form.fits and form.cut:
        late = f'<p class="bd-fault">△ {escape(t("build.answer_cut", room=form.room or 0))}</p>'
    return (
        f'<section class="bd-form"><h4>{escape(t(f"build.form_{form.name}", count=form.shots))}</h4>'
        f"<pre>{escape(form.prompt)}</pre>{late}{length}</section>"
    )


def advice_view(words: Words, advice: Sequence[Advice]) -> str:
    """What is to be said about the set: the finding, why it matters, and its mend as a button."""
    if not advice:
        return ""
    return f'<ul class="bd-advice">{"".join(advice_row(words, one) for one in advice)}</ul>'


def advice_row(words: Words, one: Advice) -> str:
    t = words.t
    mend = (
        f'<div class="acts">{widgets.action(t(one.mend_key, **one.details), "mend", one.key)}</div>'
        if one.mend_key is not None
        else ""
    )
    return (
        f'<li class="bd-{one.severity}"><div><span aria-hidden="true">{SIGNS[one.severity]}</span> '
        f"<b>{escape(t(one.finding_key, **one.details))}</b>"
        f"<small>{escape(t(one.why_key, **one.details))}</small></div>{mend}</li>"
    )
