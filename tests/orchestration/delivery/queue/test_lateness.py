"""What is late is the same to everybody who tells of it: operators see no lag that nobody could end."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from orchestration.control import Control, tables
from orchestration.control.delivery_tables import delivery, endpoint
from orchestration.delivery import registry
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.late import oldest_due
from orchestration.delivery.table_status import TableStatus, table_status

from .queue_scene import NOW, end, enqueue, register, take

pytestmark = pytest.mark.proves("Queue of deliveries: claims, leases, retries, replays")

LATER = NOW + 100_000


def lags(control: Control, now: int = LATER) -> tuple[int | None, list[float]]:
    """Return since when something is late, and the lag of each table."""
    with control.reading() as connection:
        return oldest_due(connection, now), [status.lag_seconds(now) for status in table_status(connection, now)]


def only_table(control: Control, now: int = LATER) -> TableStatus:
    with control.reading() as connection:
        (status,) = table_status(connection, now)
        return status


def test_what_is_due_is_late_and_what_is_due_later_is_not(control: Control) -> None:
    wish = register(control)
    enqueue(control, wish, at=LATER + 1, version=2)
    assert lags(control) == (None, [0.0])
    enqueue(control, wish, at=NOW, version=1)
    assert lags(control) == (NOW, [100.0])


def test_what_a_paused_registration_or_a_suspended_tenant_keeps_is_not_late(control: Control) -> None:
    wish = register(control)
    enqueue(control, wish, 2, version=1)
    with control.transaction("ops") as connection:
        registry.set_state(connection, wish.place, "paused")
    assert lags(control) == (None, [0.0])
    take(control)  # puts it aside
    assert lags(control) == (None, [0.0])
    with control.transaction("ops") as connection:
        registry.set_state(connection, wish.place, "active")
        connection.execute(update(delivery).values(due_at=NOW))
    assert lags(control) == (NOW, [100.0])
    with control.transaction("ops") as connection:
        connection.execute(update(tables.tenant).values(state="suspended"))
    assert lags(control) == (None, [0.0])


def test_what_waits_for_an_endpoint_that_is_left_alone_is_late_but_nobodys_to_take(control: Control) -> None:
    enqueue(control, register(control), version=1)
    with control.transaction("ops") as connection:
        connection.execute(update(endpoint).values(open_until=LATER + 1))
    with control.reading() as connection:
        assert oldest_due(connection, LATER) == NOW
        assert oldest_due(connection, LATER, reachable=True) is None


def test_a_table_names_the_registrations_in_trouble_and_no_others(control: Control) -> None:
    well, failing = register(control, ("acme", "well")), register(control, ("acme", "failing"), retries=())
    paused = register(control, ("globex", "paused"))
    enqueue(control, failing, version=1)
    end(control, NOW, take(control), DeliveryFailure.SERVER_ERROR)
    enqueue(control, well, 2, version=1)
    enqueue(control, paused, 3, version=1)
    with control.transaction("ops") as connection:
        registry.set_state(connection, paused.place, "paused")
    found = [(item.label, item.state, item.waiting, item.dead) for item in only_table(control).troubled]
    assert found == [("globex/paused", "paused", 3, 0), ("acme/failing", "active", 0, 1)]


def test_what_was_delivered_long_ago_is_not_counted(control: Control) -> None:
    wish = register(control)
    enqueue(control, wish, version=1)
    end(control, NOW, take(control))
    month = 30 * 86_400_000
    enqueue(control, wish, version=2, at=NOW + month)
    assert only_table(control).delivered == 1
    assert [version.version for version in only_table(control, NOW + month).versions] == [2]
