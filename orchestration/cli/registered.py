"""What the warehouse holds of connections that ``tenants.yaml`` and the environment name no more."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.contracts.extraction import Connection
from orchestration.publication.status import EntityStatus, Status
from orchestration.tenants import Tenant

FORGOTTEN = "not configured, but has loads in the warehouse"
REMEDY = "Add it to tenants.yaml; until then its rows stay as they are."


def label(item: EntityStatus) -> str:
    """Return an entity's connection as people see it, ``acme/salesforce``."""
    return Connection(tenant=item.tenant, source=item.source, instance=item.connection).label


def forgotten(known: Status | None, tenants: Mapping[str, Tenant]) -> list[str]:
    """Return the labels of connections that loaded once and are configured no more, in their order."""
    configured = {connection.label for tenant in tenants.values() for connection in tenant.connections}
    return sorted({label(item) for item in (known.entities if known else ())} - configured)
