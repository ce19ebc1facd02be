"""Which documents are meant: as a list asks for them, and as an assistant's filter does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from backend.assistants import Part, PassageFilter
from backend.documents.values import State
from backend.projects.tables import DocumentRow


class DocumentFilter(Part):
    """A document is listed when each field that is set lets it through; `text` is looked for in name and title.

    dated_from, dated_to  ISO days, both within
    """

    text: str = ""
    states: tuple[State, ...] = ()
    kinds: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    ids: tuple[int, ...] | None = None
    dated_from: str = ""
    dated_to: str = ""


def matching(asked: DocumentFilter) -> ColumnElement[bool]:
    wanted: list[ColumnElement[bool]] = [true()]
    if asked.text.strip():
        text = asked.text.strip()
        named = [column.icontains(text, autoescape=True) for column in (DocumentRow.name, DocumentRow.title)]
        wanted.append(or_(*named))
    pairs = (("state", asked.states), ("kind", asked.kinds), ("folder", asked.folders), ("language", asked.languages))
    wanted += [getattr(DocumentRow, name).in_(values) for name, values in pairs if values]
    if asked.tags:
        wanted.append(_tagged(asked.tags))
    if asked.ids is not None:
        wanted.append(DocumentRow.id.in_(asked.ids))
    return and_(*wanted, *_dated(asked.dated_from, asked.dated_to))


def chosen(asked: PassageFilter) -> ColumnElement[bool] | None:
    """None when it lets every document through. A document without a date of its own has that of its arrival."""
    wanted: list[ColumnElement[bool]] = []
    if asked.documents:
        wanted.append(DocumentRow.id.in_(asked.documents))
    if asked.folders:
        wanted.append(or_(*(_within(folder) for folder in asked.folders)))
    if asked.tags:
        wanted.append(_tagged(asked.tags))
    wanted += _dated(asked.dated_from or "", asked.dated_to or "")
    return and_(*wanted) if wanted else None


def _dated(since: str, until: str) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if since:
        arrived = and_(DocumentRow.dated.is_(None), DocumentRow.created >= _seconds(since))
        wanted.append(or_(DocumentRow.dated >= since, arrived))
    if until:
        arrived = and_(DocumentRow.dated.is_(None), DocumentRow.created < _seconds(until, days=1))
        wanted.append(or_(DocumentRow.dated <= until, arrived))
    return wanted


def _within(folder: str) -> ColumnElement[bool]:
    """The folder itself and all below it."""
    return or_(DocumentRow.folder == folder, DocumentRow.folder.startswith(f"{folder}/", autoescape=True))


def _tagged(tags: tuple[str, ...]) -> ColumnElement[bool]:
    """With one of the tags at least."""
    within = func.json_each(DocumentRow.tags).table_valued("value")
    return select(within.c.value).where(within.c.value.in_(tags)).exists()


def _seconds(day: str, days: int = 0) -> float:
    """When a day (UTC) begins; a day that no calendar has is in the far past."""
    try:
        return (datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=days)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
