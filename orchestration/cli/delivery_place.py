"""Who acts on deliveries from the command line, and the ``tenant/name`` that consumers and registrations go by."""

from __future__ import annotations

import typer

from orchestration.access.admission import admit
from orchestration.access.caller import caller
from orchestration.access.principal import EVERY_TENANT, Permission, Principal
from orchestration.runtime import Runtime


def place(text: str) -> tuple[str, str]:
    """Read ``acme/bi-usage``.

    Raises:
        typer.BadParameter: it has not this form.
    """
    tenant, slash, name = text.partition("/")
    if not slash or not tenant or not name or "/" in name:
        raise typer.BadParameter(f"{text!r} is not TENANT/NAME, such as acme/bi-usage.")
    return tenant, name


def admitted(runtime: Runtime, tenant: str) -> Principal:
    """Return who asks, if it may act on this tenant's deliveries.

    Raises:
        StrataError: the key is refused, the tenant is somebody else's, or the permission ``delivery`` is lacking.
    """
    principal = caller(runtime)
    admit(runtime, tenant, principal, Permission.DELIVERY)
    return principal


def visible_tenant(runtime: Runtime, named: str | None) -> str | None:
    """Return the tenant to look at: the named one, a key's own, or ``None`` for the operator's all."""
    principal = caller(runtime)
    tenant = named or (None if principal.tenant == EVERY_TENANT else principal.tenant)
    if tenant:
        admit(runtime, tenant, principal, Permission.DELIVERY)
    return tenant
