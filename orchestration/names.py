"""The names of things that several rooms must spell alike.

An asset's key is its table (``bronze_salesforce/account``); nobody joins these
strings by hand. Nothing here knows Dagster, dbt or a database.
"""

from __future__ import annotations

BRONZE_PREFIX = "bronze_"
SILVER, GOLD, FINANCE, PLATFORM = "silver", "gold", "finance", "strata"
FINANCE_WORK, FINANCE_HISTORY = "finance_work", "finance_history"
"""Where a close builds a tenant's tables, and where all closes are kept; ``finance`` shows the current ones."""

TENANT, CONNECTION, LOAD_ID, LOADED_AT, DELETED_AT = (
    "_tenant_id",
    "_connection",
    "_load_id",
    "_loaded_at",
    "_deleted_at",
)
AS_OF, CLOSE_ID = "_as_of", "_close_id"
ROW_HASH = "_row_hash"
"""Stored where rows are compared by their hash alone: on SQL Server."""
PLATFORM_KEY = (TENANT, CONNECTION)
PLATFORM_COLUMNS = (TENANT, CONNECTION, LOAD_ID, LOADED_AT, DELETED_AT)

Table = tuple[str, str]
"""A table's schema and name, which is its asset key too."""


def bronze_schema(source: str) -> str:
    """Return the schema that a source system's bronze tables live in."""
    return f"{BRONZE_PREFIX}{source}"


def bronze_table(source: str, entity: str) -> Table:
    """Return the bronze table of one entity."""
    return bronze_schema(source), entity


def quote(identifier: str) -> str:
    """Quote one identifier for DuckDB and PostgreSQL."""
    return '"' + identifier.replace('"', '""') + '"'


def qualified(table: Table) -> str:
    """Return a quoted ``"schema"."table"``."""
    return f"{quote(table[0])}.{quote(table[1])}"


def literal(text: str) -> str:
    """Quote one text value, for the few places that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
