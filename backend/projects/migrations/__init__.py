"""How an older project file becomes one of today. Alembic runs what stands in versions/, in one transaction."""
