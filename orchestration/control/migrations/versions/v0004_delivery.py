"""Make the tables of deliveries, and on PostgreSQL the guards that show a tenant its own rows alone."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from orchestration.control.types import Json, Name, Text, UtcTime

revision, down_revision = "0004", "0003"

TENANT_TABLES = ("consumer", "registration", "endpoint", "progress", "outbox", "delivery", "attempt", "feed_entry")
MINE = "tenant_id = current_setting('strata.tenant', true)"
_STATES = ("gathering", "blocked", "waiting", "ready", "leased", "delivered", "dead", "cancelled", "skipped")


def upgrade() -> None:
    """Make the tables, their indexes and their guards."""
    _registrations()
    _queue()
    _records()
    op.create_index("ix_delivery_ready", "delivery", ["state", "tenant_id", "endpoint_id", "rank"])
    op.create_index("ix_delivery_due", "delivery", ["state", "due_at"])
    op.create_index("ix_delivery_lease", "delivery", ["state", "lease_until"])
    op.create_index("ix_delivery_lane", "delivery", ["registration_id", "tenant_id", "lane", "state", "delivery_id"])
    op.create_index("ix_outbox_delivery", "outbox", ["tenant_id", "delivery_id"])
    op.create_index("ix_feed_delivery", "feed_entry", ["tenant_id", "registration_id", "delivery_id"], unique=True)
    if op.get_bind().dialect.name == "postgresql":
        for statement in _GUARDS:
            op.execute(statement)


def downgrade() -> None:
    """Drop the tables; policies and grants go with them."""
    for table in ("delivery_cursor", *reversed(TENANT_TABLES)):
        op.drop_table(table)


def _registrations() -> None:
    op.create_table(
        "consumer",
        *_names("tenant_id", "consumer_id"),
        _text("title"),
        _text("contact"),
        *_stamps(),
        _key("consumer", "tenant_id", "consumer_id"),
        _to("tenant", "consumer", "tenant_id"),
    )
    op.create_table(
        "registration",
        *_names("tenant_id", "registration_id", "consumer_id"),
        _text("title"),
        *(sa.Column(name, Json, nullable=False) for name in ("events", "tables", "columns", "conditions")),
        sa.Column("payload", sa.String(16), nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("settings", Json, nullable=False),
        *_names("endpoint_id"),
        sa.Column("terms", Json, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        _text("reason"),
        *_stamps(),
        _key("registration", "tenant_id", "registration_id"),
        _to("consumer", "registration", "tenant_id", "consumer_id"),
        sa.CheckConstraint("state IN ('active', 'paused', 'disabled')", name="ck_registration_state"),
    )


def _queue() -> None:
    op.create_table(
        "outbox",
        *_names("tenant_id", "registration_id"),
        sa.Column("event_key", sa.String(300), nullable=False),
        *_names("delivery_id", "event_type"),
        _text("subject"),
        sa.Column("version", sa.BigInteger),
        sa.Column("data", Json, nullable=False),
        _moment("occurred_at"),
        _traceparent(),
        _key("outbox", "tenant_id", "registration_id", "event_key"),
        _to("registration", "outbox", "tenant_id", "registration_id"),
    )
    op.create_table(
        "delivery",
        *_names("tenant_id", "delivery_id", "registration_id", "endpoint_id"),
        _text("subject"),
        sa.Column("lane", sa.String(300), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        *(_moment(name) for name in ("rank", "due_at", "created_at", "first_event_at", "last_event_at")),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("from_version", sa.BigInteger),
        sa.Column("to_version", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease_token", sa.String(64)),
        *(_moment(name, nullable=True) for name in ("lease_until", "finished_at")),
        sa.Column("failure", sa.String(32)),
        sa.Column("message", Text),
        sa.Column("replay_of", Name),
        _traceparent(),
        _key("delivery", "tenant_id", "delivery_id"),
        _to("registration", "delivery", "tenant_id", "registration_id"),
        sa.CheckConstraint(f"state IN ({', '.join(map(repr, _STATES))})", name="ck_delivery_state"),
    )


def _records() -> None:
    op.create_table(
        "endpoint",
        *_names("tenant_id", "endpoint_id"),
        sa.Column("failures", sa.Integer, nullable=False),
        *(_moment(name, nullable=True) for name in ("failing_since", "open_until")),
        sa.Column("trips", sa.Integer, nullable=False),
        sa.Column("tokens", sa.Float),
        _moment("tokens_at", nullable=True),
        _key("endpoint", "tenant_id", "endpoint_id"),
        _to("tenant", "endpoint", "tenant_id"),
    )
    op.create_table(
        "progress",
        *_names("tenant_id", "registration_id", "schema_name", "table_name"),
        sa.Column("version", sa.BigInteger, nullable=False),
        _moment("delivered_at"),
        _key("progress", "tenant_id", "registration_id", "schema_name", "table_name"),
        _to("registration", "progress", "tenant_id", "registration_id"),
    )
    op.create_table(
        "attempt",
        *_names("tenant_id", "delivery_id"),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        _moment("started_at"),
        sa.Column("milliseconds", sa.Integer, nullable=False),
        sa.Column("failure", sa.String(32), nullable=False),
        sa.Column("status_code", sa.Integer),
        _text("message"),
        sa.Column("answer", sa.UnicodeText, nullable=False),
        *_names("worker"),
        _key("attempt", "tenant_id", "delivery_id", "number"),
    )
    op.create_table(
        "feed_entry",
        *_names("tenant_id", "registration_id"),
        sa.Column("position", sa.BigInteger, nullable=False, autoincrement=False),
        *_names("delivery_id"),
        sa.Column("document", sa.UnicodeText, nullable=False),
        _moment("added_at"),
        _key("feed_entry", "tenant_id", "registration_id", "position"),
        _to("registration", "feed_entry", "tenant_id", "registration_id"),
    )
    op.create_table(
        "delivery_cursor",
        *_names("stream"),
        sa.Column("position", sa.BigInteger, nullable=False),
        _key("delivery_cursor", "stream"),
    )


def _names(*columns: str) -> list[sa.Column[Any]]:
    return [sa.Column(column, Name, nullable=False) for column in columns]


def _text(column: str) -> sa.Column[Any]:
    return sa.Column(column, Text, nullable=False)


def _moment(column: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(column, sa.BigInteger, nullable=nullable)


def _traceparent() -> sa.Column[Any]:
    return sa.Column("traceparent", sa.String(64), nullable=False)


def _stamps() -> list[sa.Column[Any]]:
    return [
        sa.Column("created_at", UtcTime, nullable=False),
        *_names("created_by"),
        sa.Column("updated_at", UtcTime, nullable=False),
        *_names("updated_by"),
        sa.Column("deleted_at", UtcTime),
    ]


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _to(referred: str, table: str, *columns: str) -> sa.ForeignKeyConstraint:
    targets = [f"{referred}.{column}" for column in columns]
    return sa.ForeignKeyConstraint(list(columns), targets, name=f"fk_{table}_{referred}")


_GUARDS = (
    *(
        statement
        for table in TENANT_TABLES
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY own_tenant ON {table} TO strata_app USING ({MINE}) WITH CHECK ({MINE})",
            f"CREATE POLICY all_tenants ON {table} TO strata_operator USING (true) WITH CHECK (true)",
        )
    ),
    # A tenant registers and looks; what is sent, and what was, is the platform's to write.
    "GRANT SELECT, INSERT, UPDATE ON consumer, registration, endpoint TO strata_app",
    "GRANT SELECT ON progress, outbox, attempt, feed_entry TO strata_app",
    "GRANT SELECT, INSERT, UPDATE ON delivery TO strata_app",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TENANT_TABLES)}, delivery_cursor TO strata_operator",
)
