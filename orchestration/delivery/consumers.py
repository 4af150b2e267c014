"""Keeps consumers in the control plane: who registers, and whom to tell when their deliveries fail for good."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from orchestration.control import changes
from orchestration.control.delivery_tables import consumer, registration
from orchestration.failures import SettingsError


@dataclass(frozen=True)
class Consumer:
    """Somebody who gets data of one tenant delivered; ``registrations`` counts the living ones."""

    tenant: str
    consumer: str
    title: str
    contact: str
    registrations: int


def add(connection: Connection, tenant: str, name: str, title: str, contact: str) -> None:
    """Add a consumer, or bring a removed one back with a new title and contact.

    Raises:
        SettingsError: the tenant has one of that name.
    """
    key, values = _key(tenant, name), {"title": title or name, "contact": contact}
    deleted = select(consumer.c.deleted_at).where(
        consumer.c.tenant_id == tenant, consumer.c.consumer_id == name, consumer.c.deleted_at.is_not(None)
    )
    if connection.execute(deleted).one_or_none() is None:
        changes.insert(connection, consumer, {**key, **values})
    else:
        changes.restore(connection, consumer, key)
        changes.update(connection, consumer, key, values)


def change(connection: Connection, tenant: str, name: str, values: dict[str, str]) -> bool:
    """Change a consumer's title or contact; say whether anything differed.

    Raises:
        SettingsError: there is none of that name.
    """
    return changes.update(connection, consumer, _key(tenant, name), values)


def remove(connection: Connection, tenant: str, name: str) -> None:
    """Mark a consumer as deleted.

    Raises:
        SettingsError: there is none of that name, or it is registered for something still.
    """
    living = [found for found in consumers(connection, tenant) if found.consumer == name and found.registrations]
    if living:
        message = f"Consumer {tenant}/{name} is registered {living[0].registrations} times."
        raise SettingsError(message, f"Remove its registrations first: strata registration list {tenant}")
    changes.soft_delete(connection, consumer, _key(tenant, name))


def consumers(connection: Connection, tenant: str | None = None) -> list[Consumer]:
    """Return the consumers of a tenant, or of all, sorted."""
    count = (
        select(func.count())
        .where(
            registration.c.tenant_id == consumer.c.tenant_id,
            registration.c.consumer_id == consumer.c.consumer_id,
            registration.c.deleted_at.is_(None),
        )
        .scalar_subquery()
    )
    query = select(consumer.c.tenant_id, consumer.c.consumer_id, consumer.c.title, consumer.c.contact, count.label("n"))
    query = query.where(consumer.c.deleted_at.is_(None)).order_by(consumer.c.tenant_id, consumer.c.consumer_id)
    rows = connection.execute(query.where(consumer.c.tenant_id == tenant) if tenant else query)
    return [Consumer(row.tenant_id, row.consumer_id, row.title, row.contact, row.n) for row in rows]


def _key(tenant: str, name: str) -> dict[str, str]:
    return {"tenant_id": tenant, "consumer_id": name}
