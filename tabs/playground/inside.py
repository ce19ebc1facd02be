"""Look inside: what a language model weighed at each step, as chips and bars. Pure view functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabs.playground.conversation import Say
from tabs.playground.prose import plain, seen

SHADES = (0.9, 0.6, 0.3)
"""Probabilities at which a chip's shade changes; the number stands in its title as well, so colour is never alone."""


def inside(choices: Sequence[Mapping[str, Any]], t: Say, picked: int = 0) -> str:
    """Tokens as chips shaded by probability, and under them the candidates of the picked one as bars."""
    if not choices:
        return f'<p class="pg-quiet">{plain(t("playground.inside_none"))}</p>'
    picked = min(max(picked, 0), len(choices) - 1)
    chips = "".join(chip(choice, number, number == picked, t) for number, choice in enumerate(choices))
    return (
        f'<p class="pg-quiet">{plain(t("playground.inside_hint"))}</p>'
        f'<div class="pg-chips" role="listbox" aria-label="{plain(t("playground.inside"))}">{chips}</div>'
        f"{bars(choices[picked], t)}"
    )


def chip(choice: Mapping[str, Any], number: int, picked: bool, t: Say) -> str:
    """One token. Its own line break also breaks the line, so that the answer keeps its shape."""
    probability = float(choice["probability"])
    shade = sum(probability >= bound for bound in SHADES)
    told = t("playground.inside_chip", token=str(choice["text"]), percent=percent(probability))
    after = "<br>" if "\n" in str(choice["text"]) else ""
    return (
        f'<button type="button" role="option" aria-selected="{str(picked).lower()}" class="pg-chip pg-shade-{shade}" '
        f'data-act="token" data-to="{number}" title="{plain(told)}">{seen(str(choice["text"]))}</button>{after}'
    )


def bars(choice: Mapping[str, Any], t: Say) -> str:
    """The best candidates of one step with percent, the chosen one marked, and what is left for all others."""
    best = list(choice.get("best") or ())
    chosen = str(choice["text"])
    if all(str(candidate["text"]) != chosen for candidate in best):
        best.append({"text": chosen, "probability": choice["probability"]})
    rows = [bar(seen(str(one["text"])), float(one["probability"]), str(one["text"]) == chosen, t) for one in best]
    rest = 1.0 - sum(float(one["probability"]) for one in best)
    if rest > 0.0005:
        rows.append(bar(plain(t("playground.inside_rest")), rest, False, t))
    return f'<div class="pg-bars">{"".join(rows)}</div>'


def bar(label: str, probability: float, chosen: bool, t: Say) -> str:
    mark = f' <span class="pg-picked">{plain(t("playground.inside_chosen"))}</span>' if chosen else ""
    width = max(0.4, min(100.0, probability * 100))
    return (
        f'<div class="pg-bar"><span class="pg-bar-label">{label}{mark}</span>'
        f'<span class="pg-bar-track"><span style="width:{width:.1f}%"></span></span>'
        f'<span class="pg-bar-figure">{percent(probability)}</span></div>'
    )


def percent(probability: float) -> str:
    """90 %, 9.9 %, 0.3 %, < 0.1 %."""
    hundred = probability * 100
    if hundred < 0.1:
        return "< 0.1 %"
    return f"{hundred:.0f} %" if hundred >= 99.95 or (hundred >= 10 and hundred < 99) else f"{hundred:.1f} %"


def rows_of(choices: Sequence[Any]) -> list[dict[str, Any]]:
    """Token choices of a Trace as plain rows, the shape in which a stored trace comes back."""
    return [
        {
            "text": choice.text,
            "probability": choice.probability,
            "best": [{"text": one.text, "probability": one.probability} for one in choice.best],
        }
        for choice in choices
    ]
