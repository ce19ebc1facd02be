"""A leaf of a document with the borders of its passages drawn into the text. Pure functions; all text is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from backend.documents.grounding.suspicion import suspicions
from backend.documents.values import Block, Laid, Parsed, Passage
from tabs import widgets
from tabs.documents.passages_leaves import Leaf, pieces
from tabs.text import Words

TAGS: Final[Mapping[str, str]] = {"list": "p", "paragraph": "p", "caption": "p", "code": "pre"}
MOST_NOTES: Final = 8


@dataclass(frozen=True)
class Page:
    """What one leaf is drawn from. `here` is the number of the passage that was asked for, None when none was."""

    parsed: Parsed
    laid: Laid
    leaf: Leaf
    passages: Sequence[Passage]
    here: int | None = None


def page_view(words: Words, page: Page) -> str:
    """The text of a leaf. Every passage begins with its number; what two share is underlined."""
    known = {one.number: one for one in page.passages}
    drawn = []
    for block, (start, end) in zip(page.parsed.blocks, page.laid.spans, strict=True):
        left, right = max(start, page.leaf.start), min(end, page.leaf.end)
        if left < right:
            drawn.append(_block(words, page, known, block, (start, left, right)))
    article = f'<article class="dc-page" lang="{escape(_language(page))}">{"".join(drawn)}</article>'
    return flagged_view(words, page) + article


def flagged_view(words: Words, page: Page) -> str:
    """Above the text: which passages of this leaf speak to the model, and in what way."""
    here = [one for one in page.passages if one.start < page.leaf.end and one.end > page.leaf.start]
    told = [
        f"<li><b>{escape(words.t('docs.passage_no', number=one.number + 1))}</b> {escape(line)}</li>"
        for one in here
        for line in flags(words, suspicions(one.text))
    ]
    return f'<ul class="dc-notes dc-flagged">{"".join(told[:MOST_NOTES])}</ul>' if told else ""


def _language(page: Page) -> str:
    """For the browser's hyphens and voices: that of the first passage that tells one."""
    told = [one.language for one in page.passages if one.language in ("ko", "en")]
    return told[0] if told else "ko"


def _block(words: Words, page: Page, known: Mapping[int, Passage], block: Block, at: tuple[int, int, int]) -> str:
    """One block between two offsets; `at` is where the block begins, then the part of it on this leaf."""
    start, left, right = at
    if block.kind == "table" and _is_grid(block) and left == start and right - left == len(block.text):
        return _grid(words, page, known, block, start)
    inside = _run(words, page, known, left, right)
    if block.kind == "heading":
        level = min(6, max(3, block.level + 2))
        return f"<h{level}>{inside}</h{level}>"
    if block.kind == "table":
        return f'<p class="dc-lines">{inside}</p>'
    tag = TAGS.get(block.kind, "p")
    css = f' class="dc-list" style="--depth:{min(block.level, 6)}"' if block.kind == "list" else ""
    css = ' class="dc-caption"' if block.kind == "caption" else css
    return f"<{tag}{css}>{inside}</{tag}>"


def _is_grid(block: Block) -> bool:
    """Whether every line of the text is one row, so that borders can be drawn between rows."""
    return bool(block.rows) and len(block.text.split("\n")) == len(block.rows)


def _grid(words: Words, page: Page, known: Mapping[int, Passage], block: Block, start: int) -> str:
    rows, at = [], start
    for line, cells in zip(block.text.split("\n"), block.rows, strict=True):
        found = pieces(at, at + len(line), page.passages)
        holders = tuple(dict.fromkeys(number for piece in found for number in piece.holders))
        chips = "".join(_chip(words, known[number]) for piece in found for number in piece.opens)
        tag = "th" if at == start else "td"
        drawn = "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
        rows.append(f'<tr class="{_css(holders, page.here)}"><td class="dc-edge">{chips}</td>{drawn}</tr>')
        at += len(line) + 1
    return f'<div class="dc-grid"><table>{"".join(rows)}</table></div>'


def _run(words: Words, page: Page, known: Mapping[int, Passage], start: int, end: int) -> str:
    """Running text, with a number where a passage begins."""
    drawn = []
    for piece in pieces(start, end, page.passages):
        chips = "".join(_chip(words, known[number]) for number in piece.opens)
        text = escape(page.laid.text[piece.start : piece.end])
        tag = "mark" if page.here is not None and page.here in piece.holders else "span"
        drawn.append(f'{chips}<{tag} class="{_css(piece.holders, page.here)}">{text}</{tag}>')
    return "".join(drawn)


def _css(holders: Sequence[int], here: int | None) -> str:
    if not holders:
        return "dc-none"
    names = ["dc-odd" if holders[0] % 2 else "dc-even"]
    if len(holders) > 1:
        names.append("dc-both")
    if here is not None and here in holders:
        names.append("dc-here")
    return " ".join(names)


