"""The known questions as a list: where each is answered, and what can be done with it. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from backend.documents.measuring.importing import Imported
from backend.documents.measuring.questions import KnownQuestion
from tabs import widgets
from tabs.text import Words

SHOWN: Final = 220
MOST_REFUSED: Final = 20


@dataclass(frozen=True)
class Spot:
    """A place as people read it.

    gone    its document is not there any more     unread  it is, and waits to be read (again)
    lost    its words are not in the document as it is now
    text    what stands there; else what stood there
    """

    document: str
    text: str
    state: Literal["there", "gone", "unread", "lost"] = "there"


@dataclass(frozen=True)
class Row:
    question: KnownQuestion
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class Turn:
    """Which page of how many questions, `proposed` of them not accepted yet, `lost` with a place that is lost."""

    page: int
    size: int
    total: int
    proposed: int
    lost: int = 0


def list_view(words: Words, rows: list[Row], turn: Turn) -> str:
    t = words.t
    if not turn.total:
        return widgets.empty(t("measure.none"), t("measure.none_hint"))
    told = t("measure.standing", accepted=turn.total - turn.proposed, proposed=turn.proposed)
    every = widgets.action(t("measure.accept_all"), "accept_all") if turn.proposed else ""
    head = f'<div class="dr-head"><span class="note">{escape(told)}</span>{every}</div>'
    if turn.lost:
        head += f'<p class="dr-warn">{escape(t("measure.lost_count", count=turn.lost))}</p>'
    heads = [t("measure.col_question"), t("measure.col_place"), ""]
    table = widgets.table(heads, [_cells(words, row) for row in rows], css="dr-questions")
    return head + table + _turn(words, turn)


def _cells(words: Words, row: Row) -> list[str]:
    t, one = words.t, row.question
    badge = f' <span class="tag">{escape(t("measure.proposed"))}</span>' if one.state == "proposed" else ""
    answer = f"<small>{escape(t('measure.answer_line', answer=_short(one.answer)))}</small>" if one.answer else ""
    buttons = [widgets.action(t("measure.accept"), "accept", str(one.id), kind="primary")] if badge else []
    buttons.append(widgets.action(t("measure.edit"), "edit", str(one.id)))
    leave = t("measure.reject") if badge else t("common.remove")
    buttons.append(widgets.action(leave, "drop", str(one.id), kind="quiet", sure="" if badge else t("measure.sure")))
    acts = f'<div class="acts">{"".join(buttons)}</div>'
    return [f"<b>{escape(one.question)}</b>{badge}{answer}", _spots(words, row), acts]


def _spots(words: Words, row: Row) -> str:
    told = "".join(f"<li>{spot_view(words, one)}</li>" for one in row.spots)
    if not row.spots:
        return f'<small class="dc-bad">{escape(words.t("measure.place_gone"))}</small>'
    there = any(one.state == "there" for one in row.spots)
    read = widgets.action(words.t("measure.read"), "read", str(row.question.id), kind="quiet") if there else ""
    return f'<ul class="dr-spots">{told}</ul>{read}'


def spot_view(words: Words, one: Spot) -> str:
    """The document, and the words; or why they cannot be seen, and what to do."""
    quote = f"<q>{escape(_short(one.text))}</q>" if one.text else ""
    why = (
        "" if one.state == "there" else f'<small class="dc-bad">{escape(words.t(f"measure.place_{one.state}"))}</small>'
    )
    return f"<small>{escape(one.document)}</small>{quote}{why}"


def gathered_view(words: Words, spots: list[Spot], *, editing: bool) -> str:
    """Above the fields for a place: the places that the question in the form has already."""
    t = words.t
    head = ""
    if editing:
        stop = widgets.action(t("measure.give_up"), "give_up", kind="quiet")
        head = f'<p class="dr-editing"><span>{escape(t("measure.editing"))}</span>{stop}</p>'
    if not spots:
        return head
    leave = t("measure.leave_out")
    lines = "".join(
        f"<li><div>{spot_view(words, one)}</div>{widgets.action(leave, 'leave_out', str(at), kind='quiet')}</li>"
        for at, one in enumerate(spots)
    )
    title = escape(t("measure.gathered", count=len(spots)))
    return f'{head}<p class="note">{title}</p><ul class="dr-gathered">{lines}</ul>'


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _turn(words: Words, turn: Turn) -> str:
    pages = -(-turn.total // turn.size)
    if pages < 2:
        return ""
    before = widgets.action(words.t("measure.before"), "page", str(turn.page - 1)) if turn.page else ""
    after = widgets.action(words.t("measure.after"), "page", str(turn.page + 1)) if turn.page + 1 < pages else ""
    return f'<div class="acts dc-turn">{before}<span>{turn.page + 1} / {pages}</span>{after}</div>'


def imported_view(words: Words, done: Imported) -> str:
    """How many came in, and each row that did not with its reason."""
    t = words.t
    lines = [t("measure.imported", added=done.added, same=done.same, refused=len(done.refused))]
    for one in done.refused[:MOST_REFUSED]:
        why = t(one.key, **dict(one.details)) if words.has(one.key) else one.key
        lines.append(t("measure.refused_line", line=one.line, why=why))
    if len(done.refused) > MOST_REFUSED:
        lines.append(t("measure.refused_more", count=len(done.refused) - MOST_REFUSED))
    return f'<ul class="dc-brought">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'
