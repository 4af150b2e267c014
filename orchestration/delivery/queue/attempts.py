"""Keeps a record of every attempt, numbered on when a delivery is replayed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Compiled, Connection, Dialect, Unicode, bindparam, func, insert, literal, select

from orchestration.control.delivery_tables import attempt
from orchestration.delivery.queue.claimed import Outcome

_LONGEST_ANSWER, _LONGEST_MESSAGE = 20_000, 500
_COLUMNS = ("tenant_id", "delivery_id", "number", "started_at", "milliseconds", "failure", "status_code", "message",
            "answer", "worker")  # fmt: skip


def record(connection: Connection, outcomes: Sequence[Outcome], worker: str) -> None:
    """Write down attempts, one of each delivery; ``worker`` is who made them."""
    if not outcomes:
        return
    # Given to the driver as they are: SQLAlchemy would go through the values of each row, for half the time it takes.
    statement = _statement(connection.dialect)
    constants = statement.params
    rows: list[Any] = [constants | _values(item, worker) for item in outcomes]
    if names := getattr(statement, "positiontup", None):
        rows = list(map(itemgetter(*names), rows))
    connection.exec_driver_sql(str(statement), rows)


@cache
def _statement(dialect: Dialect) -> Compiled:
    mine = (attempt.c.tenant_id == bindparam("of_tenant"), attempt.c.delivery_id == bindparam("of_delivery"))
    number = select(func.coalesce(func.max(attempt.c.number), literal(0)) + 1).where(*mine).scalar_subquery()
    row = select(
        bindparam("of_tenant", type_=Unicode),
        bindparam("of_delivery", type_=Unicode),
        number,
        *(bindparam(f"new_{name}", type_=attempt.c[name].type) for name in _COLUMNS[3:]),
    )
    return insert(attempt).from_select(_COLUMNS, row).compile(dialect=dialect)


def _values(outcome: Outcome, worker: str) -> dict[str, Any]:
    return {
        "of_tenant": outcome.claimed.tenant,
        "of_delivery": outcome.claimed.delivery_id,
        "new_started_at": outcome.started_at,
        "new_milliseconds": outcome.milliseconds,
        "new_failure": outcome.failure or "",
        "new_status_code": outcome.status_code,
        "new_message": outcome.message[:_LONGEST_MESSAGE],
        "new_answer": outcome.answer[:_LONGEST_ANSWER],
        "new_worker": worker,
    }
