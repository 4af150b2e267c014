"""Checks the queries of business events: that each can be read, and that the tables and columns it names are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from orchestration.failures import ScriptRefused
from orchestration.names import TENANT
from orchestration.publication.event_queries import FOLDER, EventQuery, read_event_queries
from orchestration.scripts.problems import Problem
from orchestration.scripts.types import Catalog
from orchestration.settings import Settings


def check_events(settings: Settings, catalog: Catalog) -> list[Problem]:
    """Return what is wrong with each query; ``catalog`` has the tables of gold and finance as scripts see them."""
    queries, faults = read_event_queries(settings)
    folder = settings.scripts_dir / FOLDER
    unread = [_unread(folder / f"{name}.sql", fault) for name, fault in faults.items()]
    return [*unread, *(problem for query in queries for problem in _of_query(query, catalog))]


def _unread(path: Path, fault: ScriptRefused) -> Problem:
    return Problem(path, 1, 1, "this query", fault.message.removeprefix(f"{path}: "), fault.remedy)


def _of_query(query: EventQuery, catalog: Catalog) -> Iterator[Problem]:
    missing = [table for table in query.tables if table not in catalog]
    for table in missing:
        why, instead = "there is no such table.", "Check the name; `strata generate` writes the catalogue of gold anew."
        yield Problem(query.path, 1, 1, ".".join(table), why, instead)
    if missing:
        return
    fault = _unknown_column(query.sql, {table: catalog[table] for table in query.tables})
    if fault:
        yield Problem(query.path, 1, 1, "this query", fault, "Check the column's name.")


def _unknown_column(sql: str, tables: Catalog) -> str:
    """Return what is wrong with the query's columns; nothing when all are there."""
    schema = MappingSchema(dialect="duckdb")
    for table, columns in tables.items():
        schema.add_table(exp.table_(table[1], table[0]), dict.fromkeys([TENANT, *columns], "text"))
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    try:
        qualify(tree, dialect="duckdb", schema=schema, quote_identifiers=False)
    except OptimizeError as error:
        return str(error).splitlines()[0].rstrip(".") + "."
    return ""
