"""What happened to a tenant's data: its loads, its alerts and the versions in which its own rows changed.

The platform's tables count loads and versions over all tenants. Such numbers would tell
how busy the others are, so they are left out; and where a message is about the
platform itself (who holds a lock, which setting is wrong), the tenant gets its kind alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from orchestration.access.relation import Relation, published, reader
from orchestration.failures import POLICIES, FailureClass, Owner
from orchestration.names import Table
from orchestration.publication.log import versions as logged_versions
from orchestration.runtime import Runtime
from orchestration.warehouse import apply
from orchestration.warehouse.clock import aware
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Row

OF_TENANT = "tenant_id = ?"
"""The predicate that narrows a table of the platform to one tenant."""


@dataclass(frozen=True)
class TenantLoad:
    """One load as its tenant sees it; times are UTC, counts are the ledger's."""

    load_id: str
    source: str
    connection: str
    entity: str
    mode: str
    requested: str
    status: str
    failure_class: str | None
    message: str | None
    started_at: datetime
    finished_at: datetime | None
    watermark: datetime | None
    extracted: int
    inserted: int
    updated: int
    unchanged: int
    superseded: int
    rejected: int
    deleted: int
    held: int


@dataclass(frozen=True)
class TenantAlert:
    """An alert about one tenant; times are UTC."""

    alert_id: str
    failure_class: str
    subject: str
    message: str
    state: str
    first_at: datetime
    last_at: datetime
    count: int


@dataclass(frozen=True)
class TenantVersion:
    """A state of a tenant's rows of a published table, and since when they are so (at the latest)."""

    table: Table
    content: str
    rows: int
    published_at: datetime


def loads(runtime: Runtime, tenant: str, limit: int) -> list[TenantLoad]:
    """Return a tenant's loads, newest first."""
    columns = [field.name for field in fields(TenantLoad)]
    sql = (
        f"SELECT {', '.join(columns)} FROM {platform_table('load_ledger')} WHERE {OF_TENANT} ORDER BY seq DESC LIMIT ?"
    )
    return [_told(TenantLoad(*row)) for row in _rows(runtime, "read a tenant's loads", sql, [tenant, limit])]


def alerts(runtime: Runtime, tenant: str, limit: int, *, open_only: bool) -> list[TenantAlert]:
    """Return a tenant's alerts, newest first; those of the platform as a whole are nobody's."""
    columns = "alert_id, class, subject, message, state, first_at, last_at, count"
    which = f"{OF_TENANT} AND state = 'open'" if open_only else OF_TENANT
    sql = f"SELECT {columns} FROM {platform_table('alert')} WHERE {which} ORDER BY last_at DESC, alert_id LIMIT ?"
    return [_told(TenantAlert(*row)) for row in _rows(runtime, "read a tenant's alerts", sql, [tenant, limit])]


def versions(runtime: Runtime, tenant: str, table: Table) -> list[TenantVersion]:
    """Return the kept states of a tenant's rows of one table, newest first.

    A version that changed only others' rows is no version for this tenant.
    """
    with runtime.warehouse.session("read a table's versions") as session:
        apply.ensure(session)
        kept = logged_versions(session, runtime.settings, table, runtime.settings.published_versions)
    found: list[TenantVersion] = []
    with reader(runtime) as con:
        for version in reversed([item for item in kept if item.path.exists()]):
            content, rows = fingerprint(published(con, tenant, table, version.path))
            # Before the tenant's first rows there is nothing of it: such versions tell of others alone.
            if (found or rows) and (not found or found[-1].content != content):
                found.append(TenantVersion(table, content, rows, version.published_at))
    return found[::-1]


def fingerprint(relation: Relation) -> tuple[str, int]:
    """Return what tells two states of a tenant's rows apart, whatever their order, and how many rows there are."""
    listed = f"SELECT count(*), coalesce(sum(hash(t)::HUGEINT), 0) FROM {relation.sql} AS t"
    rows, total = relation.con.execute(listed, [relation.tenant]).fetchall()[0]
    return f"{int(total):x}", int(rows)


_Record = TypeVar("_Record", TenantLoad, TenantAlert)


def _told(record: _Record) -> _Record:
    """Keep the message where the class makes it the source's business; else say whose business it is."""
    failure_class = record.failure_class
    if not failure_class or POLICIES[FailureClass(failure_class)].alert is Owner.SOURCE:
        return record
    return replace(record, message=f"{failure_class.replace('_', ' ')}: the platform's operators see to it.")


def _rows(runtime: Runtime, purpose: str, sql: str, values: Sequence[object]) -> list[Row]:
    with runtime.warehouse.session(purpose) as session:
        apply.ensure(session)
        return [tuple(_zoned(value) for value in row) for row in session.execute(sql, values)]


def _zoned(value: Any) -> Any:  # noqa: ANN401 - a column holds text, numbers or times
    return aware(value) if isinstance(value, datetime) else value
