"""The tables of deliveries: who wants what, what waits, what was tried and how far each one is.

Times that a queue compares are whole milliseconds since 1970 by the database's own
clock, which is the same arithmetic on SQLite, PostgreSQL and SQL Server. Consumers and
registrations are changed through ``changes`` and audited; the other tables are a queue's,
many rows a second, and keep their own history in ``attempt``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    UnicodeText,
    and_,
)

from orchestration.control.metadata import SECRET, json_of, metadata, one_of, stamps
from orchestration.control.types import Json, Name, Text

REGISTRATION_STATES = ("active", "paused", "disabled")
"""Paused by a person, disabled by the platform (an endpoint that said 410, or failed for too long)."""

WAITING_STATES = ("gathering", "blocked", "waiting", "ready", "leased")
FINAL_STATES = ("delivered", "dead", "cancelled", "skipped")
STATES = WAITING_STATES + FINAL_STATES
"""``gathering``: its debounce window is open. ``blocked``: an earlier one of its lane is not final. ``waiting``: due
later (a retry, a schedule, an open breaker). ``ready``: to be claimed. ``skipped``: nothing of it was this
registration's concern."""


def _moment(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=nullable)


def _key(name: str) -> Column[Any]:
    return Column(name, Name, primary_key=True)


consumer = Table(
    "consumer",
    metadata,
    _key("tenant_id"),
    _key("consumer_id"),
    Column("title", Text, nullable=False),
    Column("contact", Text, nullable=False),
    *stamps(),
    ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
)
"""Somebody who registers; ``contact`` is whom people write to when deliveries fail for good."""

