"""Business events: one file with a query over gold is one type of event."""

from __future__ import annotations

from orchestration.delivery.events.catalogue import EventType
from orchestration.settings import Settings


def business_types(settings: Settings) -> list[EventType]:
    """Return the types that files define, by name."""
    return []
