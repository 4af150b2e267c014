"""What ``strata doctor`` asks of a server: each finding with the statement that mends it. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.contracts.extraction import Check
from orchestration.warehouse.sqlserver import protection, security
from orchestration.warehouse.sqlserver.capabilities import COLLATION, Capabilities
from orchestration.warehouse.sqlserver.quoting import bracketed
from orchestration.warehouse.sqlserver.session import SqlServerSession

_WHO = "SELECT SUSER_SNAME(), USER_NAME()"
_MAY = "SELECT CAST(HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', ?) AS int)"


def inspect(session: SqlServerSession) -> Iterator[Check]:
    """Check who is logged in, what that one may do, and how the database is set."""
    can = session.capabilities
    ((login, user),) = session.run(_WHO)
    yield Check("warehouse", ok=True, detail=f"{can}, login {login}")
    yield version(can)
    yield permissions(session, can, str(user))
    yield snapshots(can)
    yield collation(can)
    yield protected(session, can)


def version(can: Capabilities) -> Check:
    """Check that the server is no older than what statements are written for."""
    if can.is_babelfish or can.create_or_alter:
        return Check("warehouse: version", ok=True, detail=can.version)
    remedy = "Strata needs SQL Server 2016 with service pack 1, or later."
    return Check("warehouse: version", ok=False, detail=can.version, remedy=remedy)


def permissions(session: SqlServerSession, can: Capabilities, user: str) -> Check:
    """Check what this login may do in the database; names what is missing."""
    if not can.lists_permissions:
        return Check("warehouse: permissions", ok=True, detail=f"{can.product} does not tell them")
    wanted = security.DATABASE_PERMISSIONS
    missing = [name for name in wanted if not session.run(_MAY, name)[0][0]]
    remedy = f"As db_owner: GRANT {', '.join(missing)} TO {bracketed(user)};" if missing else ""
    return Check("warehouse: permissions", not missing, f"missing: {', '.join(missing)}" if missing else user, remedy)


def snapshots(can: Capabilities) -> Check:
    """Check that readers do not wait for loads."""
    detail = "readers see the last commit" if can.reads_snapshots else "readers wait for loads, and loads for readers"
    statement = f"ALTER DATABASE {bracketed(can.database)} SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE;"
    return Check("warehouse: snapshots", can.reads_snapshots, detail, "" if can.reads_snapshots else statement)


def collation(can: Capabilities) -> Check:
    """Check that texts compare as analysts' scripts expect."""
    if can.is_babelfish or can.collation.casefold() == COLLATION.casefold():
        return Check("warehouse: collation", ok=True, detail=can.collation)
    detail = f"{can.collation}, and scripts expect {COLLATION}"
    remedy = f"While the database is empty: ALTER DATABASE {bracketed(can.database)} COLLATE {COLLATION};"
    if can.is_azure:
        remedy = f"Azure SQL sets it at creation alone: CREATE DATABASE … COLLATE {COLLATION};"
    return Check("warehouse: collation", ok=False, detail=detail, remedy=remedy)


def protected(session: SqlServerSession, can: Capabilities) -> Check:
    """Check that every table with tenants' rows has its policy, in force."""
    name = "warehouse: tenants' rows"
    steps = list(protection.missing(protection.look(session.run, can), can, {}))
    if steps:
        detail = f"{len(steps)} steps are missing: {steps[0][1]}" + (" …" if steps[1:] else "")
        return Check(name, ok=False, detail=detail, remedy="strata warehouse apply")
    return Check(name, ok=True, detail="protected by the database" if can.security_policies else protection.NONE)
