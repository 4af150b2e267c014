"""The types of business events: what a query over gold finds, described by its columns."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from orchestration.delivery.events.catalogue import EventType, Schema, described
from orchestration.failures import StrataError
from orchestration.names import TENANT
from orchestration.publication.event_queries import EventQuery, read_event_queries
from orchestration.publication.published_reader import connect_published
from orchestration.settings import Settings


def business_types(settings: Settings) -> list[EventType]:
    """Return the types that files make, by name; a file with a fault makes none."""
    return [_type(query, {}) for query in read_event_queries(settings)[0]]


def typed(settings: Settings) -> list[EventType]:
    """Return them with the types of their columns, where what they read is published."""
    queries, _ = read_event_queries(settings)
    try:
        con = connect_published(settings)
    except StrataError:
        return [_type(query, {}) for query in queries]
    with con:
        return [_type(query, _columns(con, query)) for query in queries]


def _columns(con: duckdb.DuckDBPyConnection, query: EventQuery) -> dict[str, str]:
    try:
        return {str(name): str(kind) for name, kind, *_ in con.execute(f"DESCRIBE {query.sql}").fetchall()}
    except duckdb.Error:
        return {}


def _type(query: EventQuery, columns: Mapping[str, str]) -> EventType:
    members = {name: _schema(columns.get(name)) for name in query.columns if name != TENANT}
    return EventType(query.name, query.version, query.description, about_table=False, schema=described(members))


def _schema(kind: str | None) -> Schema:
    """Return a column's schema; decimals and whatever else JSON has no word for are text."""
    if kind is None:
        return {}
    if kind.startswith(("DATE", "TIMESTAMP")):
        return {"type": ["string", "null"], "format": "date" if kind == "DATE" else "date-time"}
    if kind.endswith(("INT", "INTEGER")):
        return {"type": ["integer", "null"]}
    known = {"BOOLEAN": "boolean", "DOUBLE": "number", "FLOAT": "number"}
    return {"type": [known.get(kind, "string"), "null"]}
