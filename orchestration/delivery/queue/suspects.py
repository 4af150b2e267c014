"""Keeps deliveries apart whose worker died more than once: one of them may be what kills it.

The others were only under way at the same time. Sent one at a time, they get through, and what
kills its worker uses up its attempts alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from orchestration.control.delivery_tables import delivery
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.queue.claimed import Due

TOLERATED = 1
"""After one crash everything is sent again at once: workers are restarted for many reasons."""


def without_suspects(connection: Connection, rows: Sequence[Due]) -> list[Due]:
    """Return rows that may be leased together: of the suspects the first, if none is under way."""
    suspects = [row for row in rows if row.failure == DeliveryFailure.CRASHED and row.attempts > TOLERATED]
    if not suspects:
        return list(rows)
    under_way = select(delivery.c.delivery_id).where(
        delivery.c.state == "leased",
        delivery.c.failure == DeliveryFailure.CRASHED,
        delivery.c.attempts > TOLERATED + 1,
    )
    left_out = suspects if connection.execute(under_way.limit(1)).first() else suspects[1:]
    return [row for row in rows if row not in left_out]
