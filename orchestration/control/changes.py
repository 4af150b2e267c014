"""The one way to change a row: it says who and when, and writes the audit trail in the same transaction.

Every function takes a connection of :meth:`Control.transaction`, which knows who acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, and_, delete, func, select
from sqlalchemy import insert as insert_into
from sqlalchemy import update as update_of

from orchestration.control.database import ACTOR, alone
from orchestration.control.metadata import SECRET
from orchestration.control.tables import PLATFORM, TENANT_TABLES, audit, tenant
from orchestration.failures import SettingsError
from orchestration.redaction import redact

MARK = "…"
"""Stands in the audit trail for a value that is secret."""

_STAMPS = {"created_at", "created_by", "updated_at", "updated_by"}

Values = Mapping[str, Any]


def insert(connection: Connection, table: Table, values: Values) -> None:
    """Add a row; columns with a default may be left out.

    Raises:
        SettingsError: there is a row with this key, deleted or not.
    """
    key = {column.name: values[column.name] for column in table.primary_key}
    if found := _find(connection, table, key):
        state = "and is deleted: restore it" if found["deleted_at"] else "already"
        raise SettingsError(f"{_subject(table, key)} exists {state}.", "Nothing was changed.")
    now, actor = datetime.now(UTC), _actor(connection)
    stamps = {"created_at": now, "created_by": actor, "updated_at": now, "updated_by": actor}
    connection.execute(insert_into(table).values(**values, **stamps))
    _record_row(connection, table, key, "insert", after=values)


def update(connection: Connection, table: Table, key: Values, values: Values) -> bool:
    """Change a row that is not deleted; say whether anything differed (if not, nothing is written).

    Raises:
        SettingsError: there is no such row.
    """
    found = _require(connection, table, key, deleted=False)
    before = {name: found[name] for name in values if found[name] != values[name]}
    if not before:
        return False
    after = {name: values[name] for name in before}
    _write(connection, table, key, after)
    _record_row(connection, table, key, "update", before=before, after=after)
    return True


def soft_delete(connection: Connection, table: Table, key: Values) -> None:
    """Mark a row as deleted; it stays and can be restored.

    Raises:
        SettingsError: there is no such row, or it is deleted already.
    """
    _require(connection, table, key, deleted=False)
    _write(connection, table, key, {"deleted_at": datetime.now(UTC)})
    _record_row(connection, table, key, "delete")


def restore(connection: Connection, table: Table, key: Values) -> None:
    """Bring a deleted row back as it was.

    Raises:
        SettingsError: there is no such row, or it is not deleted.
    """
    _require(connection, table, key, deleted=True)
    _write(connection, table, key, {"deleted_at": None})
    _record_row(connection, table, key, "restore")


def record(
    connection: Connection,
    tenant_id: str,
    action: str,
    subject: str,
    *,
    before: Values | None = None,
    after: Values | None = None,
) -> None:
    """Write down a deed that changes no row here, such as an export; the values are kept as they are given."""
    alone(connection, f"audit {tenant_id}")
    last = select(func.max(audit.c.audit_id)).where(audit.c.tenant_id == tenant_id)
    number = (connection.execute(last).scalar() or 0) + 1
    row = {"tenant_id": tenant_id, "audit_id": number, "at": datetime.now(UTC), "actor": _actor(connection)}
    row |= {"action": action, "subject": subject[:512], "before": _plain(before), "after": _plain(after)}
    connection.execute(insert_into(audit).values(**row))


def erase(connection: Connection, tenant_id: str) -> dict[str, int]:
    """Delete every row of a tenant whose state is ``removing``, its audit trail too; return the rows of each table.

    Needs a transaction of an operator, without a tenant.

    Raises:
        SettingsError: the tenant is not being removed.
    """
    found = _find(connection, tenant, {"tenant_id": tenant_id})
    if found is None or found["state"] != "removing":
        raise SettingsError(f"Tenant {tenant_id!r} is not being removed.", "Use: strata tenant remove.")
    return {
        table.name: connection.execute(delete(table).where(table.c.tenant_id == tenant_id)).rowcount
        for table in TENANT_TABLES
    }


def _find(connection: Connection, table: Table, key: Values) -> RowMapping | None:
    # The trail's lock before any row's: who changes the same rows in another order waits instead of locking up.
    alone(connection, f"audit {key.get('tenant_id', PLATFORM)}")
    return connection.execute(select(table).where(_is(table, key)).with_for_update()).mappings().one_or_none()


def _require(connection: Connection, table: Table, key: Values, *, deleted: bool) -> RowMapping:
    found = _find(connection, table, key)
    if found is None or (found["deleted_at"] is not None) is not deleted:
        state = "is not deleted" if found and deleted else "is deleted" if found else "is unknown"
        raise SettingsError(f"{_subject(table, key)} {state}.", "Nothing was changed.")
    return found


def _write(connection: Connection, table: Table, key: Values, values: Values) -> None:
    stamps = {"updated_at": datetime.now(UTC), "updated_by": _actor(connection)}
    connection.execute(update_of(table).where(_is(table, key)).values(**values, **stamps))


def _is(table: Table, key: Values) -> Any:  # noqa: ANN401 - a condition of SQLAlchemy
    if set(key) != set(table.primary_key.columns.keys()):
        msg = f"the key of {table.name} is {', '.join(table.primary_key.columns.keys())}"
        raise ValueError(msg)
    return and_(*(table.c[name] == value for name, value in key.items()))


def _actor(connection: Connection) -> str:
    actor: str = connection.get_execution_options()[ACTOR]
    return actor


def _subject(table: Table, key: Values) -> str:
    return f"{table.name} {'/'.join(str(key[column.name]) for column in table.primary_key)}"


def _record_row(
    connection: Connection,
    table: Table,
    key: Values,
    action: str,
    *,
    before: Values | None = None,
    after: Values | None = None,
) -> None:
    tenant_id = str(key.get("tenant_id", PLATFORM))
    subject = _subject(table, key) if not any(table.c[name].info.get(SECRET) for name in key) else table.name
    shown = {"before": _shown(table, key, before), "after": _shown(table, key, after)}
    record(connection, tenant_id, action, subject, **shown)


def _shown(table: Table, key: Values, values: Values | None) -> Values | None:
    """Return what the audit trail may hold of a row: without its key and stamps, secrets marked."""
    if values is None:
        return None
    named = {name: value for name, value in values.items() if name not in key and name not in _STAMPS}
    return {name: MARK if table.c[name].info.get(SECRET) else value for name, value in named.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Make a value fit for JSON, with credentials in any text masked."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return redact(value) if isinstance(value, str) else value
