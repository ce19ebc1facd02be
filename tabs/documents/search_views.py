"""What each way of searching found, side by side, with the question's words marked. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from backend.documents.grounding.source import Found
from backend.documents.grounding.suspicion import suspicions
from backend.documents.shelf.store import Document
from tabs import widgets
from tabs.documents.passages_views import flags
from tabs.documents.search_marks import closed_up, excerpt, found_words, marked
from tabs.text import Words

WAYS: Final = ("keyword", "bm25", "dense", "hybrid")
"""The columns, from the plainest to the one that is used by default."""
BY_WORDS: Final = ("keyword", "bm25")


@dataclass(frozen=True)
class Column:
    """One way of searching. `fault` says why it could not; `warning` why its result means little here.

    waiting  it is still at work
    """

    way: str
    hits: Sequence[Found] = ()
    seconds: float | None = None
    fault: str = ""
    warning: str = ""
    waiting: bool = False


def side_by_side(words: Words, question: str, columns: Sequence[Column], documents: Mapping[int, Document]) -> str:
    """All ways beside each other."""
    shared = agreeing(columns)
    drawn = "".join(column_view(words, question, one, documents, shared) for one in columns)
    return f'{told_view(words, columns)}<div class="ds-columns">{drawn}</div>'


def agreeing(columns: Sequence[Column]) -> dict[str, dict[str, int]]:
    """By passage the place it has in each way that found it: {"12-3": {"bm25": 1, "dense": 4}}."""
    found: dict[str, dict[str, int]] = {}
    for column in columns:
        for number, hit in enumerate(column.hits, start=1):
            found.setdefault(hit.passage.id, {})[column.way] = number
    return found


def told_view(words: Words, columns: Sequence[Column]) -> str:
    """In one sentence what the ways came to.

    One whose result means little here does not count, nor does the one that only joins the others. Of the two that
    look for words a first place in common is no second opinion.
    """
    t = words.t
    if any(column.waiting for column in columns):
        return f'<p class="ds-told">{escape(t("docs.searching"))}</p>'
    found = [column for column in columns if column.hits]
    if not found:
        return widgets.empty(t("docs.nothing_hit"), t("docs.nothing_hit_hint"))
    own = [column for column in found if column.way != "hybrid"] or found
    sound = [column for column in own if not column.warning] or own
    firsts = [column.hits[0].passage.id for column in sound]
    alike = max(map(firsts.count, firsts))
    way = t(f"docs.way_{sound[0].way}")
    return f'<p class="ds-told">{escape(t(_told_key(sound, alike), count=alike, of=len(firsts), way=way))}</p>'


def _told_key(sound: Sequence[Column], alike: int) -> str:
    """The sentence for so many ways that agree."""
    if len(sound) == 1:
        return "docs.only_one"
    if alike == len(sound):
        return "docs.words_agree" if all(column.way in BY_WORDS for column in sound) else "docs.all_agree"
    return "docs.some_agree" if alike > 1 else "docs.none_agree"


def column_view(
    words: Words,
    question: str,
    column: Column,
    documents: Mapping[int, Document],
    shared: Mapping[str, Mapping[str, int]],
) -> str:
    t = words.t
    took = t("docs.took", ms=max(1, round(1000 * column.seconds))) if column.seconds is not None else ""
    head = (
        f"<header><h3>{escape(t(f'docs.way_{column.way}'))}</h3>"
        f"<p>{escape(t(f'docs.way_{column.way}_info'))}</p><small>{escape(took)}</small></header>"
    )
    warning = f'<p class="ds-warning">{escape(column.warning)}</p>' if column.warning else ""
    if column.fault:
        inside = f'<p class="ds-fault">{escape(column.fault)}</p>'
    elif column.waiting:
        inside = f'<p class="note">{escape(t("docs.way_waiting"))}</p>'
    elif not column.hits:
        inside = f'<p class="note">{escape(t("docs.way_nothing"))}</p>'
    else:
        cards = (
            hit_view(words, question, column.way, number, hit, documents, shared)
            for number, hit in enumerate(column.hits, start=1)
        )
        inside = f"<ol>{''.join(cards)}</ol>"
    return f'<section class="ds-column" data-way="{escape(column.way)}">{head}{warning}{inside}</section>'


def hit_view(
    words: Words,
    question: str,
    way: str,
    number: int,
    hit: Found,
    documents: Mapping[int, Document],
    shared: Mapping[str, Mapping[str, int]],
) -> str:
    """One passage: where it stands, what of it fits the question, and where the other ways have it."""
    passage = hit.passage
    spans = found_words(passage.text, question)
    start, end = excerpt(passage.text, spans)
    shown = f"<p>{closed_up(marked(passage.text, spans, start, end))}</p>"
    whole = ""
    if end - start < len(passage.text):
        summary = escape(words.t("docs.whole_passage"))
        whole = f"<details><summary>{summary}</summary><p>{closed_up(marked(passage.text, spans))}</p></details>"
    places = shared.get(passage.id, {})
    elsewhere = [words.t("docs.also", way=words.t(f"docs.way_{one}"), rank=places[one]) for one in WAYS
                 if one != way and one in places]  # fmt: skip
    also = "".join(f'<span class="tag">{escape(one)}</span>' for one in elsewhere)
    button = widgets.action(words.t("docs.open_passage"), "read", passage.id)
    button += widgets.action(words.t("measure.answers_it"), "known", passage.id, kind="quiet")
    score = escape(words.t(f"docs.score_{way}", score=f"{hit.score:.3g}"))
    flagged = "".join(f'<p class="ds-flag">⚠ {escape(line)}</p>' for line in flags(words, suspicions(passage.text)))
    return (
        f'<li><div class="ds-where"><b>{number}</b> {where(words, hit, documents)}</div>{flagged}{shown}{whole}'
        f'<div class="ds-foot"><small>{score}</small>{also}</div><div class="ds-acts">{button}</div></li>'
    )


def where(words: Words, hit: Found, documents: Mapping[int, Document]) -> str:
    """The file, the page and the headings above."""
    passage = hit.passage
    document = documents.get(passage.document_id)
    name = document.name if document else words.t("docs.gone")
    parts = [f"<b>{escape(name)}</b>"]
    if passage.page is not None:
        parts.append(f"<span>{escape(words.t('docs.at_page', page=passage.page))}</span>")
    path = f"<small>{escape(' › '.join(passage.headings))}</small>" if passage.headings else ""
    return " ".join(parts) + path


def empty_view(words: Words, *, waiting: int) -> str:
    """Nothing can be searched yet: why, and the way there. `waiting` files are not read yet."""
    t = words.t
    button = widgets.action(t("docs.go_files"), "to_files", kind="primary")
    told = (
        widgets.empty(t("docs.search_waiting", count=waiting), t("docs.search_waiting_hint"))
        if waiting
        else widgets.empty(t("docs.search_empty"), t("docs.search_empty_hint"))
    )
    return f'{told}<div class="acts dc-center">{button}</div>'