registration = Table(
    "registration",
    metadata,
    _key("tenant_id"),
    _key("registration_id"),
    Column("consumer_id", Name, nullable=False),
    Column("title", Text, nullable=False),
    Column("events", Json, nullable=False, default=list),
    Column("tables", Json, nullable=False, default=list),
    Column("columns", Json, nullable=False, default=list),
    Column("conditions", Json, nullable=False, default=list),
    Column("payload", String(16), nullable=False),
    Column("format", String(16), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("settings", Json, nullable=False, default=dict, info={SECRET: True}),
    Column("endpoint_id", Name, nullable=False),
    json_of("terms"),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    *stamps(),
    ForeignKeyConstraint(["tenant_id", "consumer_id"], ["consumer.tenant_id", "consumer.consumer_id"]),
    one_of("state", REGISTRATION_STATES),
)
"""A consumer's wish. ``settings`` of its channel by name: ``{"value": …}``, ``{"reference": "env:…"}`` or
``{"sealed": …}`` for a secret that the platform made; ``terms`` is :class:`orchestration.delivery.terms.Terms`."""

endpoint = Table(
    "endpoint",
    metadata,
    _key("tenant_id"),
    _key("endpoint_id"),
    Column("failures", Integer, nullable=False, default=0),
    _moment("failing_since", nullable=True),
    _moment("open_until", nullable=True),
    Column("trips", Integer, nullable=False, default=0),
    Column("tokens", Float),
    _moment("tokens_at", nullable=True),
    ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
)
"""The breaker and the rate limit of one address: failures in a row, until when it is left alone, tokens left."""

progress = Table(
    "progress",
    metadata,
    _key("tenant_id"),
    _key("registration_id"),
    _key("schema_name"),
    _key("table_name"),
    Column("version", BigInteger, nullable=False),
    _moment("delivered_at"),
    ForeignKeyConstraint(["tenant_id", "registration_id"], ["registration.tenant_id", "registration.registration_id"]),
)
"""The version of a table that a registration received last."""

outbox = Table(
    "outbox",
    metadata,
    _key("tenant_id"),
    _key("registration_id"),
    # gold.license_usage@12 for a version of a table: who replays a tick finds the row there.
    Column("event_key", String(300), primary_key=True),
    Column("delivery_id", Name, nullable=False),
    Column("event_type", Name, nullable=False),
    Column("subject", Text, nullable=False),
    Column("version", BigInteger),
    json_of("data"),
    _moment("occurred_at"),
    Column("traceparent", String(64), nullable=False, default=""),
    ForeignKeyConstraint(["tenant_id", "registration_id"], ["registration.tenant_id", "registration.registration_id"]),
)
"""One event for one registration, and the delivery that carries it."""

delivery = Table(
    "delivery",
    metadata,
    _key("tenant_id"),
    _key("delivery_id"),
    Column("registration_id", Name, nullable=False),
    Column("endpoint_id", Name, nullable=False),
    Column("subject", Text, nullable=False),
    Column("lane", String(300), nullable=False, default=""),
    Column("state", String(16), nullable=False),
    _moment("rank"),
    _moment("due_at"),
    _moment("created_at"),
    _moment("first_event_at"),
    _moment("last_event_at"),
    Column("events", Integer, nullable=False),
    Column("from_version", BigInteger),
    Column("to_version", BigInteger),
    Column("attempts", Integer, nullable=False, default=0),
    Column("lease_token", String(64)),
    _moment("lease_until", nullable=True),
    _moment("finished_at", nullable=True),
    Column("failure", String(32)),
    Column("message", Text),
    Column("replay_of", Name),
    Column("traceparent", String(64), nullable=False, default=""),
    ForeignKeyConstraint(["tenant_id", "registration_id"], ["registration.tenant_id", "registration.registration_id"]),
    one_of("state", STATES),
)
"""One chain of attempts. ``delivery_id`` is what the receiver tells repetitions by. ``rank`` orders what is ready:
when it was due, less a bonus for its priority, so that nothing waits for ever."""

attempt = Table(
    "attempt",
    metadata,
    _key("tenant_id"),
    _key("delivery_id"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _moment("started_at"),
    Column("milliseconds", Integer, nullable=False),
    Column("failure", String(32), nullable=False, default=""),
    Column("status_code", Integer),
    Column("message", Text, nullable=False, default=""),
    Column("answer", UnicodeText, nullable=False, default=""),
    Column("worker", Name, nullable=False, default=""),
)
"""What happened at each attempt; ``failure`` is empty when it went well, ``answer`` the beginning of what came back."""

feed_entry = Table(
    "feed_entry",
    metadata,
    _key("tenant_id"),
    _key("registration_id"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("delivery_id", Name, nullable=False),
    Column("document", UnicodeText, nullable=False),
    _moment("added_at"),
    ForeignKeyConstraint(["tenant_id", "registration_id"], ["registration.tenant_id", "registration.registration_id"]),
)
"""What a consumer reads at its own pace, in the order of ``position``."""

delivery_cursor = Table(
    "delivery_cursor",
    metadata,
    Column("stream", Name, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
"""How far the logs of the warehouse were read into the outbox; the platform's own."""

UNFINISHED = delivery.c.finished_at.is_(None)
UNCLAIMED = and_(delivery.c.lease_until.is_(None), UNFINISHED)
"""What a query must ask for, beside the state, to be answered by an index that holds nothing else."""


def _index(name: str, *columns: str, only: ColumnElement[bool]) -> None:
    """Index some rows alone: the most are final, and each index that a claim or a settlement passes by saves time.

    SQL Server indexes all: there, a session with other SET options could not write to the table any more.
    """
    Index(name, *(delivery.c[column] for column in columns), sqlite_where=only, postgresql_where=only)


# What is claimed, promoted and rescued is found here; none of it looks at rows that are final. An endpoint
# that is left alone, or busy, is passed over without reading what waits for it.
_index("ix_delivery_ready", "state", "tenant_id", "endpoint_id", "rank", only=UNCLAIMED)
_index("ix_delivery_lease", "state", "lease_until", only=delivery.c.lease_until.is_not(None))
Index("ix_delivery_due", delivery.c.state, delivery.c.due_at)
# The next of a lane is its smallest id: a lane of 100,000 waiting ones finds it without sorting them.
# Not by tenant first: SQLite would take it where hundreds are to be found by id, and go through all of a tenant's.
_index("ix_delivery_lane", "registration_id", "tenant_id", "lane", "state", "delivery_id", only=UNFINISHED)
Index("ix_outbox_delivery", outbox.c.tenant_id, outbox.c.delivery_id)
# An attempt that is made again finds what the one before has written.
Index(
    "ix_feed_delivery",
    feed_entry.c.tenant_id,
    feed_entry.c.registration_id,
    feed_entry.c.delivery_id,
    unique=True,
)

DELIVERY_TABLES = (feed_entry, attempt, outbox, delivery, progress, endpoint, registration, consumer)
"""In an order in which a tenant's rows can be deleted."""
