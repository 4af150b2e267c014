"""Hands the tenants' salts to the warehouse, where dbt's models read them from a table.

So no salt is ever part of a statement, a log, a manifest or an environment. The
control plane keeps them; the warehouse's copy, ``strata.tenant_salt``, is never published.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from sqlalchemy import select

from orchestration import names
from orchestration.control import Control, changes, tables
from orchestration.control.actor import current_actor
from orchestration.control.database import alone
from orchestration.failures import SettingsError
from orchestration.runtime import Runtime
from orchestration.warehouse.ddl import KEY_MARK, TableShape
from orchestration.warehouse.protocol import Session

SALTS: names.Table = (names.PLATFORM, "tenant_salt")
"""The warehouse's copy: ``tenant_id``, ``salt`` (64 hexadecimal digits)."""

_BYTES = 32
_SHAPE = TableShape({"tenant_id": f"VARCHAR{KEY_MARK}", "salt": "VARCHAR"})


def hand_over_salts(runtime: Runtime) -> None:
    """Give every tenant a salt that has none, and bring the warehouse's copy up to the control plane's.

    A salt that only the warehouse has (the control plane was begun anew) is taken back, so that digests stay.
    """
    with runtime.warehouse.session("tenants' salts") as session:
        copied = _copied(session)
        _copy(session, copied, copied | _salts(runtime.control, runtime.tenants, copied))


def take_over_salts(runtime: Runtime, salts: Mapping[str, str]) -> None:
    """Give this home's tenants the salts that they have in another home.

    Raises:
        SettingsError: the control plane has another salt of a tenant.
    """
    known = {tenant: salt for tenant, salt in salts.items() if tenant in runtime.tenants}
    for tenant, own in _salts(runtime.control, known, known).items():
        if own != known[tenant]:
            message = f"The control plane of this home has another salt of tenant {tenant!r}."
            raise SettingsError(message, "Begin with a new STRATA_HOME, or with a copy of the other's control/.")
    with runtime.warehouse.session("tenants' salts") as session:
        _copy(session, _copied(session), known)


def _copy(session: Session, copied: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    place = names.qualified(SALTS)
    with session.transaction():
        for tenant, salt in wanted.items():
            if tenant not in copied:
                session.execute(f"INSERT INTO {place} (tenant_id, salt) VALUES (?, ?)", (tenant, salt))
            elif copied[tenant] != salt:
                session.execute(f"UPDATE {place} SET salt = ? WHERE tenant_id = ?", (salt, tenant))


def read_salts(session: Session) -> dict[str, str]:
    """Return the warehouse's copy; empty where nothing was ever built."""
    if not session.columns(SALTS):
        return {}
    return dict(session.execute(f"SELECT tenant_id, salt FROM {names.qualified(SALTS)}"))


def _copied(session: Session) -> dict[str, str]:
    if names.PLATFORM not in session.schemas():
        session.ddl.run(session, session.ddl.create_schema(names.PLATFORM))
    if not session.columns(SALTS):
        session.ddl.run(session, session.ddl.create_table(SALTS, _SHAPE))
    return read_salts(session)


def _salts(control: Control, tenants: Mapping[str, object], copied: Mapping[str, str]) -> dict[str, str]:
    """Return the control plane's salts of these tenants, after each has one."""
    statement = select(tables.salt.c.tenant_id, tables.salt.c.salt).where(tables.salt.c.deleted_at.is_(None))
    with control.reading() as connection:
        found = {row.tenant_id: row.salt for row in connection.execute(statement)}
    if not set(tenants) <= set(found):
        with control.transaction(current_actor()) as connection:
            alone(connection, "salts")
            found = {row.tenant_id: row.salt for row in connection.execute(statement)}
            for tenant in sorted(set(tenants) - set(found)):
                found[tenant] = copied.get(tenant) or secrets.token_hex(_BYTES)
                changes.insert(connection, tables.salt, {"tenant_id": tenant, "salt": found[tenant]})
    return {tenant: found[tenant] for tenant in tenants}
