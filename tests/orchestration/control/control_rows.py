"""Rows to test with: a tenant in every table, and a look at what is really there."""

from __future__ import annotations

from sqlalchemy import Connection, insert, inspect, text

from orchestration.control import Control, changes, delivery_tables, tables
from orchestration.control.metadata import metadata


def add_tenant(control: Control, name: str, **values: object) -> None:
    with control.transaction("ops@host") as connection:
        changes.insert(connection, tables.tenant, {"tenant_id": name, "title": name, "state": "active", **values})


def fill(control: Control, *names: str) -> None:
    """Put a row into every table, for each tenant with the same ids."""
    with control.transaction("ops@host") as connection:
        plan = {"plan_id": "gold", "title": "Gold", "features": {"close": False}, "quotas": {"rows": 5}}
        changes.insert(connection, tables.plan, plan)
        changes.insert(connection, tables.removed, {"name_digest": "ab" * 32})
        changes.insert(connection, tables.installation, {"name": "fact", "value": "value"})
    for name in names:
        of_tenant = {"tenant_id": name}
        with control.transaction("ops@host") as connection:
            tenant = {"title": "Café Łódź", "state": "active", "plan_id": "gold", "features": {"sql": True}}
            changes.insert(connection, tables.tenant, of_tenant | tenant)
        with control.transaction("ops@host", name) as connection:
            changes.insert(
                connection,
                tables.connection,
                of_tenant
                | {"source": "crm", "instance": "main", "simulated": False}
                | {"settings": {"url": {"reference": f"env:{name.upper()}_URL"}}},
            )
            changes.insert(connection, tables.salt, of_tenant | {"salt": f"{name}-salt"})
            principal = {"principal_id": "reader", "kind": "service", "title": "Reader", "permissions": ["pii"]}
            changes.insert(connection, tables.principal, of_tenant | principal)
            key = {"key_id": "k1", "principal_id": "reader", "prefix": "strata_k1", "digest": f"{name}-digest"}
            changes.insert(connection, tables.api_key, of_tenant | key | {"scopes": ["read"]})
            _register(connection, of_tenant)
        with control.transaction("ops@host") as connection:
            _deliver(connection, of_tenant)
    with control.transaction("ops@host") as connection:
        connection.execute(insert(delivery_tables.delivery_cursor).values(stream="publications", position=12))


def _register(connection: Connection, of_tenant: dict[str, object]) -> None:
    consumer = {"consumer_id": "bi", "title": "BI", "contact": "bi@example.com"}
    changes.insert(connection, delivery_tables.consumer, of_tenant | consumer)
    wish = {"title": "Usage", "events": ["gold.table.updated"], "tables": ["gold.license_usage"], "columns": []}
    wish |= {"conditions": [], "payload": "reference", "format": "json", "channel": "webhook", "endpoint_id": "e1"}
    settings = {"settings": {"url": {"value": "https://example.com/hook"}}, "state": "active"}
    key = {"registration_id": "r1", "consumer_id": "bi"}
    changes.insert(connection, delivery_tables.registration, of_tenant | key | wish | settings)


def _deliver(connection: Connection, of_tenant: dict[str, object]) -> None:
    """Put a row into each table of the queue; the delivery is in flight."""
    of_registration = of_tenant | {"registration_id": "r1"}
    of_delivery = of_tenant | {"delivery_id": "d1"}
    event = {"event_key": "gold.license_usage@12", "event_type": "gold.table.updated", "subject": "s", "occurred_at": 1}
    times = dict.fromkeys(("rank", "due_at", "created_at", "first_event_at", "last_event_at", "lease_until"), 1)
    chain = {"endpoint_id": "e1", "subject": "s", "state": "leased", "events": 1, "lease_token": "t"}
    rows = {
        delivery_tables.endpoint: of_tenant | {"endpoint_id": "e1"},
        delivery_tables.progress: of_registration
        | {"schema_name": "gold", "table_name": "license_usage", "version": 11, "delivered_at": 1},
        delivery_tables.delivery: of_registration | of_delivery | chain | times,
        delivery_tables.outbox: of_registration | of_delivery | event,
        delivery_tables.attempt: of_delivery | {"number": 1, "started_at": 1, "milliseconds": 5},
        delivery_tables.feed_entry: of_registration | of_delivery | {"position": 1, "document": "{}", "added_at": 1},
    }
    for table, row in rows.items():
        connection.execute(insert(table).values(**row))


def rows_of(control: Control) -> dict[str, list[dict[str, object]]]:
    """Return every row of every table that is there, by raw SQL so that no type hides a difference."""
    read = {}
    with control.engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            known = connection.execute(
                text("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'audit'")
            ).scalar()
            connection.execute(text("SET LOCAL ROLE strata_operator" if known else "SELECT 1"))
        there = inspect(connection).get_table_names()
        quoted = connection.dialect.identifier_preparer.format_table  # in T-SQL ``plan`` is a word of its own
        for table in (table for table in metadata.sorted_tables if table.name in there):
            found = connection.execute(text(f"SELECT * FROM {quoted(table)}")).mappings()
            read[table.name] = sorted((dict(row) for row in found), key=str)
    return read
