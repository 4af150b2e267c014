"""A table that the contract wants in parts by month takes loads like any other, on every engine."""

from __future__ import annotations

import pytest
from bench import Bench

MONTH = 31 * 24 * 60


@pytest.mark.proves("Tables in parts: function, scheme, rebuild")
def test_rows_come_change_their_month_and_go(bench: Bench) -> None:
    bench.contract(partition_by="updated_at")
    for key in (1, 2, 3):
        bench.shop().put(key, minutes=key * MONTH)
    assert bench.one().inserted == 3
    bench.shop().put(1, "paid", minutes=4 * MONTH)
    result = bench.one("hourly")
    assert (result.status, result.updated, result.inserted) == ("loaded", 1, 0), result.message
    bench.shop().remove(2)
    assert bench.one().deleted == 1
    assert bench.bronze() == [(1, "paid"), (3, "open")]
    assert bench.bronze("id", tombstones=True) == [(2,)]
