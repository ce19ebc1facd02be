"""What was brought in as HTML: what was read, what was guessed and why, the first rows as the model sees them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from backend.examples.example import NewExample
from backend.examples.notes import Note
from backend.examples.shapes import Source
from backend.messages import Message
from tabs import widgets
from tabs.fewshot.data_marks import short
from tabs.text import Words

PROBLEMS = 6
PLAIN = "importing.reason.table"
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}
LONGEST = 900
MOST_NEW = 12
MOST_JOINED = 60
"""So many new labels at once are another task's answers rather than labels of this one."""


def busy(text: str) -> str:
    return f'<p class="fs-busy" role="status">{escape(text)}</p>'


def fault(text: str) -> str:
    return f'<p class="fs-fault" role="alert">{escape(text)}</p>'


def facts_view(words: Words, source: Source) -> str:
    """Rows, columns, shape, encoding; what had to be mended."""
    t, table = words.t, source.table
    facts = [t("data.rows", count=len(table.cells)), t("data.columns", count=len(table.columns))]
    if table.encoding:
        facts.append(t("data.encoding", encoding=table.encoding.upper()))
    if table.delimiter in DELIMITERS:
        facts.append(t(f"data.delimiter_{DELIMITERS[table.delimiter]}"))
    shape = t(f"data.shape_{source.shape}")
    line = f'<p class="fs-fact"><b>{escape(shape)}</b> · {escape(" · ".join(facts))}</p>'
    # That an ordinary table is one needs no reason.
    reasons = source.reasons if source.shape != "table" else [one for one in source.reasons if one.key != PLAIN]
    why = "".join(f"<li>{escape(told)}</li>" for told in sentences(words, reasons))
    odd = table.encoding and table.encoding.lower() not in ("utf-8", "utf-8-sig", "ascii")
    note = f'<p class="note">{escape(t("data.encoding_why"))}</p>' if odd else ""
    return f"{line}{f'<ul class=fs-why>{why}</ul>' if why else ''}{note}{problems_view(words, source)}"


def problems_view(words: Words, source: Source) -> str:
    told = [words.t(one.key, **one.details) if words.has(one.key) else one.key for one in source.problems[:PROBLEMS]]
    rest = len(source.problems) - PROBLEMS
    if rest > 0:
        told.append(words.t("data.problems_more", count=rest))
    return f'<ul class="fs-warnings">{"".join(f"<li>{escape(one)}</li>" for one in told)}</ul>' if told else ""


def sentences(words: Words, notes: Sequence[Note]) -> list[str]:
    return [widgets.told(words, note.key, note.details) for note in notes]


def new_labels_told(words: Words, new: Sequence[str]) -> list[str]:
    """Which labels come along; that so many are no labels of this task."""
    if not new:
        return []
    if len(new) > MOST_JOINED:
        return [words.t("data.labels_foreign", count=len(new))]
    listed = ", ".join(label[:60] for label in new[:MOST_NEW]) + ("…" if len(new) > MOST_NEW else "")
    return [words.t("data.labels_new", labels=listed)]


def reasons_view(words: Words, notes: Sequence[Note], more: Sequence[str] = ()) -> str:
    """Why the columns and the task were guessed as they were."""
    told = [*more, *sentences(words, notes)]
    if not told:
        return ""
    lines = "".join(f"<li>{escape(one)}</li>" for one in told)
    return f'<div class="fs-reasons"><b>{escape(words.t("data.guess_why"))}</b><ul class="fs-why">{lines}</ul></div>'


def preview_view(
    words: Words, rows: Sequence[tuple[NewExample, Sequence[Message]]], note: str, faults: Sequence[str] = ()
) -> str:
    """Each of the first rows as the messages the model gets, and the answer it should give."""
    t = words.t
    if not rows:
        return fault(t("data.preview_none")) + "".join(fault(one) for one in faults)
    system = next((one.content for _, messages in rows for one in messages if one.role == "system"), "")
    head = f'<h3>{escape(t("data.preview"))}</h3><p class="note">{escape(note)} {escape(t("data.preview_note"))}</p>'
    top = said(t("data.role_system"), system) if system else ""
    sheets = "".join(f"<article>{sheet(words, one, messages)}</article>" for one, messages in rows)
    told = "".join(fault(one) for one in faults)
    body = f'<div class="fs-system">{top}</div><div class="fs-sheet">{sheets}</div>'
    return f'<div class="fs-preview">{head}{told}{body}</div>'


def sheet(words: Words, one: NewExample, messages: Sequence[Message]) -> str:
    asked = "".join(said(words.t(f"data.role_{m.role}"), m.content) for m in messages if m.role != "system")
    worse = said(words.t("data.role_rejected"), one.rejected) if one.rejected else ""
    return f"{asked}{said(words.t('data.role_wanted'), one.output, 'fs-wanted')}{worse}"


def said(who: str, text: str, css: str = "") -> str:
    told = short(text, LONGEST) or "–"
    return f'<div class="fs-said"><small>{escape(who)}</small><span class="{css}">{told}</span></div>'
