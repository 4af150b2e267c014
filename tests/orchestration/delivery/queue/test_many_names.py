"""Thousands of deliveries are named in one parameter, and found by the key's index."""

from __future__ import annotations

from typing import Any

import pytest
from babelfish_limits import skip_on_babelfish
from sqlalchemy import Table, Unicode, create_engine, delete, event, literal, select, update

from orchestration.control import Control
from orchestration.control.delivery_tables import attempt, delivery, outbox
from orchestration.delivery.queue.names import one_of
from orchestration.delivery.queue.rows import among, write

from .queue_scene import enqueue, register

MANY = 5_000
"""More than the parameters that SQL Server takes in a statement."""


def test_thousands_are_changed_by_name_and_the_others_stay(control: Control) -> None:
    mine, theirs = register(control), register(control, ("globex", "r1"))
    names, others = enqueue(control, mine, MANY), enqueue(control, theirs, 3)
    with control.transaction("worker") as connection:
        write(
            connection, [(("acme", name), {"rank": 7}) for name in names[1:]] + [(("globex", others[0]), {"rank": 7})]
        )
        # A name is a delivery's within its tenant alone.
        write(connection, [(("globex", name), {"rank": 8}) for name in names])
    with control.reading() as connection:
        found = connection.execute(select(delivery.c.delivery_id).where(delivery.c.rank == 7)).scalars()
        assert set(found) == {*names[1:], others[0]}
        assert connection.execute(select(delivery).where(delivery.c.rank == 8)).first() is None


@pytest.mark.parametrize("name", ["", 'it\'s "so"', "[1,2]", "é\N{SNOWMAN}\\", "msg_1%"])
def test_a_name_is_taken_as_it_is(control: Control, name: str) -> None:
    if {'"', "\\"} & set(name):
        skip_on_babelfish(control, "leaves escapes in what OPENJSON returns")
    with control.reading() as connection:
        found = select(literal(1)).where(one_of(literal(name, Unicode()), ["other", name]))
        assert connection.execute(found).scalar() == 1
        assert connection.execute(select(literal(1)).where(one_of(literal(name, Unicode()), []))).scalar() is None


@pytest.mark.parametrize("table", [delivery, outbox, attempt])
def test_sqlite_looks_each_name_up_by_index(table: Table) -> None:
    engine = create_engine("sqlite://")
    plans: list[str] = []
    with engine.begin() as connection:
        table.metadata.create_all(connection)

        @event.listens_for(engine, "before_cursor_execute")
        def explain(_connection: object, cursor: Any, statement: str, values: object, *_: object) -> None:
            plans.append(str(cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()))

        these = among(table, "delivery_id", [("acme", "a"), ("acme", "b")])
        connection.execute(select(table).where(these))
        connection.execute(delete(table).where(these))
        if table is delivery:
            connection.execute(update(delivery).where(these).values(state="ready"))
    assert plans
    assert all("(tenant_id=? AND delivery_id=?)" in plan for plan in plans), plans
