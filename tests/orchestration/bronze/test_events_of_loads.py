"""What consumers are told of loads: failures, and columns that changed at the source."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from bench import Bench
from test_drift_in_loads import SHAPE, grow

from orchestration.bronze.ledger import LEDGER
from orchestration.warehouse.clock import stored, utc_now


def told(bench: Bench, kind: str) -> list[dict[str, object]]:
    rows = bench.query("SELECT tenant_id, subject, data FROM strata.event_log WHERE type = ? ORDER BY seq", kind)
    assert {(tenant, subject) for tenant, subject, _ in rows} <= {("acme", "shop/invoice")}
    return [json.loads(data) for *_, data in rows]


def test_a_failed_load_is_an_event_in_the_transaction_of_its_ledger_row(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    assert told(bench, "load.failed") == []
    bench.shop().describe_as(**{name: kind for name, kind in SHAPE.items() if name != "status"})
    result = bench.one()
    (event,) = told(bench, "load.failed")
    assert (event["load_id"], event["failure"]) == (result.load_id, "schema_drift")
    assert bench.query(f"SELECT load_id FROM {LEDGER} WHERE status = 'failed'") == [(event["load_id"],)]


def test_what_is_wrong_with_the_platform_is_not_told_to_consumers(bench: Bench) -> None:
    bench.source = replace(bench.source, unreachable=frozenset({"acme"}))
    result = bench.one()
    assert (result.status, result.failure_class) == ("failed", "connection")
    (event,) = told(bench, "load.failed")
    assert (event["failure"], event["message"]) == ("connection", "")


def test_a_column_that_is_gone_is_told_once_until_it_was_there_again(bench: Bench) -> None:
    bench.shop().put(1)
    without = {name: kind for name, kind in SHAPE.items() if name != "status"}
    for shape in (SHAPE, without, without, SHAPE, without):
        bench.shop().describe_as(**shape)
        bench.one()
    first, second = told(bench, "source.schema_changed")
    assert first == second
    assert first["breaking"] is True
    assert "column status is gone" in str(first["change"])


def test_a_new_column_is_told_once(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    grow(bench)
    for number in (2, 3):
        bench.shop().put(number, minutes=number)
        bench.one("hourly")
    (event,) = told(bench, "source.schema_changed")
    assert (event["breaking"], event["source"], event["connection"]) == (False, "shop", "main")
    assert "city (text)" in str(event["change"])


def test_events_are_forgotten_with_the_ledgers_idle_rows(bench: Bench) -> None:
    bench.source = replace(bench.source, unreachable=frozenset({"acme"}))
    bench.one()
    bench.query("UPDATE strata.event_log SET occurred_at = ?", stored(utc_now() - timedelta(days=91)))
    bench.one("hourly")
    assert len(told(bench, "load.failed")) == 2
    bench.one("daily")
    assert len(told(bench, "load.failed")) == 2
