"""Looks for holes between tenants in the control plane's own schema.

Migrations close them; this finds what somebody added beside the migrations, such
as a view for a report that shows every tenant's rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Inspector, inspect, text
from sqlalchemy.engine.interfaces import ReflectedUniqueConstraint

from orchestration.control.tables import TENANT_TABLES

_PLATFORM_KEYS = {"fk_tenant_plan"}
"""Foreign keys to tables of the platform: they answer nothing about a tenant."""


def holes(connection: Connection) -> list[str]:
    """Return what would let one tenant learn of another, one sentence each; empty when all is well."""
    found = [*_keys(connection)]
    if connection.dialect.name == "postgresql":
        found += [row[0] for row in connection.execute(text(_POSTGRESQL), {"tables": _names()})]
    return found


def _names() -> list[str]:
    return [table.name for table in TENANT_TABLES]


def _keys(connection: Connection) -> Iterator[str]:
    """A key that does not begin with the tenant answers whether another tenant has a value."""
    schema = inspect(connection)
    for table in _names():
        key = schema.get_pk_constraint(table)
        primary = [("primary key", key["name"], key["constrained_columns"])]
        unique = [("unique key", key["name"], key["column_names"]) for key in _unique_constraints(schema, table)]
        foreign = [("foreign key", key["name"], key["constrained_columns"]) for key in schema.get_foreign_keys(table)]
        indexes = [
            # An index over an expression has no column there.
            ("unique index", index["name"], [column or "" for column in index["column_names"]])
            for index in schema.get_indexes(table)
            if index["unique"]
        ]
        for kind, name, columns in [*primary, *unique, *foreign, *indexes]:
            if name not in _PLATFORM_KEYS and columns[:1] != ["tenant_id"]:
                yield f"{table}: {kind} {name} does not begin with tenant_id."


def _unique_constraints(schema: Inspector, table: str) -> Sequence[ReflectedUniqueConstraint]:
    """Return a table's unique constraints; of SQL Server's they are among the indexes."""
    return () if schema.dialect.name == "mssql" else schema.get_unique_constraints(table)


_POSTGRESQL = """
SELECT format('%s: row-level security is not enabled and forced.', relname) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(:tables)
    AND NOT (relrowsecurity AND relforcerowsecurity)
UNION ALL
SELECT format('%s: policy %s shows rows where no tenant is set, or to everybody.', tablename, policyname)
FROM pg_policies WHERE schemaname = current_schema() AND tablename = ANY(:tables) AND (
    roles && ARRAY['public']::name[] OR ('strata_app' = ANY(roles) AND (
        qual IS DISTINCT FROM '((tenant_id)::text = current_setting(''strata.tenant''::text, true))'
        OR with_check IS DISTINCT FROM qual)))
UNION ALL
SELECT format('%s: a materialized view carries no policy.', relname) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'm'
UNION ALL
SELECT format('%s: a view shows what its owner may see; make it security_invoker.', relname) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'v'
    AND NOT coalesce(reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false)
UNION ALL
SELECT format('%s: a function runs with the rights of its owner.', proname) FROM pg_proc
WHERE pronamespace = current_schema()::regnamespace AND prosecdef
UNION ALL
SELECT format('%s may pass row-level security by.', rolname) FROM pg_roles
WHERE rolname IN ('strata_app', 'strata_operator') AND (rolsuper OR rolbypassrls)
UNION ALL
SELECT 'strata_app is a member of another role.' FROM pg_auth_members
WHERE member = (SELECT oid FROM pg_roles WHERE rolname = 'strata_app')
"""
