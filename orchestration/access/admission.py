"""Decides whether a principal may read for a tenant now.

It is asked anew at each call, so that a suspension holds at once.
"""

from __future__ import annotations

from orchestration.access.principal import Permission, Principal
from orchestration.access.refusals import Forbidden, Suspended, no_tenant
from orchestration.control.registry import tenant_state
from orchestration.control.tables import STATES
from orchestration.runtime import Runtime

_ONBOARDING, _ACTIVE, _SUSPENDED, _REMOVING = STATES


def admit(runtime: Runtime, tenant: str, principal: Principal, permission: Permission) -> None:
    """Let a principal through, or say why not.

    Raises:
        NotFound: the tenant is unknown, being removed, or not the principal's.
        Suspended: it is suspended.
        Forbidden: the principal lacks the permission.
    """
    # Whose tenant it is comes first: another's state must not decide what the answer is, or how long it takes.
    if not principal.belongs_to(tenant):
        raise no_tenant(tenant)
    state = tenant_state(runtime.control, tenant)
    if state == _SUSPENDED:
        raise Suspended(f"Tenant {tenant} is suspended.", f"An operator resumes it: strata tenant resume {tenant}.")
    if state not in {_ACTIVE, _ONBOARDING}:
        raise no_tenant(tenant)
    if permission not in principal.permissions:
        message = f"{principal.principal_id} may not do this: it lacks the permission {permission.value!r}."
        raise Forbidden(message, "Ask for a key with that scope.")
