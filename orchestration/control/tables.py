"""The tables of the control plane as they are now; the migrations say how they came to be.

Every key of a table that belongs to tenants begins with ``tenant_id``: a unique
index over all tenants would answer whether another tenant has a value. Columns
marked :data:`SECRET` never enter the audit trail. The tables of deliveries are in
``delivery_tables``.
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
    String,
    Table,
)

from orchestration.control.delivery_tables import DELIVERY_TABLES
from orchestration.control.metadata import SECRET, json_of, metadata, one_of, stamps
from orchestration.control.types import Json, Name, Text, UtcTime

PLATFORM = "*"
"""The ``tenant_id`` of what belongs to the platform itself."""

STATES = ("onboarding", "active", "suspended", "removing")
KINDS = ("person", "service", "warehouse")
_SECRET: dict[str, Any] = {SECRET: True}

installation = Table(
    "installation",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", String(512), nullable=False, info=_SECRET),
    *stamps(),
)
"""Facts of this installation: the secret under which removed names are remembered, the seed's last state."""

removed = Table("removed", metadata, Column("name_digest", String(64), primary_key=True), *stamps())
"""Names of removed tenants as HMAC-SHA256, so that a seed does not bring them back."""

plan = Table(
    "plan",
    metadata,
    Column("plan_id", Name, primary_key=True),
    Column("title", Text, nullable=False),
    json_of("quotas"),
    json_of("features"),
    json_of("schedules"),
    *stamps(),
)

tenant = Table(
    "tenant",
    metadata,
    Column("tenant_id", Name, primary_key=True),
    Column("title", Text, nullable=False),
    Column("plan_id", Name),
    Column("state", String(16), nullable=False),
    json_of("quotas"),
    json_of("features"),
    json_of("schedules"),
    json_of("onboarding"),
    *stamps(),
    # A plan is the platform's: this key says nothing of another tenant.
    ForeignKeyConstraint(["plan_id"], ["plan.plan_id"]),
    one_of("state", STATES),
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
    json_of("settings"),
    *stamps(),
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
    *stamps(),
    one_of("kind", KINDS),
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
    *stamps(),
    ForeignKeyConstraint(["tenant_id", "principal_id"], ["principal.tenant_id", "principal.principal_id"]),
)

salt = Table(
    "salt",
    metadata,
    Column("tenant_id", Name, primary_key=True),
    Column("salt", String(64), nullable=False, info=_SECRET),
    *stamps(),
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

TENANT_TABLES = (*DELIVERY_TABLES, api_key, principal, salt, connection, audit, tenant)
"""The tables with rows of tenants, in an order in which their rows can be deleted."""
