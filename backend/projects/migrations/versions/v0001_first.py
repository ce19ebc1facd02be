"""The first format: the project, its assistants, prompts and chats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "project",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
    )
    _versioned("assistants", sa.Column("body", sa.String, nullable=False))
    _versioned(
        "prompts",
        sa.Column("system", sa.String, nullable=False),
        sa.Column("template", sa.String, nullable=False),
    )
    _chats()


def _versioned(table: str, *columns: sa.Column[str]) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("parent_id", sa.Integer, sa.ForeignKey(f"{table}.id"), nullable=True),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        *columns,
        sa.UniqueConstraint("name", "number"),
    )


def _chats() -> None:
    op.create_table(
        "chats",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
    )
    op.create_table(
        "turns",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("chat_id", sa.Integer, sa.ForeignKey("chats.id", ondelete="CASCADE"), nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("chosen", sa.Integer, nullable=False),
    )
    op.create_index("turns_of_chat", "turns", ["chat_id"])
    op.create_table(
        "turn_versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("turn_id", sa.Integer, sa.ForeignKey("turns.id", ondelete="CASCADE"), nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("trace", sa.String, nullable=False),
        sa.Column("assistant", sa.String, nullable=True),
        sa.Column("created", sa.Float, nullable=False),
    )
    op.create_index("versions_of_turn", "turn_versions", ["turn_id"])
