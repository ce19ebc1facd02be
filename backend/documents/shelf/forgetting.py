"""What kept conversations and answers repeat of documents that were removed: their passages, blanked where they stand.

An answer's own words stay: they are the model's. Of the prompt each passage goes as it was quoted, `[2] name · page`
with its lines behind "> "; where it is not found so (a template that breaks lines up), the prompt goes as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.projects.tables import AnswerRow, TurnVersionRow
from backend.text_limits import writable

BLOCK: Final = re.compile(r"^\[(\d+)\][^\n]*(?:\n>[^\n]*)+", re.MULTILINE)
"""A quoted passage, as `backend.documents.grounding.quoting` writes it."""
BLANK: Final = "[{number}]\n> …"
AT_ONCE: Final = 200


def forget_in_traces(session: Session, ids: Collection[int]) -> int:
    """Blank the passages of these documents in every kept trace, of binned chats too; how many traces changed."""
    wanted = frozenset(ids)
    return sum(_forget(session, table, wanted) for table in (TurnVersionRow, AnswerRow)) if wanted else 0


def _forget(session: Session, table: type[TurnVersionRow] | type[AnswerRow], ids: frozenset[int]) -> int:
    changed = 0
    for number, text in _grounded(session, table):
        trace = json.loads(text)
        if _blanked(trace, ids):
            kept = writable(json.dumps(trace, ensure_ascii=False))
            session.execute(update(table).where(table.id == number).values(trace=kept))
            changed += 1
    return changed


def _grounded(session: Session, table: type[TurnVersionRow] | type[AnswerRow]) -> Iterator[tuple[int, str]]:
    """(row, trace) of those that rest on documents, some at a time: one may hold a long prompt."""
    rests = func.json_type(table.trace, "$.passages") == "array"
    last = 0
    while True:
        asked = select(table.id, table.trace).where(table.id > last, rests).order_by(table.id).limit(AT_ONCE)
        rows = session.execute(asked).all()
        yield from ((row[0], row[1]) for row in rows)
        if len(rows) < AT_ONCE:
            return
        last = rows[-1][0]


def _blanked(trace: dict[str, Any], ids: frozenset[int]) -> bool:
    """Change a trace in place; whether anything was to be changed."""
    gone = {number for number, of in _numbered(trace.get("passages") or []) if of in ids}
    for one in trace.get("passages") or []:
        if isinstance(one, dict) and one.get("number") in gone:
            one["document"], one["shortened"] = "", 0
            one["passage"] = {**one["passage"], "text": "", "headings": []}
    for one in trace.get("sources") or []:
        if isinstance(one, list) and len(one) > 3 and one[0] in gone:
            one[1], one[3] = "", []
    seen = [one for one in _seen(trace) if _document(one.get("passage_id")) in ids]
    for one in seen:
        one |= {name: "" for name in ("document", "beginning") if name in one}
    if gone:
        _blank_prompt(trace, gone)
    return bool(gone or seen)


def _numbered(passages: list[Any]) -> Iterator[tuple[int, int | None]]:
    """(number in the prompt, document) of passages kept whole, as chats do, or by their ids, as answers do."""
    for place, one in enumerate(passages, 1):
        if isinstance(one, dict):
            yield int(one.get("number") or place), _document((one.get("passage") or {}).get("document_id"))
        else:
            yield place, _document(one)


def _seen(trace: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What retrievers found, and what was cut for length."""
    for found in ((trace.get("retrieval") or {}).get("retrievers") or {}).values():
        yield from found
    yield from trace.get("cut") or []


def _document(passage_id: object) -> int | None:
    number = str(passage_id).partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() else None


def _blank_prompt(trace: dict[str, Any], gone: set[int]) -> None:
    prompt, found = _without(str(trace.get("prompt") or ""), gone)
    trace["prompt"] = prompt if gone <= found else ""
    if not trace.get("messages"):
        return
    said: set[int] = set()
    for message in trace["messages"]:
        message["content"], found = _without(str(message.get("content") or ""), gone)
        said |= found
    if not gone <= said:
        trace["messages"] = []


def _without(text: str, gone: set[int]) -> tuple[str, set[int]]:
    """(the text with these passages blanked, the numbers that were found)."""
    found: set[int] = set()

    def blank(mark: re.Match[str]) -> str:
        number = int(mark[1])
        if number not in gone:
            return mark[0]
        found.add(number)
        return BLANK.format(number=number)

    return BLOCK.sub(blank, text), found
