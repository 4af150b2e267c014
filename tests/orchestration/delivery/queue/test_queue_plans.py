"""However many deliveries are final, the queue reads none of them: statements find what they are about by an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from orchestration.control import Control
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.outbox import lanes
from orchestration.delivery.queue import standing
from orchestration.delivery.queue.promote import promote
from orchestration.delivery.queue.recovery import hasten
from orchestration.delivery.queue.rescue import renew, rescue

from .queue_scene import LEASE, NOW, end, enqueue, register, take

LANE = "gold.usage"
BY_KEY = "sqlite_autoindex_delivery_1 (tenant_id=? AND delivery_id=?)"


@contextmanager
def plans(control: Control) -> Iterator[list[str]]:
    """Collect by which index, and how much of it, SQLite looks ``delivery`` up; a scan is there as it is."""
    found: list[str] = []

    def explain(_: object, cursor: Any, statement: str, values: object, _context: object, is_many: bool) -> None:
        if re.search(r"\bdelivery\b", statement) and not statement.startswith("INSERT"):
            of_one = values[0] if is_many else values  # type: ignore[index]
            steps = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", of_one).fetchall()
            looks = (step[3] for step in steps if step[3].split()[1] == "delivery")
            found.extend(re.sub(r"SEARCH delivery USING (COVERING )?INDEX ", "", look) for look in looks)

    event.listen(control.engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(control.engine, "before_cursor_execute", explain)


def test_a_worker_reads_nothing_that_is_final(here: Control) -> None:
    wish = register(here, retries=(1,) * 3)
    with plans(here) as found:
        enqueue(here, wish, 3, lane=LANE)
        enqueue(here, wish, 20)
        claimed = take(here)
        end(here, NOW, claimed[:9])
        end(here, NOW, claimed[9:], DeliveryFailure.SERVER_ERROR)
        enqueue(here, wish, 20)
        end(here, NOW, take(here), DeliveryFailure.SERVER_ERROR)
        take(here, NOW + 60_000)  # its breaker is half open
        with here.transaction("worker") as connection:
            renew(connection, NOW, claimed, LEASE)
            rescue(connection, NOW + 2 * LEASE)
            promote(connection, NOW + 2 * LEASE, 10)
            hasten(connection, NOW, (wish.tenant, wish.endpoint))
    assert set(found) == {
        "ix_delivery_ready (state=? AND tenant_id=? AND endpoint_id=?)",
        "ix_delivery_lane (registration_id=? AND tenant_id=? AND lane=? AND state=?)",
        "ix_delivery_lease (state=? AND lease_until<?)",
        "ix_delivery_due (state=? AND due_at<?)",
        "ix_delivery_due (state=? AND due_at>? AND due_at<?)",
        "ix_delivery_due (state=?)",  # what is leased, where a breaker is half open
        BY_KEY,
    }


def test_pausing_moving_and_cancelling_reads_nothing_that_is_final(here: Control) -> None:
    wish = register(here)
    enqueue(here, wish, 3, lane=LANE)
    with plans(here) as found, here.transaction("ops") as connection:
        _change_standing(connection, wish.place)
    assert set(found) == {
        "ix_delivery_lane (registration_id=? AND tenant_id=? AND lane=? AND state=?)",
        "ix_delivery_lane (registration_id=? AND tenant_id=?)",
        "ix_delivery_due (state=? AND due_at=?)",
    }


def _change_standing(connection: Connection, place: tuple[str, str]) -> None:
    lanes.state_in(connection, place, LANE)
    standing.resume(connection, NOW, place)
    standing.follow(connection, place, "elsewhere")
    standing.cancel_waiting(connection, NOW, place, "no more")
