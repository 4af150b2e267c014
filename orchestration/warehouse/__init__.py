"""The warehouse: one small protocol, one module an engine, and the platform's own tables."""

from __future__ import annotations

from orchestration.settings import Settings
from orchestration.warehouse.duckdb import DuckDBWarehouse
from orchestration.warehouse.protocol import Session, Warehouse

__all__ = ["Session", "Warehouse", "open_warehouse"]


def open_warehouse(settings: Settings) -> Warehouse:
    """Return the configured warehouse; nothing is opened or created until a session is."""
    if settings.warehouse == "sqlserver":
        from orchestration.warehouse.sqlserver.warehouse import SqlServerWarehouse  # noqa: PLC0415 - who has no server

        return SqlServerWarehouse(settings)
    return DuckDBWarehouse(settings)
