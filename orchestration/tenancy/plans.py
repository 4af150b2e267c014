"""Plans: quotas, features and schedules that many tenants share, and what a tenant has of its own over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from orchestration.control import Control, changes, tables
from orchestration.control.actor import current_actor
from orchestration.control.database import alone
from orchestration.failures import SettingsError
from orchestration.plan_terms import CONNECTIONS, KINDS, TENANTS
from orchestration.tenancy.registry_rows import Row, require_row


def list_plans(control: Control) -> list[Row]:
    """Return every plan with its number of ``tenants``, by name."""
    with control.reading() as connection:
        plans = connection.execute(
            select(tables.plan).where(tables.plan.c.deleted_at.is_(None)).order_by(tables.plan.c.plan_id)
        )
        used = _tenants_by_plan(connection)
        return [{**row, "tenants": used.get(row["plan_id"], 0)} for row in plans.mappings()]


def stored_terms(control: Control) -> list[tuple[str, dict[str, Any]]]:
    """Return the terms of every plan, and every tenant's own: ``("plan standard", {"quotas": …})``."""
    with control.reading() as connection:
        return [
            (f"{table.name} {row[f'{table.name}_id']}", {kind: row[kind] for kind in KINDS})
            for table in (tables.plan, tables.tenant)
            for row in connection.execute(select(table).where(table.c.deleted_at.is_(None))).mappings()
        ]


def require_plan(connection: Connection, plan: str) -> Row:
    """Return a plan's row.

    Raises:
        SettingsError: there is none; names those there are.
    """
    found = connection.execute(select(tables.plan).where(tables.plan.c.deleted_at.is_(None))).mappings().all()
    for row in found:
        if row["plan_id"] == plan:
            return dict(row)
    known = ", ".join(sorted(row["plan_id"] for row in found)) or "none yet: strata plan set"
    raise SettingsError(f"Plan {plan!r} is unknown.", f"Plans: {known}.")


def set_plan(control: Control, plan: str, values: Mapping[str, Any]) -> bool:
    """Make a plan, or change what is named of it; say whether anything differed."""
    with control.transaction(current_actor()) as connection:
        known = connection.execute(select(tables.plan).where(tables.plan.c.plan_id == plan)).mappings().one_or_none()
        key = {"plan_id": plan}
        if known is None:
            changes.insert(connection, tables.plan, {**key, "title": plan, **_merged({}, values)})
            return True
        if not known["deleted_at"]:
            return changes.update(connection, tables.plan, key, _merged(dict(known), values))
        # One that was removed begins anew: what it allowed once went with it.
        changes.restore(connection, tables.plan, key)
        empty: dict[str, Any] = {kind: {} for kind in KINDS}
        changes.update(connection, tables.plan, key, {"title": plan, **empty, **_merged({}, values)})
        return True


def _merged(known: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what is given over what is known; an entry that is given as ``None`` goes."""
    return {
        name: {key: item for key, item in {**known.get(name, {}), **value}.items() if item is not None}
        if isinstance(value, Mapping)
        else value
        for name, value in values.items()
    }


def remove_plan(control: Control, plan: str) -> None:
    """Take away a plan.

    Raises:
        SettingsError: it is unknown, or tenants are on it; says how many.
    """
    with control.transaction(current_actor()) as connection:
        alone(connection, "tenants")
        require_plan(connection, plan)
        if used := _tenants_by_plan(connection).get(plan, 0):
            are = "tenant is" if used == 1 else "tenants are"
            remedy = "Move them first: strata tenant plan NAME PLAN, or strata tenant plan NAME --none."
            raise SettingsError(f"Plan {plan!r} cannot be removed: {used} {are} on it.", remedy)
        changes.soft_delete(connection, tables.plan, {"plan_id": plan})


def move_to_plan(control: Control, tenant: str, plan: str | None, own: Mapping[str, Any] | None = None) -> bool:
    """Put a tenant on a plan and set what it has of its own; its next run goes by it.

    Without a plan's name (``None``) it stays where it is; the empty name takes it off its plan.

    Raises:
        SettingsError: tenant or plan are unknown, or the plan's quotas are too small for the tenant.
    """
    with control.transaction(current_actor()) as connection:
        alone(connection, "tenants")
        found = require_row(connection, tenant)
        values: dict[str, Any] = {}
        if plan == "":
            values["plan_id"] = None
        elif plan is not None and plan != found["plan_id"]:
            number = len(_connections(connection, tenant))
            require_room(connection, require_plan(connection, plan), connections=number)
            values["plan_id"] = plan
        for name, changed in (own or {}).items():
            merged = {**found[name], **changed}
            values[name] = {key: item for key, item in merged.items() if item is not None}
        return bool(values) and changes.update(connection, tables.tenant, {"tenant_id": tenant}, values)


def require_room(connection: Connection, plan: Row, *, connections: int) -> None:
    """Refuse a further tenant with so many connections where the plan's quotas leave no room.

    Raises:
        SettingsError: a quota is reached; names it.
    """
    used = {CONNECTIONS: connections, TENANTS: _tenants_by_plan(connection).get(plan["plan_id"], 0) + 1}
    for name, number in used.items():
        limit = plan["quotas"].get(name)
        if limit is not None and number > limit:
            message = f"Plan {plan['plan_id']!r} allows {limit} {name}; this would be {number}."
            raise SettingsError(message, f"Another plan, or: strata plan set {plan['plan_id']} --quota {name}={number}")


def require_connections(connection: Connection, tenant: Row, number: int) -> None:
    """Refuse so many connections of a tenant where its quota, its own or its plan's, is smaller.

    Raises:
        SettingsError: names the quota.
    """
    plan = tenant["plan_id"]
    of_plan = require_plan(connection, plan)["quotas"] if plan else {}
    limit = {**of_plan, **tenant["quotas"]}.get(CONNECTIONS)
    if limit is not None and number > limit:
        message = f"Tenant {tenant['tenant_id']!r} may have {limit} {CONNECTIONS}; this would be {number}."
        remedy = f"Another plan, or: strata tenant plan {tenant['tenant_id']} --quota {CONNECTIONS}={number}"
        raise SettingsError(message, remedy)


def _connections(connection: Connection, tenant: str) -> list[Any]:
    held = tables.connection
    query = select(held.c.source).where(held.c.tenant_id == tenant, held.c.deleted_at.is_(None))
    return list(connection.execute(query))


def _tenants_by_plan(connection: Connection) -> dict[str, int]:
    query = select(tables.tenant.c.plan_id, func.count()).group_by(tables.tenant.c.plan_id)
    return {str(row[0]): int(row[1]) for row in connection.execute(query) if row[0]}
