"""Column types that mean the same on SQLite, PostgreSQL and SQL Server."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import JSON, DateTime, Dialect, TypeDecorator, Unicode
from sqlalchemy.dialects.mssql import DATETIMEOFFSET
from sqlalchemy.dialects.postgresql import JSONB

Name, Text = Unicode(128), Unicode(512)
"""Names, which may be keys (SQL Server indexes no text without a length), and longer texts."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcTime(TypeDecorator[datetime]):
    """An instant: takes times with a zone alone, returns UTC; SQLite keeps it without the zone."""

    impl = DateTime(timezone=True).with_variant(DATETIMEOFFSET(6), "mssql")  # type: ignore[no-untyped-call]
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring a time to UTC.

        Raises:
            ValueError: the time names no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time of the control plane needs a zone"
            raise ValueError(msg)
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """Give the time its zone back."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
