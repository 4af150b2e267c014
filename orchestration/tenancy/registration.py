"""The first step on board: tenant, connections, principals and salt enter the control plane, all or nothing."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection as Database
from sqlalchemy import select

from orchestration.contracts.extraction import SIMULATED, Connection
from orchestration.contracts.source import SourceSystem
from orchestration.control import Control, changes, tables
from orchestration.control.actor import current_actor
from orchestration.control.database import alone
from orchestration.control.installation import RemovedNames, forget_removed
from orchestration.failures import SettingsError
from orchestration.tenancy.plans import require_plan, require_room
from orchestration.tenancy.registry_rows import Row, find_row
from orchestration.tenancy.states import ONBOARDING
from orchestration.tenancy.wish import ENVIRONMENT, Wish, WishedConnection
from orchestration.tenants import Draft, Place, add_environment, read_environment, require_settings

READER, WAREHOUSE = "api", "warehouse"
"""The principals of every tenant: who reads with a key, and who it is in the warehouse itself."""

SCOPES = ("read", "status")
"""What the first key may do; further ones come from ``strata key create``."""

_PERMISSIONS = {READER: ("service", list(SCOPES)), WAREHOUSE: ("warehouse", ["read"])}


def register(control: Control, wish: Wish, sources: Mapping[str, SourceSystem], *, reuse_name: bool = False) -> Row:
    """Write a new tenant's rows in one transaction, or return the row of one that began to come on board before.

    Raises:
        SettingsError: the name is taken or was a removed tenant's, the plan is unknown or has no room, a connection
            lacks settings, or the name began to come on board with other wishes.
    """
    with control.transaction(current_actor()) as connection:
        alone(connection, "tenants")
        found = find_row(connection, wish.name)
        if found is not None:
            return _continued(found, wish)
        _require_unused(connection, wish.name, reuse_name=reuse_name)
        if wish.plan is not None:
            require_room(connection, require_plan(connection, wish.plan), connections=len(wish.connections))
        require_reachable(connection, wish.name, wish.connections, sources)
        _insert(connection, wish)
        return find_row(connection, wish.name) or {}


def _continued(found: Row, wish: Wish) -> Row:
    if found["state"] != ONBOARDING:
        message = f"Tenant {wish.name!r} exists already ({found['state']})."
        raise SettingsError(message, f"Choose another name, or see it: strata tenant show {wish.name}")
    asked = found["onboarding"].get("asked")
    if asked != wish.document:
        message = f"Tenant {wish.name!r} began to come on board with other wishes: {_in_words(asked)}."
        remedy = f"Give the same again, or remove it first: strata tenant remove {wish.name} --yes {wish.name}"
        raise SettingsError(message, remedy)
    return found


def _in_words(asked: Mapping[str, Any] | None) -> str:
    """Tell what was asked for at first as the command line gives it; a tenant of the file asked for nothing."""
    if not asked:
        return "none"
    plan = [f"--plan {asked['plan']}"] if asked["plan"] else []
    kinds = [(place, SIMULATED if simulated else ENVIRONMENT) for place, simulated in asked["connections"]]
    places = [f"--connection {place}={kind}" for place, kind in kinds]
    return " ".join([f"--title {shlex.quote(asked['title'])}", *plan, *places])


def _require_unused(connection: Database, name: str, *, reuse_name: bool) -> None:
    if name not in RemovedNames(connection):
        return
    if not reuse_name:
        message = f"A tenant called {name!r} was removed."
        raise SettingsError(
            message, "Choose another name, or say --reuse-name: backups may hold the removed one's data."
        )
    forget_removed(connection, name)


def require_reachable(
    connection: Database, tenant: str, wished: Iterable[WishedConnection], sources: Mapping[str, SourceSystem]
) -> None:
    """Read the connections as the registry will, so that a missing setting is told now and not by the first load.

    Raises:
        SettingsError: a setting is missing; names its variable.
    """
    drafts: dict[Place, Draft] = {(tenant, item.source, item.instance): item.draft for item in wished}
    places = list(drafts)
    known = [*connection.execute(select(tables.tenant.c.tenant_id)).scalars(), tenant]
    removed = RemovedNames(connection)
    add_environment(drafts, read_environment(), sources, known, removed.__contains__)
    for place in places:
        connection_to_be = Connection(*place, drafts[place].settings, drafts[place].simulated)
        require_settings(connection_to_be, sources[place[1]])


def _insert(connection: Database, wish: Wish) -> None:
    key = {"tenant_id": wish.name}
    note = {"asked": wish.document, "done": []}
    values = {"title": wish.title, "plan_id": wish.plan, "state": ONBOARDING, "onboarding": note}
    changes.insert(connection, tables.tenant, {**key, **values})
    changes.insert(connection, tables.salt, {**key, "salt": secrets.token_hex(32)})
    for item in wish.connections:
        place = {"source": item.source, "instance": item.instance}
        changes.insert(
            connection, tables.connection, {**key, **place, "simulated": item.simulated, "settings": item.settings}
        )
    for name, (kind, permissions) in _PERMISSIONS.items():
        principal = {"principal_id": name, "kind": kind, "title": f"{wish.title}: {name}", "permissions": permissions}
        changes.insert(connection, tables.principal, {**key, **principal})
