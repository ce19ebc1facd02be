"""The conversations of a project. Each call is one transaction: what it returned is on the disk."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from backend.answering import Trace
from backend.assistants import Assistant
from backend.errors import BadInput, NotFound
from backend.messages import Message
from backend.projects.database import Database, row_id
from backend.projects.moments import moment
from backend.projects.tables import ChatRow, TurnRow, TurnVersionRow
from backend.projects.turns import Chat, Speaker, Turn, TurnVersion, read_turn, read_version, trace_text
from backend.text_limits import clean_name, clean_text, writable

TITLE_LIMIT = 120
GUESSED_TITLE = 60

Traced = Trace | Mapping[str, Any]


class ChatStore:
    """Chats and their turns. A removed chat or turn is marked, and undo clears the mark."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- chats

    def create(self, title: str = "") -> Chat:
        """Raises BadInput("error.chat_title")."""
        named = clean_name(title, TITLE_LIMIT, "error.chat_title") if title.strip() else ""
        now = time.time()
        with self._database.write() as session:
            row = ChatRow(title=named, created=now, changed=now)
            session.add(row)
            session.flush()
            return _chat(row)

    def list(self) -> list[Chat]:
        """The chat spoken in last comes first."""
        with self._database.read() as session:
            found = select(ChatRow).where(ChatRow.removed_at.is_(None))
            return [_chat(row) for row in session.scalars(found.order_by(ChatRow.changed.desc(), ChatRow.id.desc()))]

    def get(self, chat_id: int) -> Chat:
        """Raises NotFound("error.chat_missing")."""
        with self._database.read() as session:
            return _chat(_chat_row(session, chat_id))

    def rename(self, chat_id: int, title: str) -> Chat:
        """Raises BadInput("error.chat_title"), NotFound."""
        named = clean_name(title, TITLE_LIMIT, "error.chat_title")
        with self._database.write() as session:
            row = _chat_row(session, chat_id)
            row.title = named
            return _chat(row)

    def remove(self, chat_id: int) -> None:
        """Into the bin. Raises NotFound."""
        with self._database.write() as session:
            _chat_row(session, chat_id).removed_at = time.time()

    def undo_remove(self) -> Chat | None:
        """Bring back the chat that was removed last; None when the bin is empty."""
        with self._database.write() as session:
            removed = select(ChatRow).where(ChatRow.removed_at.is_not(None))
            row = session.scalars(removed.order_by(ChatRow.removed_at.desc()).limit(1)).first()
            if row is None:
                return None
            row.removed_at = None
            return _chat(row)

    # --- turns

    def turns(self, chat_id: int) -> Sequence[Turn]:
        """In the order they were said. Raises NotFound."""
        with self._database.read() as session:
            _chat_row(session, chat_id)
            return [read_turn(row) for row in _turn_rows(session, chat_id)]

    def add_user(self, chat_id: int, text: str) -> Turn:
        """What a person said. Raises BadInput (empty, too long, binary), NotFound."""
        said = _said(text)
        with self._database.write() as session:
            chat = _chat_row(session, chat_id)
            chat.title = chat.title or " ".join(said[: GUESSED_TITLE * 4].split())[:GUESSED_TITLE]
            return _add_turn(session, chat, "user", _version(said, {}, None))

    def add_answer(self, chat_id: int, text: str, trace: Traced, assistant: Assistant) -> Turn:
        """What an assistant answered, or has answered so far (see update_version). Raises NotFound."""
        with self._database.write() as session:
            return _add_turn(session, _chat_row(session, chat_id), "assistant", _version(text, trace, assistant))

    def add_version(self, turn_id: int, text: str, trace: Traced, assistant: Assistant) -> TurnVersion:
        """Another answer in the same place, which is then the chosen one. Raises NotFound."""
        with self._database.write() as session:
            return read_version(_add_version(session, _turn_row(session, turn_id), _version(text, trace, assistant)))

    def update_version(self, version_id: int, text: str, trace: Traced) -> None:
        """An answer grew (streaming, Continue). Kept also when its chat was removed meanwhile. Raises NotFound."""
        with self._database.write() as session:
            row = session.get(TurnVersionRow, row_id(version_id))
            if row is None:
                raise NotFound("error.turn_missing")
            row.text, row.trace = writable(text), trace_text(trace)

    def choose(self, turn_id: int, index: int) -> Turn:
        """Show another version, counted from 0. Raises NotFound."""
        with self._database.write() as session:
            row = _turn_row(session, turn_id)
            if not 0 <= index < len(row.versions):
                raise NotFound("error.turn_missing")
            row.chosen = index
            return read_turn(row)

    def edit_user(self, turn_id: int, text: str) -> Turn:
        """Say it differently: the earlier wording stays as a version, what came after is put in the bin.

        Raises BadInput (empty, too long, binary), NotFound (also for an assistant's turn).
        """
        said = _said(text)
        with self._database.write() as session:
            row = _turn_row(session, turn_id)
            if row.role != "user":
                raise NotFound("error.turn_missing")
            _bin([later for later in _turn_rows(session, row.chat_id) if later.id > row.id])
            _add_version(session, row, _version(said, {}, None))
            return read_turn(row)

    def remove_last(self, chat_id: int) -> Sequence[Turn]:
        """Put the last exchange in the bin: the person's last message and what followed. Hands out what was removed."""
        with self._database.write() as session:
            _chat_row(session, chat_id)
            rows = _turn_rows(session, chat_id)
            asked = [place for place, row in enumerate(rows) if row.role == "user"]
            last = rows[asked[-1] if asked else 0 :]
            _bin(last)
            return [read_turn(row) for row in last]

    def undo_remove_last(self, chat_id: int) -> Sequence[Turn]:
        """Bring back the turns removed last, as long as nothing was said since; hands out what came back."""
        with self._database.write() as session:
            _chat_row(session, chat_id)
            here = TurnRow.chat_id == chat_id
            last = session.scalar(select(func.max(TurnRow.removed_at)).where(here))
            if last is None:
                return []
            back = session.scalars(select(TurnRow).where(here, TurnRow.removed_at == last).order_by(TurnRow.id)).all()
            if any(row.id > back[0].id for row in _turn_rows(session, chat_id)):
                return []
            for row in back:
                row.removed_at = None
            return [read_turn(row) for row in back]

    def history(self, chat_id: int, upto: int | None = None) -> tuple[Message, ...]:
        """The chosen versions as messages: of all turns, or of those before the turn `upto`. Raises NotFound."""
        return tuple(turn.message() for turn in self.turns(chat_id) if upto is None or turn.id < upto)


