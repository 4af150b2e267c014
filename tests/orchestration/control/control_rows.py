"""Rows to test with: a tenant in every table, and a look at what is really there."""

from __future__ import annotations

from sqlalchemy import text

from orchestration.control import Control, changes, tables


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


def rows_of(control: Control) -> dict[str, list[dict[str, object]]]:
    """Return every row of every table, by raw SQL so that no type hides a difference."""
    read = {}
    with control.engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            known = connection.execute(
                text("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'audit'")
            ).scalar()
            connection.execute(text("SET LOCAL ROLE strata_operator" if known else "SELECT 1"))
        for table in tables.metadata.sorted_tables:
            found = connection.execute(text(f"SELECT * FROM {table.name}")).mappings()
            read[table.name] = sorted((dict(row) for row in found), key=str)
    return read
