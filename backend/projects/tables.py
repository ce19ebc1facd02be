"""The tables of a project's database, as typed models. They never leave this package: stores hand out frozen values.

Times are seconds since 1970 (UTC). `body`, `trace`, `assistant` and `value` hold JSON text.
A row with `removed_at` is in the bin: it is not shown, and undo clears the mark.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """Base of the tables; the migrations make them, `create_all` is not used."""


class ProjectRow(Base):
    """The one row that says which project this is."""

    __tablename__ = "project"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    created: Mapped[float]
    changed: Mapped[float]


class Versioned:
    """Columns of what is saved in versions under a name: number 1, 2, 3, ... and which version it came from."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    number: Mapped[int]
    note: Mapped[str]
    created: Mapped[float]
    removed_at: Mapped[float | None]


class AssistantRow(Versioned, Base):
    __tablename__ = "assistants"
    __table_args__ = (UniqueConstraint("name", "number"),)

    parent_id: Mapped[int | None] = mapped_column(ForeignKey("assistants.id"))
    body: Mapped[str]


class PromptRow(Versioned, Base):
    __tablename__ = "prompts"
    __table_args__ = (UniqueConstraint("name", "number"),)

    parent_id: Mapped[int | None] = mapped_column(ForeignKey("prompts.id"))
    system: Mapped[str]
    template: Mapped[str]


class ChatRow(Base):
    __tablename__ = "chats"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    created: Mapped[float]
    changed: Mapped[float]
    removed_at: Mapped[float | None]


class TurnRow(Base):
    """`chosen` is the index, from 0, of the version that is shown and that later answers build on."""

    __tablename__ = "turns"
    __table_args__ = (Index("turns_of_chat", "chat_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"))
    role: Mapped[str]
    chosen: Mapped[int]
    removed_at: Mapped[float | None]
    versions: Mapped[list[TurnVersionRow]] = relationship(order_by="TurnVersionRow.id")


class TurnVersionRow(Base):
    __tablename__ = "turn_versions"
    __table_args__ = (Index("versions_of_turn", "turn_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"))
    text: Mapped[str]
    trace: Mapped[str]
    assistant: Mapped[str | None]
    created: Mapped[float]


class NoteRow(Base):
    """Small things to remember by key: the form in the playground, a view's choice."""

    __tablename__ = "notes"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    changed: Mapped[float]
