"""What is missing, of all that keeps tenants' rows apart, in the database at hand (see :mod:`.security`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from orchestration import names
from orchestration.names import Table
from orchestration.warehouse.sqlserver import security
from orchestration.warehouse.sqlserver.capabilities import Capabilities
from orchestration.warehouse.sqlserver.catalog import Run
from orchestration.warehouse.sqlserver.quoting import bracketed

Step = tuple[Table, str, str]
"""The table or schema that it is about, what it does, in words, and the statement."""

NONE = "This server has no security policies: tenants' rows are kept apart by Strata's own reading layer alone."
_OWN = (names.SILVER, names.GOLD, names.FINANCE, names.FINANCE_HISTORY, names.FINANCE_WORK)
_POLICIES = """
SELECT s.name, o.name, CAST(p.is_enabled AS int) FROM sys.security_predicates r
JOIN sys.security_policies p ON p.object_id = r.object_id JOIN sys.objects o ON o.object_id = r.target_object_id
JOIN sys.schemas s ON s.schema_id = o.schema_id"""
_GRANTED = """
SELECT DISTINCT r.name, s.name FROM sys.database_permissions g
JOIN sys.database_principals r ON r.principal_id = g.grantee_principal_id
JOIN sys.schemas s ON s.schema_id = g.major_id WHERE g.class = 3"""
_READABLE = """
SELECT s.name, o.name FROM sys.database_permissions g
JOIN sys.database_principals r ON r.principal_id = g.grantee_principal_id
JOIN sys.objects o ON o.object_id = g.major_id JOIN sys.schemas s ON s.schema_id = o.schema_id
WHERE g.class = 1 AND g.permission_name = 'SELECT' AND r.name = ?"""
_TABLES = """
SELECT s.name, o.name, o.type, c.name FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
JOIN sys.columns c ON c.object_id = o.object_id
WHERE o.type IN ('U', 'V') AND c.name IN (?, ?) ORDER BY s.name, o.name"""
_OF_DATABASE = """
SELECT g.permission_name FROM sys.database_permissions g
JOIN sys.database_principals r ON r.principal_id = g.grantee_principal_id WHERE g.class = 0 AND r.name = ?"""


@dataclass(frozen=True)
class Protected:
    """What there is already.

    ``tables`` are those with a tenant's column, by its names; ``policies`` says of a table whether its own is in force.
    """

    roles: Collection[str]
    schemas: Collection[str]
    objects: Collection[str]
    granted: Collection[tuple[str, str]]
    of_database: Collection[str]
    tables: Mapping[Table, Collection[str]]
    views: Collection[Table]
    policies: Mapping[Table, bool]
    readable: Collection[Table]


def look(run: Run, can: Capabilities) -> Protected:
    """Ask the server's catalog."""
    roles = {str(name) for (name,) in run("SELECT name FROM sys.database_principals WHERE type = 'R'")}
    schemas = {str(name) for (name,) in run("SELECT name FROM sys.schemas")}
    # Where permissions cannot be listed, they were given together with the role and the schema.
    granted = run(_GRANTED) if can.lists_permissions else [(role, schema) for role in roles for schema in schemas]
    tables, views = _with_tenants(run)
    listed = (security.PREDICATE, security.USERS)
    return Protected(
        roles,
        schemas,
        [name for schema, name in listed if run("SELECT OBJECT_ID(?)", f"{schema}.{name}")[0][0] is not None],
        {(str(role), str(schema)) for role, schema in granted},
        [str(name) for (name,) in run(_OF_DATABASE, security.PLATFORM)] if can.lists_permissions else [],
        tables,
        views,
        {(str(s), str(t)): bool(on) for s, t, on in run(_POLICIES)} if can.security_policies else {},
        {(str(s), str(t)) for s, t in run(_READABLE, security.TENANT)} if can.security_policies else (),
    )


def _with_tenants(run: Run) -> tuple[dict[Table, list[str]], list[Table]]:
    tables: dict[Table, list[str]] = {}
    views: list[Table] = []
    for schema, name, kind, column in run(_TABLES, *security.TENANT_COLUMNS):
        if str(kind).strip() == "V":
            views.append((str(schema), str(name)))
        else:
            tables.setdefault((str(schema), str(name)), []).append(str(column))
    return tables, views


def missing(found: Protected, can: Capabilities, planned: Mapping[Table, Collection[str]]) -> Iterator[Step]:
    """Yield what has to be run, in order; ``planned`` are tables that are about to be made, with their columns."""
    tables = {**found.tables, **planned}
    yield from _ground(found, can)
    schemas = {schema for schema, _ in tables}
    for schema in sorted({*_OWN, *filter(security.is_protected, schemas), *schemas & {names.PLATFORM}}):
        yield from _grants(found, can, schema)
    if can.security_policies:
        for table, columns in tables.items():
            yield from _policy(found, table, columns)
        yield from _readable(found, {*filter(_is_published, tables), *filter(_is_published, found.views)})


def _ground(found: Protected, can: Capabilities) -> Iterator[Step]:
    """Yield what everything else stands on: roles, schemas, the predicate."""
    own: Table = (security.SCHEMA, "")
    for role in security.ROLES:
        if role not in found.roles:
            yield own, f"create role {role}", security.create_role(role)
    for schema in (*_OWN, security.SCHEMA):
        if schema not in found.schemas:
            yield (schema, ""), f"create schema {schema}", f"CREATE SCHEMA {bracketed(schema)}"
    if security.USERS[1] not in found.objects:
        yield security.USERS, f"create table {'.'.join(security.USERS)}", security.create_users()
    if security.PREDICATE[1] not in found.objects:
        yield security.PREDICATE, f"create function {'.'.join(security.PREDICATE)}", security.create_predicate()
    if can.lists_permissions and set(security.DATABASE_PERMISSIONS) - set(found.of_database):
        yield own, f"grant {security.PLATFORM} what it needs in the database", security.platform_grant()


def _grants(found: Protected, can: Capabilities, schema: str) -> Iterator[Step]:
    for role, statements in security.grants(schema, whole=can.lists_permissions).items():
        known = role in found.roles and schema in found.schemas
        if not known or (role, schema) not in found.granted:
            for statement in statements:
                yield (schema, ""), f"{statement.partition(' ON ')[0].lower()} on schema {schema} to {role}", statement


def _policy(found: Protected, table: Table, columns: Collection[str]) -> Iterator[Step]:
    column = next((name for name in security.TENANT_COLUMNS if name in columns), None)
    if column is None or not security.is_protected(table[0]):
        return
    label = ".".join(table)
    if table not in found.policies:
        yield table, f"protect the rows of {label}", security.create_policy(table, column)
    elif not found.policies[table]:
        yield table, f"switch the protection of {label} on again", security.switch_on(table)


def _readable(found: Protected, objects: Collection[Table]) -> Iterator[Step]:
    for item in sorted(objects):
        if item not in found.readable:
            yield item, f"let services and tenants read their rows of {'.'.join(item)}", security.grant_reading(item)


def _is_published(item: Table) -> bool:
    return item[0] in security.PUBLISHED