def _chip(words: Words, passage: Passage) -> str:
    flagged = suspicions(passage.text)
    told = escape(" · ".join([passage_facts(words, passage), *flags(words, flagged)]), quote=True)
    css, sign = ("dc-no dc-flag", " ⚠") if flagged else ("dc-no", "")
    return f'<b class="{css}" title="{told}" id="dc-p{passage.number}">{passage.number + 1}{sign}</b>'


def flags(words: Words, flagged: Sequence[str]) -> list[str]:
    """Why a passage is flagged, in words."""
    return [words.t(f"grounding.suspicion_{one}") for one in flagged]


def passage_facts(words: Words, passage: Passage) -> str:
    """In one line: which passage, how long, where."""
    parts = [words.t("docs.passage_no", number=passage.number + 1)]
    if passage.tokens:
        parts.append(words.t("docs.tokens", count=passage.tokens))
    if passage.headings:
        parts.append(" › ".join(passage.headings))
    return " · ".join(parts)


# --- around the text --------------------------------------------------------------------------------------------------


def leaf_name(words: Words, parsed: Parsed, leaf: Leaf, number: int, of: int) -> str:
    """ "3 / 12쪽", the name of a sheet, or which piece of a text without pages."""
    if leaf.page is None or parsed.page_kind == "none":
        return words.t("docs.leaf_piece", number=number + 1, of=of)
    name = words.t(f"docs.leaf_{parsed.page_kind}", number=leaf.page, of=parsed.pages or leaf.page)
    if 0 < leaf.page <= len(parsed.names) and parsed.names[leaf.page - 1]:
        name += f" · {parsed.names[leaf.page - 1]}"
    return f"{name} ({leaf.part}/{leaf.parts})" if leaf.parts > 1 else name


def turning_view(words: Words, name: str, number: int, of: int) -> str:
    """The buttons that turn the leaves; nothing where there is only one."""
    if of < 2:
        return ""
    t = words.t
    back = widgets.action(t("docs.leaf_before"), "leaf", str(number - 1)) if number else ""
    on = widgets.action(t("docs.leaf_after"), "leaf", str(number + 1)) if number + 1 < of else ""
    return f'<div class="acts dc-turn">{back}<span>{escape(name)}</span>{on}</div>'


def legend_view(words: Words, count: int, tokens: Sequence[int], *, tried: bool = False, part: bool = False) -> str:
    """How many passages there are, how long, and how to read the text below.

    tried  they are not those in use; part  only the open leaf was cut
    """
    t = words.t
    if not count:
        return f'<p class="note">{escape(t("docs.no_passages_yet"))}</p>'
    told = t("docs.passages_tried" if tried else "docs.passages_count", count=count)
    if any(tokens):
        ordered = sorted(tokens)
        sizes = {"least": ordered[0], "middle": ordered[len(ordered) // 2], "most": ordered[-1]}
        alike = ordered[0] == ordered[-1]
        told = f"{told} {t('docs.passages_alike', most=ordered[-1]) if alike else t('docs.passages_sizes', **sizes)}"
    if part:
        told = f"{told} {t('docs.passages_tried_leaf')}"
    css = "dc-told dc-tried" if tried else "dc-told"
    return f'<p class="{css}">{escape(told)}</p><p class="note">{escape(t("docs.passages_legend"))}</p>'


def empty_view(words: Words) -> str:
    """Where no document was read yet."""
    t = words.t
    button = widgets.action(t("docs.go_files"), "to_files", kind="primary")
    told = widgets.empty(t("docs.passages_empty"), t("docs.passages_empty_hint"))
    return f'{told}<div class="acts dc-center">{button}</div>'


def notes_view(words: Words, parsed: Parsed) -> str:
    """What a person should know of a document: pages without text, what was left out."""
    lines = [f"<li>{escape(note_text(words, note.name, note.details, note.pages))}</li>" for note in parsed.notes]
    return f'<ul class="dc-notes">{"".join(lines[:MOST_NOTES])}</ul>' if lines else ""


def note_text(words: Words, name: str, details: Mapping[str, str], pages: Sequence[int]) -> str:
    key = f"documents.note.{name}"
    told = words.t(key, **{"pages": page_list(pages), "count": len(pages), **details}) if words.has(key) else name
    return f"{told} ({words.t('docs.on_pages', pages=page_list(pages))})" if pages and key_hides(words, key) else told


def key_hides(words: Words, key: str) -> bool:
    """Whether the sentence does not name the pages itself."""
    return words.has(key) and "{pages}" not in words.raw(key)


def page_list(pages: Sequence[int], most: int = 12) -> str:
    """Page numbers as people write them: "3, 5-9, 12"."""
    told, ordered = [], sorted(set(pages))
    while ordered:
        last = 0
        while last + 1 < len(ordered) and ordered[last + 1] == ordered[last] + 1:
            last += 1
        told.append(str(ordered[0]) if not last else f"{ordered[0]}-{ordered[last]}")
        ordered = ordered[last + 1 :]
    return ", ".join(told[:most]) + (" …" if len(told) > most else "")
