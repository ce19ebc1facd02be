"""The files as a list: how they stand together, each one's state and why, and one of them opened. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from backend.documents.shelf.intake import Brought
from backend.documents.shelf.store import Counts, Document
from backend.jobs.run import Run
from tabs import widgets
from tabs.documents.files_state import PAGE, Listed
from tabs.documents.passages_views import note_text
from tabs.text import Words

MOST_TAGS: Final = 4
MOST_NAMES: Final = 12
LONGEST_TITLE: Final = 90
SIGNS: Final[Mapping[str, str]] = {"queued": "○", "reading": "◐", "indexed": "●", "failed": "✕"}
"""Beside the word of a state: colour never tells it alone."""


def standing_view(words: Words, counts: Counts, passages: int, run: Run | None, *, outdated: int = 0) -> str:
    """In one sentence how the collection stands, and the one thing to do next.

    outdated  documents that were read, but are not in the index that is searched now
    """
    t = words.t
    if run is not None and (run.active or (run.state != "succeeded" and counts.queued)):
        return f'<ul class="runs card">{widgets.run_row(words, run, "project", removable=True)}</ul>'
    if not counts.total:
        return ""
    lines, buttons = [], []
    if outdated:
        lines.append(t("docs.standing_outdated", count=outdated))
        buttons.append(widgets.action(t("docs.do_rebuild"), "rebuild", kind="primary"))
    elif counts.queued + counts.reading:
        lines.append(t("docs.standing_waiting", count=counts.queued + counts.reading))
        buttons.append(widgets.action(t("docs.do_index"), "index", kind="primary"))
    else:
        lines.append(t("docs.standing_ready", documents=counts.indexed, passages=passages))
        if counts.indexed:
            buttons.append(widgets.action(t("docs.do_search"), "to_search", kind="primary"))
            buttons.append(widgets.action(t("docs.do_question"), "go", "playground", title=t("docs.do_question_info")))
    if counts.failed:
        lines.append(t("docs.standing_failed", count=counts.failed))
        buttons.append(widgets.action(t("docs.show_failed"), "only_failed"))
        buttons.append(widgets.action(t("docs.do_retry_all"), "retry_failed"))
    told = " ".join(escape(line) for line in lines)
    return f'<div class="verdict"><p>{told}</p><div class="acts">{"".join(buttons)}</div></div>'


def brought_view(words: Words, brought: Brought) -> str:
    """What became of the files that were just handed over."""
    t = words.t
    lines = []
    if brought.added:
        lines.append(f"<li>{escape(t('docs.brought_added', count=len(brought.added)))}</li>")
    if brought.replaced:
        lines.append(f"<li>{escape(t('docs.brought_replaced', names=names(words, brought.replaced)))}</li>")
    for name, document in brought.same[:MOST_NAMES]:
        lines.append(f"<li>{escape(t('docs.brought_same', name=name, place=document.place))}</li>")
    if len(brought.same) > MOST_NAMES:
        lines.append(f"<li>{escape(t('docs.brought_same_more', count=len(brought.same) - MOST_NAMES))}</li>")
    for name, key, details in brought.refused[:MOST_NAMES]:
        why = reason(words, key, details)
        named = "" if name in why else f"<b>{escape(name)}</b> "
        lines.append(f'<li class="dc-bad">{named}{escape(why)}</li>')
    if len(brought.refused) > MOST_NAMES:
        more = t("docs.brought_more", count=len(brought.refused) - MOST_NAMES)
        lines.append(f'<li class="dc-bad">{escape(more)}</li>')
    return f'<ul class="dc-brought">{"".join(lines)}</ul>' if lines else ""


def names(words: Words, found: Sequence[Document]) -> str:
    """Names in a row, the first few of many."""
    told = [one.name for one in found]
    shown = ", ".join(told[:3])
    return words.t("docs.names_more", names=shown, count=len(told) - 3) if len(told) > 3 else shown


def reason(words: Words, key: str | None, details: Mapping[str, Any]) -> str:
    """Why something failed. A key that nobody wrote is not shown to people."""
    return words.t(key, **details) if key and words.has(key) else words.t("docs.failed_unknown")


# --- the list ---------------------------------------------------------------------------------------------------------


def list_view(
    words: Words, found: Sequence[Document], total: int, passages: Mapping[int, int], listed: Listed, *, there: bool
) -> str:
    """A page of the files; `total` pass the filter. `there`: whether there are any at all."""
    t = words.t
    if not there:
        return widgets.empty(t("docs.empty"), t("docs.empty_hint"))
    if not found:
        return widgets.empty(t("docs.nothing_found"), t("docs.nothing_found_hint"))
    heads = [t(f"docs.head_{name}") for name in ("file", "state", "pages", "passages", "size")]
    rows = [row(words, one, passages.get(one.id), listed) for one in found]
    return widgets.table([*heads, ""], rows, css="dc-files") + pages(words, total, listed.page)


def row(words: Words, one: Document, passages: int | None, listed: Listed) -> list[str]:
    """The cells of one file, as HTML."""
    shown = one.pages if one.pages is not None else "–"
    counted = f"{passages:,}" if passages else "–"
    return [name_cell(words, one), state_cell(words, one), str(shown), counted, escape(words.size(one.size)),
            acts(words, one, listed)]  # fmt: skip


def name_cell(words: Words, one: Document) -> str:
    """The name, what the document calls itself, where it lies, its tags."""
    title = one.title.strip()
    under = [] if not title or title == one.name else [shortened(title)]
    if one.folder:
        under.append(words.t("docs.in_folder", folder=one.folder))
    tags = "".join(f'<span class="tag dc-tag">{escape(tag)}</span>' for tag in one.tags[:MOST_TAGS])
    more = f"<small>+{len(one.tags) - MOST_TAGS}</small>" if len(one.tags) > MOST_TAGS else ""
    line = f"<small>{escape(' · '.join(under))}</small>" if under else ""
    kind = f'<span class="dc-kind">{escape(kind_name(words, one.kind))}</span>'
    return f'<b class="dc-name">{escape(one.name)}</b>{kind}{line}<div class="dc-tags">{tags}{more}</div>'


def kind_name(words: Words, kind: str) -> str:
    key = f"docs.kind_{kind}"
    return words.t(key) if words.has(key) else kind.upper()


def state_cell(words: Words, one: Document) -> str:
    """The state as a sign and a word; of a failed one why and what to do; of a read one what to know."""
    told = words.t(f"docs.state_{one.state}")
    css = {"indexed": " good", "failed": " dc-fail"}.get(one.state, "")
    tag = f'<span class="tag{css}">{SIGNS.get(one.state, "")} {escape(told)}</span>'
    if one.state == "failed":
        return f'{tag}<small class="dc-why">{escape(reason(words, one.error_key, one.error_details))}</small>'
    if one.notes and one.state == "indexed":
        return f"{tag}<small>{escape(words.t('docs.has_notes', count=len(one.notes)))}</small>"
    return tag


def acts(words: Words, one: Document, listed: Listed) -> str:
    t, number = words.t, str(one.id)
    buttons = []
    if one.state == "indexed":
        buttons.append(widgets.action(t("docs.do_read"), "read", number))
    if one.state == "failed":
        buttons.append(widgets.action(t("docs.do_retry"), "retry", number))
    less = listed.opened == one.id
    buttons.append(widgets.action(t("docs.do_close" if less else "docs.do_open"), "open", number))
    return f'<div class="acts">{"".join(buttons)}</div>'


def pages(words: Words, count: int, page: int) -> str:
    last = max(0, (count - 1) // PAGE)
    if not last:
        return ""
    t = words.t
    back = widgets.action(t("docs.page_before"), "page", str(page - 1)) if page else ""
    on = widgets.action(t("docs.page_after"), "page", str(page + 1)) if page < last else ""
    told = escape(t("docs.page_of", page=page + 1, of=last + 1, count=count))
    return f'<div class="acts dc-turn">{back}<span>{told}</span>{on}</div>'


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1].rstrip() + "…"


# --- one file ---------------------------------------------------------------------------------------------------------


def detail_view(words: Words, one: Document, passages: int | None) -> str:
    """All that is known of an opened file, and what can be done with it."""
    t = words.t
    facts = [
        ("docs.fact_place", one.place),
        ("docs.fact_title", one.title.strip()),
        ("docs.fact_kind", kind_name(words, one.kind)),
        ("docs.fact_source", one.source),
        ("docs.fact_length", length(words, one, passages)),
        ("docs.fact_language", t(f"docs.language_{one.language}") if one.language else ""),
        ("docs.fact_dated", one.dated or ""),
        ("docs.fact_created", words.when(one.created)),
    ]
    lines = "".join(f"<dt>{escape(t(key))}</dt><dd>{escape(value)}</dd>" for key, value in facts if value)
    notes = "".join(f"<li>{escape(note_text(words, note.name, note.details, note.pages))}</li>" for note in one.notes)
    told = f'<p class="dc-why">{escape(reason(words, one.error_key, one.error_details))}</p>'
    failed = told if one.state == "failed" else ""
    listed = f'<ul class="dc-notes">{notes}</ul>' if notes else ""
    buttons = [widgets.action(t("docs.do_read"), "read", str(one.id))] if one.state == "indexed" else []
    buttons.append(widgets.action(t("docs.do_reread"), "retry", str(one.id), title=t("docs.do_reread_info")))
    buttons.append(
        widgets.action(
            t("docs.do_remove"), "remove", str(one.id), sure=t("docs.remove_sure", name=one.name), kind="stop"
        )
    )
    return f'{failed}<dl class="dc-facts">{lines}</dl>{listed}<div class="acts">{"".join(buttons)}</div>'


def length(words: Words, one: Document, passages: int | None) -> str:
    """How much it is: pages, characters, passages, bytes; what is not known is left out."""
    parts = []
    if one.pages is not None:
        parts.append(words.t("docs.count_pages", count=one.pages))
    if one.characters is not None:
        parts.append(words.t("docs.count_characters", count=one.characters))
    if passages:
        parts.append(words.t("docs.count_passages", count=passages))
    return " · ".join([*parts, words.size(one.size)])
