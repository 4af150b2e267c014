"""Show feeds as a view, ``feed``, for those who read them by SQL: moments as moments, not as milliseconds.

On PostgreSQL it asks for the rights of who reads it, so that the guards of ``feed_entry`` hold through it too.
"""

from __future__ import annotations

from alembic import op

revision, down_revision = "0005", "0004"

_COLUMNS = "tenant_id, registration_id, position, delivery_id, document"
_ADDED_AT = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%fZ', added_at / 1000.0, 'unixepoch')",
    "postgresql": "to_timestamp(added_at / 1000.0)",
    # In two steps: DATEADD takes an int, and there are more milliseconds than that.
    "mssql": "DATEADD(millisecond, added_at % 86400000, "
    "DATEADD(day, added_at / 86400000, CAST('1970-01-01' AS datetime2(3))))",
}
_OPTIONS = {"postgresql": "WITH (security_invoker = true) "}


def upgrade() -> None:
    """Make the view, and let those who may read the table read it."""
    name = op.get_bind().dialect.name
    op.execute(
        f"CREATE VIEW feed {_OPTIONS.get(name, '')}AS SELECT {_COLUMNS}, {_ADDED_AT[name]} AS added_at FROM feed_entry"
    )
    if name == "postgresql":
        op.execute("GRANT SELECT ON feed TO strata_app, strata_operator")


def downgrade() -> None:
    """Drop the view."""
    op.execute("DROP VIEW feed")
