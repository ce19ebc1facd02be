"""Task data with its log of edits, and what assistants answered to it, scored and judged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


def number(name: str, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=nullable)


def amount(name: str, nullable: bool = True) -> sa.Column[float]:
    return sa.Column(name, sa.Float, nullable=nullable)


def primary() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def upgrade() -> None:
    examples()
    answers()
    judgements()


def examples() -> None:
    op.create_table(
        "examples",
        primary(),
        text("input_key"),
        text("variables"),
        text("output"),
        text("spans", nullable=True),
        text("rejected", nullable=True),
        text("tags"),
        text("groups"),
        text("origin"),
        text("split", nullable=True),
        number("revision", nullable=False),
        amount("created", nullable=False),
        amount("changed", nullable=False),
        amount("removed_at"),
        number("added_by"),
        number("removed_by"),
    )
    op.create_index("examples_by_input", "examples", ["input_key"])
    op.create_index("examples_by_split", "examples", ["split", "id"], sqlite_where=sa.text("removed_at IS NULL"))
    op.create_table(
        "example_edits",
        primary(),
        text("kind"),
        text("before"),
        number("count", nullable=False),
        amount("created", nullable=False),
        amount("undone_at"),
    )


def answers() -> None:
    op.create_table(
        "answers",
        primary(),
        text("assistant"),
        text("input_key"),
        text("text"),
        text("finish", nullable=True),
        text("trace"),
        number("prompt_tokens"),
        number("answer_tokens"),
        amount("seconds"),
        amount("first_token_s"),
        text("error_key", nullable=True),
        text("error_details"),
        amount("created", nullable=False),
        sa.UniqueConstraint("assistant", "input_key"),
    )
    op.create_table(
        "scores",
        sa.Column("answer_id", sa.Integer, sa.ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("rule", sa.String, primary_key=True),
        text("scores"),
    )


def judgements() -> None:
    """What a judging model (judgements) and people (ratings) said of one answer or of two."""
    for table, who in (("judgements", "judge"), ("ratings", "rater")):
        op.create_table(
            table,
            primary(),
            text(who),
            text("rule"),
            sa.Column("first_id", sa.Integer, sa.ForeignKey("answers.id", ondelete="CASCADE"), nullable=False),
            sa.Column("second_id", sa.Integer, sa.ForeignKey("answers.id", ondelete="CASCADE"), nullable=True),
            text("verdict"),
            text("detail"),
            amount("created", nullable=False),
        )
        op.create_index(f"{table}_by_answer", table, ["first_id", "second_id"])
