"""Tells consumers that rows they were sent have to go: those who got the person's tables get all their rows anew.

The published versions were rewritten, older ones too: no difference between two of them would say that a row is gone.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.delivery import registry
from orchestration.delivery.outbox.on_demand import send_newest
from orchestration.delivery.outbox.wanted import event_name, kind_for
from orchestration.runtime import Runtime


def send_anew(runtime: Runtime, tenant: str, tables: Iterable[str]) -> int:
    """Begin a delivery of all rows for every registration of one of the tables; return how many were begun."""
    changed = set(tables)
    with runtime.control.reading() as connection:
        found = [item for item in registry.registrations(connection, tenant) if kind_for(item)]
    touched = [item for item in found if changed & {event_name(table) for table in item.tables}]
    return sum(send_newest(runtime, item.place, complete=True) for item in touched)
