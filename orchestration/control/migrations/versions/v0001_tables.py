"""Make the tables of tenants, plans, connections, principals, keys, salts and audit."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from orchestration.control.types import Json, Name, Text, UtcTime

revision, down_revision = "0001", None

_TABLES = ("audit", "salt", "api_key", "principal", "connection", "tenant", "plan", "removed", "installation")


def upgrade() -> None:
    """Make every table."""
    _platform()
    _tenants()
    _access()
    op.create_table(
        "audit",
        _name("tenant_id"),
        sa.Column("audit_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", UtcTime, nullable=False),
        _name("actor"),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", Text, nullable=False),
        sa.Column("before", Json),
        sa.Column("after", Json),
        _key("audit", "tenant_id", "audit_id"),
    )


def downgrade() -> None:
    """Drop every table."""
    for table in _TABLES:
        op.drop_table(table)


def _platform() -> None:
    op.create_table(
        "installation",
        _name("name"),
        sa.Column("value", sa.String(512), nullable=False),
        *_stamps(),
        _key("installation", "name"),
    )
    op.create_table(
        "removed",
        sa.Column("name_digest", sa.String(64), nullable=False),
        *_stamps(),
        _key("removed", "name_digest"),
    )
    op.create_table("plan", _name("plan_id"), _title(), *_terms(), *_stamps(), _key("plan", "plan_id"))


def _tenants() -> None:
    op.create_table(
        "tenant",
        _name("tenant_id"),
        _title(),
        sa.Column("plan_id", Name),
        sa.Column("state", sa.String(16), nullable=False),
        *_terms(),
        _json("onboarding"),
        *_stamps(),
        _key("tenant", "tenant_id"),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.plan_id"], name="fk_tenant_plan"),
        sa.CheckConstraint("state IN ('onboarding', 'active', 'suspended', 'removing')", name="ck_tenant_state"),
        sa.CheckConstraint("tenant_id <> '' AND tenant_id <> '*'", name="ck_tenant_tenant_id"),
    )
    op.create_table(
        "connection",
        _name("tenant_id"),
        _name("source"),
        _name("instance"),
        sa.Column("simulated", sa.Boolean, nullable=False),
        _json("settings"),
        *_stamps(),
        _key("connection", "tenant_id", "source", "instance"),
        _to_tenant("connection"),
    )
    op.create_table(
        "salt",
        _name("tenant_id"),
        sa.Column("salt", sa.String(64), nullable=False),
        *_stamps(),
        _key("salt", "tenant_id"),
        _to_tenant("salt"),
    )


def _access() -> None:
    op.create_table(
        "principal",
        _name("tenant_id"),
        _name("principal_id"),
        sa.Column("kind", sa.String(16), nullable=False),
        _title(),
        _json("permissions"),
        *_stamps(),
        _key("principal", "tenant_id", "principal_id"),
        sa.CheckConstraint("kind IN ('person', 'service', 'warehouse')", name="ck_principal_kind"),
    )
    op.create_table(
        "api_key",
        _name("tenant_id"),
        _name("key_id"),
        _name("principal_id"),
        sa.Column("prefix", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(128), nullable=False),
        _json("scopes"),
        sa.Column("expires_at", UtcTime),
        sa.Column("last_used_at", UtcTime),
        sa.Column("revoked_at", UtcTime),
        sa.Column("replaced_by", Name),
        *_stamps(),
        _key("api_key", "tenant_id", "key_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "principal_id"],
            ["principal.tenant_id", "principal.principal_id"],
            name="fk_api_key_principal",
        ),
    )


def _stamps() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("created_at", UtcTime, nullable=False),
        _name("created_by"),
        sa.Column("updated_at", UtcTime, nullable=False),
        _name("updated_by"),
        sa.Column("deleted_at", UtcTime),
    )


def _terms() -> tuple[sa.Column[Any], ...]:
    return _json("quotas"), _json("features"), _json("schedules")


def _name(column: str) -> sa.Column[Any]:
    return sa.Column(column, Name, nullable=False)


def _title() -> sa.Column[Any]:
    return sa.Column("title", Text, nullable=False)


def _json(column: str) -> sa.Column[Any]:
    return sa.Column(column, Json, nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _to_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"], name=f"fk_{table}_tenant")
