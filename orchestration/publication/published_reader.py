"""Reads published tables from any process; never opens the warehouse, so neither waits for the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration import names
from orchestration.failures import SettingsError, StrataError
from orchestration.names import Table
from orchestration.parquet_files import parquet_relation
from orchestration.publication.pointer import published_tables, read_pointer, read_pointers
from orchestration.settings import Settings
from orchestration.warehouse.duckdb import connection_settings


def current_path(settings: Settings, table: Table) -> Path:
    """Return the file of a table's newest version; it stays readable for minutes after a newer one.

    Raises:
        StrataError: the table was never published.
    """
    pointer = read_pointer(settings, table)
    if pointer is None:
        known = ", ".join(".".join(name) for name in published_tables(settings)) or "none yet"
        raise StrataError(f"{'.'.join(table)} has not been published.", f"Published tables: {known}.")
    return settings.published_dir / pointer.path


def connect_published(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Return a connection of its own, in memory, with a view for each published table.

    The views keep to the versions that are newest now, as of one moment: connect again to see later ones.

    Raises:
        SettingsError: nothing is published below the state's folder, which may be the wrong one.
    """
    if not published_tables(settings):
        message = f"Nothing is published below {settings.published_dir.absolute()}."
        remedy = "Set STRATA_HOME to the platform's state folder, or work in the project's folder; then `strata run`."
        raise SettingsError(message, remedy)
    con = duckdb.connect(":memory:", config=connection_settings(settings))
    con.execute("SET TimeZone = 'UTC'")
    for statement in _views(settings):
        con.execute(statement)
    return con


def _views(settings: Settings) -> Iterator[str]:
    for table, pointer in read_pointers(settings).items():
        relation = parquet_relation(settings.published_dir / pointer.path)
        yield f"CREATE SCHEMA IF NOT EXISTS {names.quote(table[0])}"
        yield f"CREATE VIEW {names.qualified(table)} AS SELECT * FROM {relation}"
