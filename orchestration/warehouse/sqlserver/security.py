"""The statements that keep tenants' rows apart on the server: roles, what they may do, and row-level security.

Four roles, each with the least it needs:

- ``strata_platform`` loads, builds and closes: it reads and writes all rows;
- ``strata_auditor`` reads all rows and writes none;
- ``strata_reader`` is a service that reads for one tenant after the other: the rows of the tenant that its session's
  context names, and none while it names none;
- ``strata_tenant`` is for tenants' own users: the rows of the tenant that ``strata_security.tenant_user`` gives them,
  whatever their session's context says.

Everything here is a pure function that returns text.
"""

from __future__ import annotations

from hashlib import sha256

from orchestration import names
from orchestration.names import Table
from orchestration.warehouse.sqlserver.quoting import bracketed, there

SCHEMA = "strata_security"
"""A schema of its own: who may write tables must not be able to replace what filters them."""
PLATFORM, AUDITOR, READER, TENANT = "strata_platform", "strata_auditor", "strata_reader", "strata_tenant"
ROLES = (PLATFORM, AUDITOR, READER, TENANT)
CONTEXT = "tenant_id"
USERS: Table = (SCHEMA, "tenant_user")
PREDICATE: Table = (SCHEMA, "may_see")
TENANT_COLUMNS = (names.TENANT, "tenant_id")
"""What the tenant's column is called; the first of them that a table has."""

PUBLISHED = (names.SILVER, names.GOLD, names.FINANCE)
"""What services and tenants may read: bronze holds personal values in clear."""
_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE")
_CHANGE = ("ALTER", "REFERENCES")
DATABASE_PERMISSIONS = (
    "CREATE SCHEMA", "CREATE TABLE", "CREATE VIEW", "CREATE FUNCTION", "CREATE PROCEDURE", "CREATE ROLE",
    "ALTER ANY SECURITY POLICY", "ALTER ANY DATASPACE", "VIEW DEFINITION",
)  # fmt: skip
"""What the platform needs on the database; the policies may be its to change, for it sees all rows anyway."""


def is_protected(schema: str) -> bool:
    """Say whether the tables of a schema hold rows of tenants that others must not see."""
    return schema.startswith(names.BRONZE_PREFIX) or schema in (names.SILVER, names.GOLD, names.FINANCE_HISTORY)


def create_users() -> str:
    """Return the statement that makes the list of tenants' own users."""
    return (
        f"CREATE TABLE {there(USERS)} (user_name nvarchar(128) NOT NULL, tenant_id nvarchar(128) NOT NULL, "
        f"CONSTRAINT pk_tenant_user PRIMARY KEY (user_name, tenant_id))"
    )


def create_predicate() -> str:
    """Return the statement that makes the predicate: whether who asks may see a row of a tenant.

    It fails closed: an empty context equals nothing. ``dbo`` and ``db_owner`` could take the policies away, so
    nothing is gained by hiding rows from them; a load by the owner of the database would be refused.
    """
    return (
        f"CREATE FUNCTION {there(PREDICATE)}(@tenant nvarchar(128)) RETURNS TABLE WITH SCHEMABINDING AS RETURN "
        f"SELECT 1 AS allowed WHERE IS_ROLEMEMBER(N'{PLATFORM}') = 1 OR IS_ROLEMEMBER(N'{AUDITOR}') = 1 "
        f"OR IS_ROLEMEMBER(N'db_owner') = 1 OR USER_NAME() = N'dbo' "
        f"OR (IS_ROLEMEMBER(N'{READER}') = 1 AND @tenant = CAST(SESSION_CONTEXT(N'{CONTEXT}') AS nvarchar(128))) "
        f"OR (IS_ROLEMEMBER(N'{TENANT}') = 1 AND EXISTS (SELECT 1 FROM {there(USERS)} AS u "
        f"WHERE u.user_name = USER_NAME() AND u.tenant_id = @tenant))"
    )


def create_role(role: str) -> str:
    """Return the statement that makes a role."""
    return f"CREATE ROLE {bracketed(role)}"


def policy_name(table: Table) -> str:
    """Return the name of a table's policy, within 128 characters and apart from all others'."""
    plain = ".".join(table)
    return plain if len(plain) <= 128 else f"{plain[:111]}_{sha256(plain.encode()).hexdigest()[:16]}"


def create_policy(table: Table, column: str) -> str:
    """Return the statement that hides other tenants' rows of a table, and refuses to write them.

    A filter alone lets a tenant write rows of another: the block has no operation named, so it holds for all.
    """
    predicate = f"{there(PREDICATE)}({bracketed(column)}) ON {there(table)}"
    return (
        f"CREATE SECURITY POLICY {there((SCHEMA, policy_name(table)))} "
        f"ADD FILTER PREDICATE {predicate}, ADD BLOCK PREDICATE {predicate} WITH (STATE = ON)"
    )


def switch_on(table: Table) -> str:
    """Return the statement that puts a policy in force that somebody has switched off."""
    return f"ALTER SECURITY POLICY {there((SCHEMA, policy_name(table)))} WITH (STATE = ON)"


def drop_policy(table: Table) -> str:
    """Return the statement that frees a table for a rename or a drop, which its policy forbids.

    Run it in the transaction that makes the policy again, so that nobody ever sees the table without.
    """
    return f"DROP SECURITY POLICY IF EXISTS {there((SCHEMA, policy_name(table)))}"


def platform_grant() -> str:
    """Return what the platform may do in the database."""
    return f"GRANT {', '.join(DATABASE_PERMISSIONS)} TO {bracketed(PLATFORM)}"


def grants(schema: str, *, whole: bool) -> dict[str, list[str]]:
    """Return, for each role, the statements about one schema; without ``whole``, those that every server knows."""
    place = f"ON SCHEMA::{bracketed(schema)} TO"
    found = {PLATFORM: [f"GRANT {', '.join(_WRITE)} {place} {bracketed(PLATFORM)}"]}
    found[AUDITOR] = [f"GRANT SELECT {place} {bracketed(AUDITOR)}"]
    if whole:
        found[PLATFORM].append(f"GRANT {', '.join(_CHANGE)} {place} {bracketed(PLATFORM)}")
        found[AUDITOR].append(f"DENY INSERT, UPDATE, DELETE, EXECUTE, ALTER {place} {bracketed(AUDITOR)}")
    return found


def grant_reading(table: Table) -> str:
    """Return the statement that lets services and tenants read one table or view.

    It is given for the object, once its rows are protected, and goes with it: what is built anew is nobody's to
    read before it is protected anew.
    """
    return f"GRANT SELECT ON OBJECT::{there(table)} TO {bracketed(READER)}, {bracketed(TENANT)}"
