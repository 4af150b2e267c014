"""Tenants as people look at them: from the control plane and the published status; the warehouse is not opened."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from orchestration.control import tables
from orchestration.plan_terms import KINDS
from orchestration.publication.status import read_status
from orchestration.runtime import Runtime
from orchestration.tenancy.registry_rows import read

_STAMPS = {"tenant_id", "created_at", "created_by", "updated_at", "updated_by", "deleted_at"}


def list_tenants(runtime: Runtime) -> list[dict[str, Any]]:
    """Return every tenant with state, plan, connections and its last load (UTC), by name."""
    status = read_status(runtime.settings)
    last: dict[str, Any] = {}
    for entity in status.entities if status else ():
        last[entity.tenant] = max(last.get(entity.tenant, entity.last_load_at), entity.last_load_at)
    columns = (tables.tenant.c.tenant_id, tables.tenant.c.plan_id)
    with runtime.control.reading() as connection:
        plans = {str(row[0]): row[1] for row in connection.execute(select(*columns))}
    return [
        {
            "tenant": name,
            "title": tenant.title,
            "state": tenant.state,
            "plan": plans.get(name),
            "connections": [item.label.removeprefix(f"{name}/") for item in tenant.connections],
            "last_load_at": last.get(name),
        }
        for name, tenant in sorted(runtime.tenants.items())
    ]


def show_tenant(runtime: Runtime, name: str) -> dict[str, Any]:
    """Return what is known of one tenant, with the terms that hold for it: its own over its plan's.

    Raises:
        SettingsError: the tenant is unknown.
    """
    known = read(runtime.control, name)
    terms = runtime.tenants[name].plan
    rows = {table: [_shown(row) for row in found] for table, found in known.document.items()}
    return {
        "tenant": name,
        "title": known.title,
        "state": known.tenant["state"],
        "plan": known.tenant["plan_id"],
        "steps_done": known.tenant["onboarding"].get("done", []),
        "quotas": dict(terms.quotas),
        "features": dict(terms.features),
        "schedules": dict(terms.schedules),
        "own_terms": {kind: known.tenant[kind] for kind in KINDS if known.tenant[kind]},
        "connections": rows["connection"],
        "principals": rows["principal"],
        "keys": rows["api_key"],
    }


def _shown(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of any table
    deleted = {"deleted_at": row["deleted_at"]} if row.get("deleted_at") else {}
    return {name: value for name, value in row.items() if name not in _STAMPS} | deleted
