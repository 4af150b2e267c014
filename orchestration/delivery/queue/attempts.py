"""Keeps a record of every attempt, numbered on when a delivery is replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Compiled, Connection, Dialect, func, insert, select

from orchestration.control.delivery_tables import attempt
from orchestration.delivery.queue.claimed import Outcome
from orchestration.delivery.queue.rows import Key, among

_LONGEST_ANSWER, _LONGEST_MESSAGE = 20_000, 500
_COLUMNS = tuple(attempt.c.keys())


def record(connection: Connection, outcomes: Sequence[Outcome], worker: str) -> None:
    """Write down attempts, one of each delivery, whose rows the caller holds; ``worker`` is who made them."""
    if not outcomes:
        return
    last = _last_numbers(connection, [item.claimed.key for item in outcomes])
    rows: list[Any] = [_values(item, last.get(item.claimed.key, 0) + 1, worker) for item in outcomes]
    # Given to the driver as they are: SQLAlchemy would go through the values of each row, for half the time it takes.
    statement = _statement(connection.dialect)
    if not connection.dialect.positional:
        rows = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    connection.exec_driver_sql(str(statement), rows)


def _last_numbers(connection: Connection, keys: Sequence[Key]) -> Mapping[Key, int]:
    """Return the number of each delivery's last attempt, of those that have one."""
    number = func.max(attempt.c.number)
    of_each = (attempt.c.tenant_id, attempt.c.delivery_id)
    statement = select(*of_each, number).where(among(attempt, "delivery_id", keys)).group_by(*of_each)
    found: list[Any] = list(connection.execute(statement).all())
    return {(tenant, delivery): last for tenant, delivery, last in found}


@cache
def _statement(dialect: Dialect) -> Compiled:
    return insert(attempt).compile(dialect=dialect, column_keys=_COLUMNS)


def _values(outcome: Outcome, number: int, worker: str) -> tuple[Any, ...]:
    """Return the values of the columns, in their order."""
    return (
        outcome.claimed.tenant,
        outcome.claimed.delivery_id,
        number,
        outcome.started_at,
        outcome.milliseconds,
        outcome.failure or "",
        outcome.status_code,
        outcome.message[:_LONGEST_MESSAGE],
        outcome.answer[:_LONGEST_ANSWER],
        worker,
    )
