"""The clock of the queue: the database's, which all workers share, so that none decides by a clock that goes wrong."""

from __future__ import annotations

from sqlalchemy import Connection, text

_NOW = {
    "sqlite": "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
    # Not now(), which stands still for the length of a transaction.
    "postgresql": "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    "mssql": "SELECT DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME())",
}


def database_now(connection: Connection) -> int:
    """Return the time of the database in whole milliseconds since 1970."""
    return int(connection.execute(text(_NOW[connection.dialect.name])).scalar_one())
