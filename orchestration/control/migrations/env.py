"""Runs the migrations on the connection that ``schema`` opened, within its transaction."""

from __future__ import annotations

from alembic import context

from orchestration.control.metadata import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite can change tables within a transaction; Alembic only believes it when told.
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
