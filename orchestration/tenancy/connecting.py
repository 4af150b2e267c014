"""Connections of a tenant that is on board: one more, or one less; its data stays in either case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection as Database
from sqlalchemy import select

from orchestration.contracts.source import SourceSystem
from orchestration.control import Control, changes, tables
from orchestration.control.actor import current_actor
from orchestration.control.database import alone
from orchestration.failures import SettingsError
from orchestration.tenancy.plans import require_connections
from orchestration.tenancy.registration import require_reachable
from orchestration.tenancy.registry_rows import Row, require_row, rows_of
from orchestration.tenancy.states import ACTIVE, SUSPENDED
from orchestration.tenancy.wish import WishedConnection


def connect(control: Control, tenant: str, wished: WishedConnection, sources: Mapping[str, SourceSystem]) -> None:
    """Give a tenant a further connection; its next load takes it.

    Raises:
        SettingsError: the tenant is unknown or on its way in or out, has the connection already, its plan has no
            room, or a setting is missing; nothing was written.
    """
    key = {"tenant_id": tenant, "source": wished.source, "instance": wished.instance}
    with control.transaction(current_actor()) as connection:
        alone(connection, "tenants")
        row = _require_settled(connection, tenant)
        stored = rows_of(connection, tables.connection, tenant)
        found = [item for item in stored if (item["source"], item["instance"]) == (wished.source, wished.instance)]
        if found and not found[0]["deleted_at"]:
            message = f"Tenant {tenant!r} has the connection {_label(wished.source, wished.instance)} already."
            raise SettingsError(message, f"See: strata tenant show {tenant}")
        require_connections(connection, row, sum(1 for item in stored if not item["deleted_at"]) + 1)
        require_reachable(connection, tenant, [wished], sources)
        values = {"simulated": wished.simulated, "settings": wished.settings}
        if found:
            changes.restore(connection, tables.connection, key)
            changes.update(connection, tables.connection, key, values)
        else:
            changes.insert(connection, tables.connection, {**key, **values})


def disconnect(control: Control, tenant: str, source: str, instance: str) -> None:
    """Take a connection away from a tenant: nothing is loaded by it any more, and what was loaded stays.

    Raises:
        SettingsError: the tenant is unknown or on its way in or out, or has no such connection; names those it has.
    """
    with control.transaction(current_actor()) as connection:
        _require_settled(connection, tenant)
        held = tables.connection
        query = select(held.c.source, held.c.instance).where(held.c.tenant_id == tenant, held.c.deleted_at.is_(None))
        known = sorted((row.source, row.instance) for row in connection.execute(query))
        if (source, instance) not in known:
            listed = ", ".join(_label(*place) for place in known) or "none"
            message = f"Tenant {tenant!r} has no connection {_label(source, instance)} in the control plane."
            raise SettingsError(message, f"It has: {listed}. Those that variables alone name end with the variables.")
        changes.soft_delete(
            connection, tables.connection, {"tenant_id": tenant, "source": source, "instance": instance}
        )


def rename(control: Control, tenant: str, title: str) -> bool:
    """Give a tenant another name for people; say whether it differs.

    Raises:
        SettingsError: the tenant is unknown, or the title is empty.
    """
    if not title.strip():
        raise SettingsError("--title is empty.", 'Example: --title "Acme Robotics".')
    with control.transaction(current_actor()) as connection:
        require_row(connection, tenant)
        return changes.update(connection, tables.tenant, {"tenant_id": tenant}, {"title": title.strip()})


def _require_settled(connection: Database, tenant: str) -> Row:
    row: Mapping[str, Any] = require_row(connection, tenant)
    if row["state"] not in (ACTIVE, SUSPENDED):
        raise SettingsError(f"Tenant {tenant!r} is {row['state']}.", "Its connections change when that is done.")
    return row


def _label(source: str, instance: str) -> str:
    return f"{source}/{instance}"
