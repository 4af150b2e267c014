"""Closes of recurring revenue and the bowtie: their scripts and checks over silver rows, on each engine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import date

import financial_close
from financial_close import Books, DuckDBBooks, Office, ServerBooks, Silver, ordered
from silver_rows import SHAPES

__all__ = ["SCRIPTS", "TABLES", "Books", "DuckDBBooks", "closed_on_duckdb", "closed_on_server", "ordered"]

TABLES = (
    "eur_rate_monthly", "mrr_movements", "mrr_monthly", "mrr_waterfall_monthly", "arr", "retention",
    "cohort_retention", "mrr_forecast", "bowtie_stages", "bowtie_monthly",
)  # fmt: skip
OFFICE = Office(TABLES, SHAPES)
SCRIPTS = OFFICE.scripts


def closed_on_duckdb(silver: Silver, as_of: date) -> AbstractContextManager[DuckDBBooks]:
    """Close a day in a database of its own, in which another tenant has the same rows."""
    return financial_close.closed_on_duckdb(OFFICE, silver, as_of)


def closed_on_server(address: str, silver: Silver, as_of: date) -> AbstractContextManager[ServerBooks]:
    """Close a day in a transaction that is rolled back: the database is as it was before."""
    return financial_close.closed_on_server(OFFICE, address, silver, as_of)
