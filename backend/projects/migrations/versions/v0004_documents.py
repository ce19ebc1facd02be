"""Documents that were handed over, and questions whose answering places are known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


def number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=nullable)


def moment(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float, nullable=False)


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer, primary_key=True),
        text("name"),
        text("folder"),
        text("source"),
        text("sha256"),
        text("kind"),
        number("size"),
        text("state"),
        text("error_key", nullable=True),
        text("error_details"),
        text("title"),
        number("pages", nullable=True),
        number("characters", nullable=True),
        text("language"),
        text("dated", nullable=True),
        text("tags"),
        text("notes"),
        moment("created"),
        moment("changed"),
        sa.UniqueConstraint("folder", "name"),
    )
    op.create_index("documents_by_content", "documents", ["sha256"])
    op.create_table(
        "known_questions",
        sa.Column("id", sa.Integer, primary_key=True),
        text("question"),
        text("answer"),
        text("places"),
        text("origin"),
        text("state"),
        moment("created"),
        moment("changed"),
    )
