"""Reads the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from orchestration.control.database import Control
from orchestration.control.tables import audit


@dataclass(frozen=True)
class Entry:
    """One deed: who, when, what, and the values before and after (secrets marked)."""

    at: datetime
    tenant_id: str
    audit_id: int
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def read_trail(
    control: Control, tenant: str | None = None, *, since: datetime | None = None, limit: int | None = None
) -> list[Entry]:
    """Return the newest entries, the oldest of them first; of all tenants unless one is named."""
    columns = [audit.c[name] for name in Entry.__dataclass_fields__]
    statement = select(*columns).order_by(audit.c.at.desc(), audit.c.tenant_id, audit.c.audit_id.desc()).limit(limit)
    if tenant is not None:
        statement = statement.where(audit.c.tenant_id == tenant)
    if since is not None:
        statement = statement.where(audit.c.at >= since)
    with control.reading(tenant) as connection:
        return [Entry(**row) for row in connection.execute(statement).mappings()][::-1]
