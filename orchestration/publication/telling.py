"""Tells of a publication in the event log: what queries of business events find anew, and a tenant's close.

A query is run before the publication's transaction begins, in the same session: its own fault
becomes an alert to its owner and holds nothing up. What it found is written within the transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import duckdb

from orchestration.alerts import raise_alert, recover
from orchestration.failures import FailureClass
from orchestration.names import FINANCE, PLATFORM, TENANT, Table, quote
from orchestration.parquet_files import parquet_relation
from orchestration.publication.event_log import CLOSE_PUBLISHED, NewEvent, record_events
from orchestration.publication.event_queries import EventQuery, read_event_queries
from orchestration.publication.holding import version_path
from orchestration.publication.log import PublishedVersion
from orchestration.publication.row_changes import tenant_changes
from orchestration.settings import Settings
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

_FOUND_LAST: Table = (PLATFORM, "event_row")
_ROWS = platform_table("event_row")


@dataclass(frozen=True)
class Found:
    """What a query finds now, kept in the temporary table ``relation`` with a ``_digest`` for each row."""

    query: EventQuery
    relation: str


def find(session: Session, settings: Settings, tables: Collection[Table]) -> list[Found]:
    """Run the queries that read any of the tables that are about to be published; call it outside a transaction."""
    queries, faults = read_event_queries(settings)
    for name, fault in faults.items():
        raise_alert(session, FailureClass.SCRIPT, _alert(name), str(fault), "")
    schemas = {schema for query in queries for schema, _ in query.tables}
    there = {(schema, name) for schema in schemas for name in (*session.tables(schema), *session.views(schema))}
    wanted = [query for query in queries if {*tables} & {*query.tables} and {*query.tables} <= there]
    return [found for number, query in enumerate(wanted) if (found := _run(session, query, f"found_{number}"))]


def tell(session: Session, settings: Settings, versions: Sequence[PublishedVersion], found: Iterable[Found]) -> None:
    """Write the events of a publication; call it within its transaction."""
    events = [event for item in found for event in _new_rows(session, item)]
    closed = [version for version in versions if version.table[0] == FINANCE]
    record_events(session, [*events, *_closes(session, settings, closed)])


def _run(session: Session, query: EventQuery, relation: str) -> Found | None:
    counting = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in (query.subject, *query.fires_on))
    digest = f"md5(CAST([{counting}] AS VARCHAR))"
    try:
        with ExitStack() as at_hand:  # the query is its author's, in all the words that DuckDB has
            for table in query.tables:
                at_hand.enter_context(session.working_copy(table))
            session.execute(
                f"CREATE OR REPLACE TEMP TABLE {relation} AS SELECT *, {digest} AS _digest FROM ({query.sql})"
            )
    except duckdb.Error as error:
        # Words about the text help its author; those about a value may quote a row.
        is_about_text = isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException)
        said = str(error).splitlines()[0] if is_about_text else type(error).__name__
        raise_alert(session, FailureClass.SCRIPT, _alert(query.name), f"{query.path}: {said}", query.owner)
        return None
    recover(session, _alert(query.name))
    return Found(query, relation)


def _alert(name: str) -> str:
    return f"business event {name}"


def _new_rows(session: Session, found: Found) -> list[NewEvent]:
    """Return the rows that were not found last time, and remember those that are found now."""
    query, names = found.query, [name for name in found.query.columns if name != TENANT]
    with session.working_copy(_FOUND_LAST, "type = ?", [query.name]):
        rows = session.execute(
            f"SELECT {quote(TENANT)}, {', '.join(map(quote, names))} FROM {found.relation} "
            f"WHERE ({quote(TENANT)}, _digest) NOT IN (SELECT (tenant_id, digest) FROM {_ROWS} WHERE type = ?) "
            f"AND {quote(TENANT)} IS NOT NULL QUALIFY row_number() OVER (PARTITION BY {quote(TENANT)}, _digest) = 1",
            [query.name],
        )
    session.execute(f"DELETE FROM {_ROWS} WHERE type = ?", [query.name])
    remembered = f"SELECT DISTINCT ?, {quote(TENANT)}, _digest FROM {found.relation} WHERE {quote(TENANT)} IS NOT NULL"
    session.execute(f"INSERT INTO {_ROWS} (type, tenant_id, digest) {remembered}", [query.name])
    return [
        NewEvent(query.name, tenant, str(data[query.subject]), data)
        for tenant, *values in rows
        for data in [dict(zip(names, values, strict=True))]
    ]


def _closes(session: Session, settings: Settings, versions: Sequence[PublishedVersion]) -> list[NewEvent]:
    """Return one event for each tenant whose financial gold is another than before, with the close that it is from."""
    tables: dict[str, list[dict[str, object]]] = {}
    for version in versions:
        before = version_path(settings, version.table, version.version - 1)
        old = parquet_relation(before) if before else None
        for tenant in tenant_changes(session.con, parquet_relation(version.path), old, (), version.key):
            tables.setdefault(tenant, []).append({"table": ".".join(version.table), "version": version.version})
    closes = _current_closes(session) if tables else {}
    return [
        NewEvent(CLOSE_PUBLISHED, tenant, FINANCE, {**closes.get(tenant, {}), "tables": built})
        for tenant, built in tables.items()
    ]


def _current_closes(session: Session) -> dict[str, dict[str, object]]:
    """Return id and day of each tenant's close that readers see; of what was taken over, the day is not known."""
    rows = session.execute(f"SELECT tenant_id, close_id, as_of FROM {platform_table('finance_close')}")
    return {tenant: {"close_id": close_id} | ({"as_of": day} if day else {}) for tenant, close_id, day in rows}
