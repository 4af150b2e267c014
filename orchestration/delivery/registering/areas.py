"""Which secrets and files of this machine a tenant's key may name: those inside areas that the operator allowed.

A worker reads references and files as the platform's own user. Without this, whoever holds a
tenant's key could have the platform's secrets sent to an endpoint of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from orchestration.access.principal import EVERY_TENANT, Principal
from orchestration.delivery.channels.channel import channel
from orchestration.delivery.registration import Registration
from orchestration.failures import SettingsError

VARIABLE = "STRATA_DELIVERY_SECRET_AREAS"


def require_areas(
    areas: Iterable[str], principal: Principal, wanted: Registration, before: Registration | None
) -> None:
    """Refuse a tenant's principal what lies outside the areas, and to send elsewhere what an operator put in.

    Raises:
        SettingsError: names the setting.
    """
    if principal.tenant == EVERY_TENANT:
        return
    allowed = [area_of(area, wanted.tenant) for area in areas]
    outside = [name for name, reference in _named(wanted) if not _is_inside(reference, allowed)]
    if not outside or (before and _goes_the_same_way(before, wanted)):
        return
    names = ", ".join(outside)
    if before and all(before.settings.get(name) == wanted.settings[name] for name in outside):
        text = (
            f"{names} of {wanted.label} was given by an operator: where it is sent is not changed with a tenant's key."
        )
        raise SettingsError(text, f"Name one of your own with --secret or --set; allowed are {_listed(allowed)}.")
    text = f"{names} names a place that a tenant's key may not name."
    raise SettingsError(text, f"Allowed are {_listed(allowed)}. An operator allows more: {VARIABLE}.")


def area_of(area: str, tenant: str) -> str:
    """Return a tenant's part of an area; in names of variables it is upper-case."""
    name = tenant.upper().replace("-", "_") if area.startswith("env:") else tenant
    return area.replace("{tenant}", name)


def _named(wanted: Registration) -> Iterator[tuple[str, str]]:
    """Yield each setting that names a secret or a file of this machine, and the reference."""
    known = channel(wanted.channel).settings
    for name, kept in wanted.settings.items():
        if "reference" in kept:
            yield name, kept["reference"]
        elif known[name].is_file and kept.get("value"):
            yield name, f"file:{kept['value']}"


def _is_inside(reference: str, allowed: Iterable[str]) -> bool:
    climbs = ".." in re.split(r"[:/\\#]", reference)
    return not climbs and any(reference.startswith(area) and reference != area for area in allowed)


def _goes_the_same_way(before: Registration, wanted: Registration) -> bool:
    """Any setting of a channel may lead elsewhere: an address, a trusted authority, encryption that is left out."""
    return (before.channel, before.settings) == (wanted.channel, wanted.settings)


def _listed(allowed: Iterable[str]) -> str:
    return ", ".join(f"{area}…" for area in allowed) or "none"