def _said(text: str) -> str:
    said = clean_text(text)
    if not said.strip():
        raise BadInput("error.text_empty")
    return said


def _chat(row: ChatRow) -> Chat:
    return Chat(row.id, row.title, moment(row.created), moment(row.changed))


def _chat_row(session: Session, chat_id: int) -> ChatRow:
    row = session.get(ChatRow, row_id(chat_id))
    if row is None or row.removed_at is not None:
        raise NotFound("error.chat_missing")
    return row


def _turn_row(session: Session, turn_id: int) -> TurnRow:
    row = session.get(TurnRow, row_id(turn_id))
    if row is None or row.removed_at is not None:
        raise NotFound("error.turn_missing")
    return row


def _turn_rows(session: Session, chat_id: int) -> Sequence[TurnRow]:
    found = select(TurnRow).where(TurnRow.chat_id == chat_id, TurnRow.removed_at.is_(None)).order_by(TurnRow.id)
    return session.scalars(found.options(selectinload(TurnRow.versions))).all()


def _version(text: str, trace: Traced, assistant: Assistant | None) -> TurnVersionRow:
    body = None if assistant is None else assistant.model_dump_json()
    return TurnVersionRow(text=writable(text), trace=trace_text(trace), assistant=body, created=time.time())


def _add_turn(session: Session, chat: ChatRow, role: Speaker, version: TurnVersionRow) -> Turn:
    row = TurnRow(chat_id=chat.id, role=role, chosen=0, versions=[version])
    session.add(row)
    chat.changed = time.time()
    session.flush()
    return read_turn(row)


def _add_version(session: Session, row: TurnRow, version: TurnVersionRow) -> TurnVersionRow:
    row.versions.append(version)
    row.chosen = len(row.versions) - 1
    session.flush()
    return version


def _bin(rows: Sequence[TurnRow]) -> None:
    now = time.time()
    for row in rows:
        row.removed_at = now
