"""Others at work during a close: loads wait and end well, and whoever reads what is published never fails."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from close_house import DAY, NEXT, CloseHouse
from polling_reader import polled

from orchestration.warehouse.duckdb import writers_lock
from orchestration.warehouse.lock import holder

SLOW = (
    "WITH n AS (SELECT 1 AS i UNION ALL SELECT n.i + 1 FROM n WHERE n.i < 3000) "
    "SELECT CAST(COUNT(*) AS int) AS counted INTO finance.{} FROM silver.sale AS s CROSS JOIN n "
    "OPTION (MAXRECURSION 5000);"
)


@pytest.fixture
def slow_house(house: CloseHouse) -> CloseHouse:
    """Six more scripts that all count the same sales."""
    for letter in "cdefgh":
        house.write(letter, SLOW.format(f"count_{letter}"))
    return house


def counts(house: CloseHouse) -> set[str]:
    """Return what the scripts counted of acme's sales."""
    return {dict(house.shown(f"count_{letter}"))["acme"] for letter in "cdefgh"}


def test_a_load_during_a_close_waits_and_the_close_shows_none_of_it(slow_house: CloseHouse) -> None:
    house, began, done = slow_house, threading.Event(), []

    def load() -> None:
        while "close of" not in holder(writers_lock(house.settings)):
            time.sleep(0.005)
        began.set()
        house.sell("acme", "1.00")
        done.append(time.monotonic())

    house.sql("SELECT 1")
    loading = threading.Thread(target=load)
    loading.start()
    closed = house.close()
    ended = time.monotonic()
    loading.join(60)
    assert began.is_set()
    assert {item.status for item in closed.values()} == {"closed"}
    assert done
    assert ended <= done[0] + 0.5  # it began during the close, and wrote when that was done
    assert counts(house) == {"3000"}
    assert house.sql("SELECT count(*) FROM silver.sale WHERE _tenant_id = 'acme'") == [(2,)]
    house.close(NEXT)
    assert counts(house) == {"6000"}


def test_a_reader_of_what_is_published_never_fails_and_never_sees_tenants_mixed(house: CloseHouse) -> None:
    house.close()
    with polled(house.folder) as seen:
        for number in range(1, 6):
            house.sell("acme", "1.00")
            house.close(DAY + timedelta(days=number))
    assert {rows[1] for rows in seen} == {("globex", "7.00")}
    assert {rows[0] for rows in seen} <= {("acme", f"{2 + number}.50") for number in range(6)}
    assert seen == sorted(seen)
