"""Alembic's entry: it works on the connection that backend.projects.schema hands over, and on nothing else."""

from __future__ import annotations

from alembic import context

from backend.projects.tables import Base

# SQLite can roll back CREATE and ALTER; said aloud, an upgrade that is killed half-way leaves the old file.
context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
