"""The platform's status narrowed to tenants: what is theirs, without what counts over all of them."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from orchestration.publication.status import Status


def narrowed(known: Status, tenants: Collection[str]) -> Status:
    """Return what of a status is about these tenants.

    Numbers of loads and of alerts that wait go over all tenants, and are left out.
    """
    return replace(
        known,
        entities=tuple(item for item in known.entities if item.tenant in tenants),
        alerts=tuple(alert for alert in known.alerts if alert.tenant in tenants),
        builds=tuple(replace(build, up_to_seq=0, good_up_to_seq=0) for build in known.builds),
        changed_seq={},
        alerts_waiting=0,
    )


def told_to_tenant(known: Status, tenant: str) -> Status:
    """Return one tenant's status as it may see it itself: a load's message may be about the platform."""
    own = narrowed(known, {tenant})
    return replace(own, entities=tuple(replace(item, message="") for item in own.entities), alerts=())
