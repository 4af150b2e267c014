"""Index for the queue what is in the queue alone: most deliveries are final, and every index costs each change of one.

SQLite's table is made anew besides: its check of states filled a table of nine words with every statement.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0006", "0005"

_UNFINISHED = "finished_at IS NULL"
_INDEXES = {
    "ix_delivery_ready": (
        ["state", "tenant_id", "endpoint_id", "rank"],
        f"lease_until IS NULL AND {_UNFINISHED}",
    ),
    "ix_delivery_lease": (["state", "lease_until"], "lease_until IS NOT NULL"),
    "ix_delivery_lane": (["registration_id", "tenant_id", "lane", "state", "delivery_id"], _UNFINISHED),
}
_CHECK = "ck_delivery_ck_delivery_state"
_STATES = ("gathering", "blocked", "waiting", "ready", "leased", "delivered", "dead", "cancelled", "skipped")
_SPELLED_OUT = " OR ".join(f"state = '{state}'" for state in _STATES)
_AMONG = f"state IN ({', '.join(map(repr, _STATES))})"


def upgrade() -> None:
    """Make the indexes partial where databases have such; SQL Server's stay whole."""
    _replace(_SPELLED_OUT, partial=True)


def downgrade() -> None:
    """Index every delivery again."""
    _replace(_AMONG, partial=False)


def _replace(check: str, *, partial: bool) -> None:
    dialect = op.get_bind().dialect.name
    if dialect == "mssql":
        return
    for name in _INDEXES:
        op.drop_index(name, "delivery")
    if dialect == "sqlite":
        with op.batch_alter_table("delivery") as table:
            table.drop_constraint(op.f(_CHECK), type_="check")
            table.create_check_constraint(op.f(_CHECK), sa.text(check))
    for name, (columns, condition) in _INDEXES.items():
        where = sa.text(condition) if partial else None
        op.create_index(name, "delivery", columns, sqlite_where=where, postgresql_where=where)
