"""The tables of a project's database, as typed models. They never leave this package: stores hand out frozen values.

Times are seconds since 1970 (UTC). `body`, `trace`, `assistant` and `value` hold JSON text.
A row with `removed_at` is in the bin: it is not shown, and undo clears the mark.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
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


class ExampleRow(Base):
    """`variables`, `spans`, `tags` and `groups` hold JSON text; `added_by`, `removed_by` name the edit that did it."""

    __tablename__ = "examples"
    __table_args__ = (
        Index("examples_by_input", "input_key"),
        Index("examples_by_split", "split", "id", sqlite_where=text("removed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    input_key: Mapped[str]
    variables: Mapped[str]
    output: Mapped[str]
    spans: Mapped[str | None]
    rejected: Mapped[str | None]
    tags: Mapped[str]
    groups: Mapped[str]
    origin: Mapped[str]
    split: Mapped[str | None]
    revision: Mapped[int]
    created: Mapped[float]
    changed: Mapped[float]
    removed_at: Mapped[float | None]
    added_by: Mapped[int | None]
    removed_by: Mapped[int | None]


class ExampleEditRow(Base):
    """One thing a person did to the examples; `before` holds, as JSON text, what undoing it needs."""

    __tablename__ = "example_edits"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    before: Mapped[str]
    count: Mapped[int]
    created: Mapped[float]
    undone_at: Mapped[float | None]


class DocumentRow(Base):
    """A file that was handed over. Its bytes lie in the project's files under `sha256`, what was read beside them.

    `error_details`, `tags` and `notes` hold JSON text; `dated` is an ISO day. `source` is "" for a file, else the
    archive that it came in.
    """

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("folder", "name"), Index("documents_by_content", "sha256"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folder: Mapped[str]
    source: Mapped[str]
    sha256: Mapped[str]
    kind: Mapped[str]
    size: Mapped[int]
    state: Mapped[str]
    error_key: Mapped[str | None]
    error_details: Mapped[str]
    title: Mapped[str]
    pages: Mapped[int | None]
    characters: Mapped[int | None]
    language: Mapped[str]
    dated: Mapped[str | None]
    tags: Mapped[str]
    notes: Mapped[str]
    created: Mapped[float]
    changed: Mapped[float]


class KnownQuestionRow(Base):
    """A question with the places that answer it: `places` is JSON text, [[document id, start, end], ...].

    Places are offsets in a document's text, not passages: they stay true however the documents are cut.
    """

    __tablename__ = "known_questions"

    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str]
    answer: Mapped[str]
    places: Mapped[str]
    origin: Mapped[str]
    state: Mapped[str]
    created: Mapped[float]
    changed: Mapped[float]


class AnswerRow(Base):
    """What one assistant (by its fingerprint) answered to one input (by its key): asked once, kept for good.

    Seconds; counts in tokens. `error_key` is set instead of a text when the example itself could not be answered.
    """

    __tablename__ = "answers"
    __table_args__ = (UniqueConstraint("assistant", "input_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assistant: Mapped[str]
    input_key: Mapped[str]
    text: Mapped[str]
    finish: Mapped[str | None]
    trace: Mapped[str]
    prompt_tokens: Mapped[int | None]
    answer_tokens: Mapped[int | None]
    seconds: Mapped[float | None]
    first_token_s: Mapped[float | None]
    error_key: Mapped[str | None]
    error_details: Mapped[str]
    created: Mapped[float]


class ScoreRow(Base):
    """Scores of one answer under one rule (metric, parsing, expected output), as JSON text; can be made again."""

    __tablename__ = "scores"

    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)
    scores: Mapped[str]


class Opinion:
    """Columns of what was said of one answer, or of two in the order they were shown."""

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str]
    first_id: Mapped[int] = mapped_column(ForeignKey("answers.id", ondelete="CASCADE"))
    second_id: Mapped[int | None] = mapped_column(ForeignKey("answers.id", ondelete="CASCADE"))
    verdict: Mapped[str]
    detail: Mapped[str]
    created: Mapped[float]


class JudgementRow(Opinion, Base):
    __tablename__ = "judgements"
    __table_args__ = (Index("judgements_by_answer", "first_id", "second_id"),)

    judge: Mapped[str]


class RatingRow(Opinion, Base):
    __tablename__ = "ratings"
    __table_args__ = (Index("ratings_by_answer", "first_id", "second_id"),)

    rater: Mapped[str]
