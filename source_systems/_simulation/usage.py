"""Usage as the machines report it: in batches, with a correction now and then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from source_systems._simulation.business_days import START
from source_systems._simulation.change import Row
from source_systems._simulation.vocabulary import METRICS

if TYPE_CHECKING:
    from source_systems._simulation.life import Life

KEPT = timedelta(days=90)
"""Usage that is older is thrown away by the product itself."""
_REPORTED = timedelta(days=10)
"""Days of usage that one step may bring at most: longer steps lie in the past."""


def step(life: Life) -> None:
    """Report usage of every product in use, from the last step up to the day."""
    if life.today < START - KEPT:
        return
    in_use = {
        row["product_id"]: row["quantity"] for row in life.journal.rows("subscription") if row["status"] == "active"
    }
    known = life.journal.rows("usage_daily")
    for day in _days(max(life.since, life.today - _REPORTED), life.today):
        for product_id, seats in in_use.items():
            _report(life, product_id, seats, day)
    if known and life.happens(0.5):
        row = life.chance.choice(known)
        life.journal.update("usage_daily", row, quantity=row["quantity"] + Decimal("0.125"))
    for row in _expired(life, known):
        life.journal.delete("usage_daily", row)


def _days(since: date, until: date) -> Iterator[date]:
    for days in range((until - since).days):
        yield since + timedelta(days=days + 1)


def _report(life: Life, product_id: int, seats: int, day: date) -> None:
    for metric in METRICS[life.company.products[product_id - 1]["family"]]:
        if metric == "active_users":
            quantity = Decimal(life.chance.randrange(seats * 4 // 10, seats + max(1, seats // 20)))
        else:
            quantity = Decimal(life.chance.randrange(0, 900_000_000)).scaleb(-6)
        life.journal.insert(
            "usage_daily",
            {
                "customer_id": life.number + 1,
                "product_id": product_id,
                "usage_date": day,
                "metric": metric,
                "quantity": quantity,
            },
            life.late(),
        )


def _expired(life: Life, known: list[Row]) -> list[Row]:
    limit = life.today - KEPT
    return [row for row in known if row["usage_date"] < limit]
