"""Who is at the command line: the holder of the key in ``STRATA_KEY``, or else the platform's operator."""

from __future__ import annotations

import getpass
from collections.abc import Iterable

from orchestration.access.principal import EVERY_TENANT, Permission, Principal, operator
from orchestration.access.refusals import Unanswerable
from orchestration.control.key_ring import Holder, KeyRing
from orchestration.control.pepper import read_pepper
from orchestration.runtime import Runtime


def caller(runtime: Runtime, *, reveal: bool = False) -> Principal:
    """Return who asks; an operator sees personal values only with ``reveal``, a key's holder by its scopes alone.

    Raises:
        KeyRefused: the key is not accepted.
    """
    key = runtime.settings.key
    if key is None:
        return operator(getpass.getuser(), clear=reveal)
    ring = KeyRing(runtime.control, read_pepper(runtime.settings, runtime.control))
    holder = ring.check(key.get_secret_value())
    ring.note_use()
    return principal_of(holder)


def principal_of(holder: Holder) -> Principal:
    """Return the principal that a key stands for; permissions that this version does not know are left out."""
    known = frozenset(Permission(word) for word in holder.permissions if word in set(Permission))
    return Principal(holder.tenant_id, holder.principal_id, known)


def own_tenant(principal: Principal, named: str | None) -> str:
    """Return the tenant to read for: the named one, or the only one that the principal has.

    Raises:
        Unanswerable: none is named, and the principal is the platform's.
    """
    if named:
        return named
    if principal.tenant == EVERY_TENANT:
        raise Unanswerable("No tenant is named.", "Name one: --tenant NAME.")
    return principal.tenant


def own_tenants(principal: Principal, named: Iterable[str]) -> list[str]:
    """Return the tenants to read for, each once: the named ones, or the only one that the principal has.

    Raises:
        Unanswerable: none is named, and the principal is the platform's.
    """
    return list(dict.fromkeys(named)) or [own_tenant(principal, None)]
