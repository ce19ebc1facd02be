"""What an answer rests on, for people: its passages, what each retriever found, what was cut. Pure views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.documents.grounding.supporting import LISTED, supported
from backend.documents.grounding.values import Cut, Quoted, Retrieval, Seen
from tabs.playground.cited import place, quoted_of
from tabs.playground.prose import plain
from tabs.text import Words

BEGINNING = 240


def sources_view(text: str, trace: Mapping[str, Any], words: Words, opened: str = "") -> str:
    """The passages in the prompt, the sentences to look at, and the way the passages were found. `opened` is HTML."""
    t, quoted = words.t, quoted_of(trace)
    if not trace.get("retrieval"):
        return f'<p class="pg-quiet">{plain(t("grounding.sources_none"))}</p>'
    found = Retrieval.model_validate(trace["retrieval"])
    listed = "".join(passage_view(one, words) for one in quoted)
    none = f'<p class="pg-quiet">{plain(t("grounding.nothing_found"))}</p>' if not quoted else ""
    return (
        f"{opened}{query_view(found, words)}{none}<ol class='pg-passages'>{listed}</ol>"
        f"{doubts_view(text, quoted, words)}{cut_view(trace.get('cut') or (), words)}{retrievers_view(found, words)}"
    )


def query_view(found: Retrieval, words: Words) -> str:
    """What was looked for, where the model wrote it out of a follow-up question."""
    if not found.rewritten:
        return ""
    return f'<p class="pg-quiet">{plain(words.t("grounding.rewritten", query=found.query))}</p>'


def passage_view(one: Quoted, words: Words) -> str:
    """A passage: its number, where it stands, how it begins, and what found it."""
    t = words.t
    beginning = t("grounding.removed") if one.removed else " ".join(one.passage.text.split())
    more = "…" if len(beginning) > BEGINNING else ""
    by = " · ".join(
        t("grounding.found_by", retriever=retriever_name(name, words), rank=hit.rank, score=number(hit.score))
        for name, hit in one.by.items()
    )
    flags = "".join(
        f'<p class="pg-fault">{plain(t(f"grounding.suspicion_{suspicion}"))}</p>' for suspicion in one.suspicions
    )
    shortened = t("grounding.shortened", count=one.shortened) if one.shortened else ""
    return (
        f'<li value="{one.number}"><p><strong>{plain(place(one, t))}</strong> '
        f'<button type="button" class="pg-open-passage" data-act="cite" data-to="{one.number}">'
        f"{plain(t('grounding.open'))}</button></p>"
        f"<p>{plain(beginning[:BEGINNING])}{more}</p>"
        f'<p class="pg-cost">{plain(" · ".join(filter(None, [by, shortened])))}</p>{flags}</li>'
    )


def doubts_view(text: str, quoted: Sequence[Quoted], words: Words) -> str:
    """The sentences that no passage supports, with the numbers that stand in none."""
    rows = []
    for one in supported(text, quoted) if quoted else ():
        if one.support != "unsupported":
            continue
        missing = words.t("grounding.missing", numbers=", ".join(one.missing)) if one.missing else ""
        share = words.t("grounding.share", percent=round(one.share * 100))
        rows.append(
            f"<li>{plain(LISTED.sub('', text[one.start : one.end]))} "
            f'<span class="pg-cost">{plain(" · ".join(filter(None, [share, missing])))}</span></li>'
        )
    if not rows:
        return ""
    return (
        f"<h5>{plain(words.t('grounding.unsupported'))}</h5>"
        f'<p class="pg-quiet">{plain(words.t("grounding.unsupported_info"))}</p><ul>{"".join(rows)}</ul>'
    )


def cut_view(cut: Sequence[Any], words: Words) -> str:
    """What was found and left out for length."""
    if not cut:
        return ""
    t, rows = words.t, []
    for told in cut:
        one = told if isinstance(told, Cut) else Cut.model_validate(told)
        page = t("grounding.page", page=one.page) if one.page is not None else ""
        rows.append(f"<li>{plain(' · '.join(filter(None, [one.document or t('grounding.gone_name'), page])))}</li>")
    return f"<h5>{plain(t('grounding.cut'))}</h5><ul>{''.join(rows)}</ul>"


def retrievers_view(found: Retrieval, words: Words) -> str:
    """What each retriever found, side by side, and how long each stage took."""
    t = words.t
    if not found.retrievers and not found.skipped:
        return ""
    lists = "".join(
        f"<section><h6>{plain(retriever_name(name, words))}</h6>"
        f"<ol>{''.join(seen_view(one, words) for one in some)}</ol></section>"
        for name, some in found.retrievers.items()
    )
    times = " · ".join(
        t("grounding.stage", stage=retriever_name(name, words), ms=round(spent * 1000))
        for name, spent in found.seconds.items()
    )
    left = t("grounding.left_out", count=found.left_out) if found.left_out else ""
    skipped = [t(key) for key in found.skipped.values() if words.has(key)]
    told = " · ".join(filter(None, [*skipped, left, times]))
    return (
        f'<details class="pg-found"><summary>{plain(t("grounding.how_found"))}</summary>'
        f'<p class="pg-quiet">{plain(told)}</p><div class="pg-retrievers">{lists}</div></details>'
    )


def seen_view(one: Seen, words: Words) -> str:
    page = words.t("grounding.page", page=one.page) if one.page is not None else ""
    name = one.document or words.t("grounding.gone_name")
    told = " · ".join(filter(None, [name, page, words.t("grounding.score", score=number(one.score))]))
    return f'<li value="{one.rank}" title="{plain(one.beginning)}">{plain(told)}</li>'


def retriever_name(name: str, words: Words) -> str:
    """A retriever or stage in plain words; one without words of its own keeps its name."""
    key = f"grounding.stage_{name}"
    return words.t(key) if words.has(key) else name


def number(score: float) -> str:
    """A score as people read it: 12.3, 0.83, 0.016."""
    size = abs(score)
    return f"{score:.1f}" if size >= 10 else f"{score:.2f}" if size >= 0.1 else f"{score:.3f}"
