"""What is removed can come back (removed_at), and the form of the playground is kept (notes)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for table in ("assistants", "prompts", "chats", "turns"):
        op.add_column(table, sa.Column("removed_at", sa.Float, nullable=True))
    op.create_table(
        "notes",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
    )
