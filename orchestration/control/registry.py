"""Who is on the platform: the tenants of the control plane with their plans and connections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection as Database
from sqlalchemy import Row, select

from orchestration.contracts.extraction import Connection
from orchestration.contracts.source import SourceSystem
from orchestration.control.database import Control, open_control
from orchestration.control.installation import RemovedNames
from orchestration.control.secrets import Reference
from orchestration.control.seed import ALONE, seed
from orchestration.control.tables import connection as connections
from orchestration.control.tables import plan, tenant
from orchestration.settings import Settings
from orchestration.tenants import Draft, Place, Plan, Tenant, add_environment, read_environment

ABSENT = "absent"
"""The state of a tenant that the control plane does not have, or that is deleted there."""

_STATE = select(tenant.c.state)


def registered_tenants(settings: Settings, sources: Mapping[str, SourceSystem]) -> dict[str, Tenant]:
    """Seed the control plane of these settings, and read its registry."""
    control = open_control(settings)
    seed(control, settings.tenants_file, sources)
    return read_registry(control, sources)


def read_registry(
    control: Control, sources: Mapping[str, SourceSystem], environment: Mapping[str, str] | None = None
) -> dict[str, Tenant]:
    """Read all tenants, by name, with the connections they have to the known sources.

    Variables of the environment (by default this process's) win over what is stored.
    A company that has nothing but the tenant ``default`` has every source simulated.

    Raises:
        SettingsError: a variable is wrong; names it. A setting that is missing stops its own connection alone,
            when it is opened.
    """
    with control.reading() as connection:
        rows = connection.execute(_live(tenant)).all()
        plans = {row.plan_id: row for row in connection.execute(_live(plan))}
        drafts = _drafts(connection, sources, {row.tenant_id for row in rows})
        removed = RemovedNames(connection)
    names = [row.tenant_id for row in rows]
    environment = read_environment() if environment is None else environment
    add_environment(drafts, environment, sources, names, removed.__contains__)
    if not drafts and [row.created_by for row in rows] == [ALONE]:
        drafts = {(names[0], source, "main"): Draft(simulated=True) for source in sources}
    mine = defaultdict(list)
    for place in sorted(drafts):
        mine[place[0]].append(Connection(*place, drafts[place].settings, drafts[place].simulated))
    return {
        row.tenant_id: Tenant(
            row.tenant_id, row.title, tuple(mine[row.tenant_id]), row.state, _terms(row, plans.get(row.plan_id))
        )
        for row in rows
    }


def tenant_state(control: Control, tenant_id: str) -> str:
    """Return a tenant's state as it is now, :data:`ABSENT` when there is none; for checks that take effect at once."""
    with control.reading() as connection:
        statement = _STATE.where(tenant.c.tenant_id == tenant_id, tenant.c.deleted_at.is_(None))
        return connection.execute(statement).scalar() or ABSENT


def tenant_states(control: Control) -> dict[str, str]:
    """Return the state of every tenant as it is now; one that is deleted has none."""
    with control.reading() as connection:
        statement = select(tenant.c.tenant_id, tenant.c.state).where(tenant.c.deleted_at.is_(None))
        return {row.tenant_id: row.state for row in connection.execute(statement)}


def _live(table: Any) -> Any:  # noqa: ANN401 - a table, a selection of it
    stamps = {"created_at", "updated_at", "updated_by", "deleted_at", "onboarding"}
    columns = [column for column in table.columns if column.name not in stamps]
    return select(*columns).where(table.c.deleted_at.is_(None)).order_by(*columns[:1])


def _drafts(connection: Database, sources: Mapping[str, SourceSystem], tenants: set[str]) -> dict[Place, Draft]:
    """Read the connections of tenants that are not deleted; those to sources that are gone are left out."""
    return {
        (row.tenant_id, row.source, row.instance): Draft(_settings(row.settings), row.simulated)
        for row in connection.execute(_live(connections))
        if row.source in sources and row.tenant_id in tenants
    }


def _settings(stored: Mapping[str, Mapping[str, str]]) -> dict[str, SecretStr]:
    return {
        name: Reference(item["reference"]) if "reference" in item else SecretStr(item["value"])
        for name, item in stored.items()
    }


def _terms(row: Row[Any], of_plan: Row[Any] | None) -> Plan:
    """Lay the tenant's own terms over its plan's."""
    if of_plan is None:
        return Plan("", "", row.quotas, row.features, row.schedules)
    return Plan(
        of_plan.plan_id,
        of_plan.title,
        {**of_plan.quotas, **row.quotas},
        {**of_plan.features, **row.features},
        {**of_plan.schedules, **row.schedules},
    )
