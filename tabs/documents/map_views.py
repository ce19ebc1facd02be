"""What stands around the map: what it shows, what is nearest to the question, why there is none. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from backend.documents.mapping.projecting import PassageMap, Placed
from tabs import widgets
from tabs.documents.search_marks import closed_up, excerpt, found_words, marked
from tabs.text import Words


def standing_view(words: Words, drawn: PassageMap | None, there: int, *, outdated: bool = False) -> str:
    """How many dots there are, or the button that draws them. `there` passages are in the index."""
    t = words.t
    if drawn is None:
        told = t("docs.map_outdated" if outdated else "docs.map_undrawn", count=there)
        button = widgets.action(t("docs.map_draw"), "draw", kind="primary")
        return f'<div class="verdict"><p>{escape(told)}</p><div class="acts">{button}</div></div>'
    key = "docs.map_some" if len(drawn.passages) < drawn.of else "docs.map_all"
    return f'<p class="note">{escape(t(key, count=len(drawn.passages), of=drawn.of))}</p>'


def nearest_view(words: Words, question: str, drawn: PassageMap, names: Mapping[int, str], placed: Placed) -> str:
    """The passages nearest to the question, in words: what the map shows as lines."""
    t = words.t
    cards = []
    for number, (at, cosine) in enumerate(placed.nearest, start=1):
        passage = drawn.passages[at]
        spans = found_words(passage.text, question)
        start, end = excerpt(passage.text, spans, 200)
        name = names.get(passage.document_id, t("docs.gone"))
        page = f" <span>{escape(t('docs.at_page', page=passage.page))}</span>" if passage.page is not None else ""
        button = widgets.action(t("docs.open_passage"), "read", passage.id)
        near = escape(t("docs.score_dense", score=f"{cosine:.2f}"))
        cards.append(
            f'<li><div class="ds-where"><b>{number}</b> <b>{escape(name)}</b>{page}</div>'
            f"<p>{closed_up(marked(passage.text, spans, start, end))}</p>"
            f'<div class="ds-foot"><small>{near}</small></div><div class="ds-acts">{button}</div></li>'
        )
    return f'<h3>{escape(t("docs.map_nearest"))}</h3><ol class="dm-near">{"".join(cards)}</ol>'


def strange_view(words: Words, model: str) -> str:
    """The model does not know the question's language. Its name comes from an imported project: it is text."""
    return f'<p class="ds-warning">{escape(words.t("docs.warning_language", model=model))}</p>'


def missing_view(words: Words, *, pointless: bool) -> str:
    """Why there is no map: the index has no points at all, or nothing is in it."""
    t = words.t
    name = "docs.map_pointless" if pointless else "docs.map_empty"
    button = widgets.action(t("docs.go_files"), "to_files", kind="primary")
    return f'{widgets.empty(t(name), t(f"{name}_hint"))}<div class="acts dc-center">{button}</div>'
