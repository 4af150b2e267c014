"""Instants: UTC with a zone in Python, UTC without one in the warehouse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


def utc_now() -> datetime:
    """Return this machine's clock."""
    return datetime.now(UTC)


@overload
def stored(instant: datetime) -> datetime: ...
@overload
def stored(instant: None) -> None: ...
def stored(instant: datetime | None) -> datetime | None:
    """Return an instant as the warehouse keeps it."""
    return instant.astimezone(UTC).replace(tzinfo=None) if instant else None


@overload
def aware(instant: datetime) -> datetime: ...
@overload
def aware(instant: None) -> None: ...
def aware(instant: datetime | None) -> datetime | None:
    """Return an instant read from the warehouse with its zone."""
    return instant.replace(tzinfo=UTC) if instant else None
