"""The tables of the control plane as they are now; the migrations say how they came to be.

Every key of a table that belongs to tenants begins with ``tenant_id``: a unique
index over all tenants would answer whether another tenant has a value. Columns
marked :data:`SECRET` never enter the audit trail.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    text,
)

from orchestration.control.types import Json, Name, Text, UtcTime

PLATFORM = "*"
"""The ``tenant_id`` of what belongs to the platform itself."""

STATES = ("onboarding", "active", "suspended", "removing")
KINDS = ("person", "service", "warehouse")
SECRET = "secret"  # noqa: S105 - the name of a mark
"""The mark, in a column's ``info``, of values that are never shown."""

_SECRET: dict[str, Any] = {SECRET: True}

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _stamps() -> tuple[Column[Any], ...]:
    """Say who made and last changed a row, and since when it is deleted."""
    return (
        Column("created_at", UtcTime, nullable=False),
        Column("created_by", Name, nullable=False),
        Column("updated_at", UtcTime, nullable=False),
        Column("updated_by", Name, nullable=False),
        Column("deleted_at", UtcTime),
    )


def _json(name: str) -> Column[Any]:
    return Column(name, Json, nullable=False, default=dict)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})", name=column)


installation = Table(
    "installation",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", String(512), nullable=False, info=_SECRET),
    *_stamps(),
)
"""Facts of this installation: the secret under which removed names are remembered, the seed's last state."""

removed = Table("removed", metadata, Column("name_digest", String(64), primary_key=True), *_stamps())
"""Names of removed tenants as HMAC-SHA256, so that a seed does not bring them back."""

plan = Table(
    "plan",
    metadata,
    Column("plan_id", Name, primary_key=True),
    Column("title", Text, nullable=False),
    _json("quotas"),
    _json("features"),
    _json("schedules"),
    *_stamps(),
)

tenant = Table(
    "tenant",
    metadata,
    Column("tenant_id", Name, primary_key=True),
    Column("title", Text, nullable=False),
    Column("plan_id", Name),
    Column("state", String(16), nullable=False),
    _json("quotas"),
    _json("features"),
    _json("schedules"),
    _json("onboarding"),
    *_stamps(),
    # A plan is the platform's: this key says nothing of another tenant.
    ForeignKeyConstraint(["plan_id"], ["plan.plan_id"]),
    _one_of("state", STATES),
    CheckConstraint("tenant_id <> '' AND tenant_id <> '*'", name="tenant_id"),
)
"""``quotas``, ``features``, ``schedules`` lie over those of the plan; ``onboarding`` keeps the steps that are done."""

connection = Table(
    "connection",
    metadata,
    Column("tenant_id", Name, primary_key=True),
    Column("source", Name, primary_key=True),
    Column("instance", Name, primary_key=True),
    Column("simulated", Boolean, nullable=False),
    _json("settings"),
    *_stamps(),
    ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
)
"""``settings`` by name: ``{"value": …}`` or ``{"reference": "env:NAME" | "file:/path" | "vault:path#field"}``."""

principal = Table(
    "principal",
    metadata,
    Column("tenant_id", Name, primary_key=True),
    Column("principal_id", Name, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("permissions", Json, nullable=False, default=list),
    *_stamps(),
    _one_of("kind", KINDS),
)
"""Who may act; the platform's own have the tenant ``*``, which is why no foreign key leads to ``tenant``."""

api_key = Table(
    "api_key",
    metadata,
    Column("tenant_id", Name, primary_key=True),
    Column("key_id", Name, primary_key=True),
    Column("principal_id", Name, nullable=False),
    Column("prefix", String(32), nullable=False),
    Column("digest", String(128), nullable=False, info=_SECRET),
    Column("scopes", Json, nullable=False, default=list),
    Column("expires_at", UtcTime),
    Column("last_used_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("replaced_by", Name),
    *_stamps(),
    ForeignKeyConstraint(["tenant_id", "principal_id"], ["principal.tenant_id", "principal.principal_id"]),
)

salt = Table(
    "salt",
    metadata,
    Column("tenant_id", Name, primary_key=True),
    Column("salt", String(64), nullable=False, info=_SECRET),
    *_stamps(),
    ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
)
"""32 random bytes of each tenant, as hexadecimal digits, for hashing personal data."""

audit = Table(
    "audit",
    metadata,
    Column("tenant_id", Name, primary_key=True),
    # Counted for each tenant, without gaps: one tenant's numbers tell nothing of another's doings.
    Column("audit_id", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", Name, nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Json),
    Column("after", Json),
)
"""Who changed what from what to what; the database itself lets nobody change it."""

Index(None, api_key.c.key_id)
Index(None, audit.c.at)

TENANT_TABLES = (api_key, principal, salt, connection, audit, tenant)
"""The tables with rows of tenants, in an order in which their rows can be deleted."""

LIVE = text("deleted_at IS NULL")
"""The rows of a table that are not deleted."""
