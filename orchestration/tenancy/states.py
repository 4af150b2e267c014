"""A tenant's state and plan: who may load and read, and how much. Loads and reads ask for them at once, each time."""

from __future__ import annotations

from orchestration.control import Control, changes, tables
from orchestration.control.actor import current_actor
from orchestration.failures import SettingsError
from orchestration.tenancy.registry_rows import require_row

ONBOARDING, ACTIVE, SUSPENDED, REMOVING = tables.STATES

_REFUSALS = {
    ONBOARDING: "is being taken on board still: strata tenant add finishes that.",
    REMOVING: "is being removed: strata tenant remove finishes that.",
}


def suspend(control: Control, tenant: str) -> bool:
    """Stop a tenant's loads and reads from now on; say whether they were not stopped already.

    Raises:
        SettingsError: the tenant is unknown, or on its way in or out.
    """
    return _move(control, tenant, SUSPENDED)


def resume(control: Control, tenant: str) -> bool:
    """Let a suspended tenant load and read again; say whether it could not already.

    Raises:
        SettingsError: the tenant is unknown, or on its way in or out.
    """
    return _move(control, tenant, ACTIVE)


def _move(control: Control, tenant: str, state: str) -> bool:
    with control.transaction(current_actor()) as connection:
        found = require_row(connection, tenant)
        if refusal := _REFUSALS.get(found["state"]):
            raise SettingsError(f"Tenant {tenant!r} {refusal}", "Nothing was changed.")
        return changes.update(connection, tables.tenant, {"tenant_id": tenant}, {"state": state})


def remember(control: Control, tenant: str, state: str, note: dict[str, object]) -> None:
    """Write a tenant's state and what its way in or out has come to, in one step."""
    with control.transaction(current_actor()) as connection:
        values = {"state": state, "onboarding": note}
        changes.update(connection, tables.tenant, {"tenant_id": tenant}, values)
