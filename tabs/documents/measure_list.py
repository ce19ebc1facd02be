"""The known questions as a list: where each is answered, and what can be done with it. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

from backend.documents.measuring.importing import Imported
from backend.documents.measuring.questions import KnownQuestion
from tabs import widgets
from tabs.text import Words

SHOWN: Final = 220
MOST_REFUSED: Final = 20


@dataclass(frozen=True)
class Spot:
    """A place as people read it; "" for both when its document is gone or not read."""

    document: str
    text: str


@dataclass(frozen=True)
class Row:
    question: KnownQuestion
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class Turn:
    """Which page of how many questions, `proposed` of them not accepted yet."""

    page: int
    size: int
    total: int
    proposed: int


def list_view(words: Words, rows: list[Row], turn: Turn) -> str:
    t = words.t
    if not turn.total:
        return widgets.empty(t("measure.none"), t("measure.none_hint"))
    told = t("measure.standing", accepted=turn.total - turn.proposed, proposed=turn.proposed)
    every = widgets.action(t("measure.accept_all"), "accept_all") if turn.proposed else ""
    head = f'<div class="dr-head"><span class="note">{escape(told)}</span>{every}</div>'
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
    gone = f'<small class="dc-bad">{escape(words.t("measure.place_gone"))}</small>'
    told = [f"<small>{escape(one.document)}</small><q>{escape(_short(one.text))}</q>" for one in row.spots if one.text]
    lost = [gone] if len(told) < max(1, len(row.spots)) else []
    read = widgets.action(words.t("measure.read"), "read", str(row.question.id), kind="quiet") if told else ""
    return "<br>".join([*told, *lost]) + read


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
