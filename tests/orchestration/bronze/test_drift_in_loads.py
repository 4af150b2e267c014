"""What a changed source structure does to its entity's loads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from bench import Bench
from shop_source import CONTRACT, ShopExtractor, column

from orchestration.contracts.extraction import JsonPage
from orchestration.contracts.model import Additions

SHAPE = {
    "id": "bigint",
    "status": "text",
    "amount": "decimal(18,2)",
    "is_deleted": "boolean",
    "updated_at": "timestamp",
}


def grow(bench: Bench) -> None:
    with bench.shop().db() as db:
        db.execute("ALTER TABLE invoice ADD COLUMN city TEXT DEFAULT 'Bern'")
    bench.shop().describe_as(**SHAPE, city="text")


def test_a_new_column_is_loaded_as_a_nullable_one(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    grow(bench)
    bench.shop().put(2, minutes=1)
    result = bench.one("hourly")
    assert "Column added at the source and loaded: city (text)." in result.message
    assert bench.bronze("id, city") == [(1, "Bern"), (2, "Bern")]


def test_a_new_column_is_held_back_when_the_contract_says_so(bench: Bench) -> None:
    bench.contract(additions=Additions.HOLD)
    bench.shop().put(1)
    bench.one()
    grow(bench)
    result = bench.one()
    assert (result.status, result.changed) == ("loaded", 0)
    assert "held back by the contract: city" in result.message


def test_a_member_that_no_record_has_any_more_is_told_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": number, "status": "open", "amount": "1.00", "updated_at": "2026-01-01"} for number in range(3)]

    def extract(*_: object) -> Iterator[JsonPage]:
        yield JsonPage(json.dumps(rows).encode())

    monkeypatch.setattr(ShopExtractor, "extract", extract)
    assert bench.one().message == ""
    for row in rows:
        del row["amount"]
    result = bench.one()
    assert (result.status, result.updated) == ("loaded", 3)
    assert result.message.startswith("No row has a value any more in: amount.")
    told = bench.query("SELECT data FROM strata.event_log WHERE type = 'source.schema_changed'")
    assert [json.loads(data)["change"] for (data,) in told] == [result.message]
    assert bench.one().message == ""
    rows.clear()
    assert "amount" not in bench.one().message


def test_a_removed_column_stops_the_entity(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    bench.shop().describe_as(**{name: kind for name, kind in SHAPE.items() if name != "status"})
    result = bench.one()
    assert (result.status, result.failure_class) == ("failed", "schema_drift")
    assert "shop/invoice: the source no longer fits the contract: column status is gone." in result.message
    assert bench.bronze() == [(1, "open")]


def test_a_retyped_column_stops_the_entity_unless_every_value_fits(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().describe_as(**{**SHAPE, "id": "integer"})
    assert bench.one().status == "loaded"
    bench.shop().describe_as(**{**SHAPE, "id": "text"})
    assert "column id is now text, the contract says bigint" in bench.one().message


def test_a_contract_change_that_rewrites_a_column_waits_for_init_and_keeps_the_data(bench: Bench) -> None:
    bench.shop().put(1, amount="1.25")
    first = bench.one()
    amount = column("amount", "decimal(20,4)")
    bench.contract(columns=(*CONTRACT.columns[:2], amount, *CONTRACT.columns[3:]))
    refused = bench.one()
    assert (refused.status, refused.failure_class) == ("failed", "contract")
    assert "retype column bronze_shop.invoice.amount from DECIMAL(18,2) to DECIMAL(20,4)" in refused.message
    applied = bench.one("init")
    assert (applied.status, applied.unchanged) == ("loaded", 1)
    assert bench.bronze("amount, _load_id") == [(Decimal("1.2500"), first.load_id)]


def test_a_type_that_the_data_does_not_fit_is_refused_by_counts_and_without_values(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().put(2)
    bench.one()
    status = column("status", "bigint")
    bench.contract(columns=(CONTRACT.columns[0], status, *CONTRACT.columns[2:]))
    for mode in ("daily", "init"):
        refused = bench.one(mode)
        assert (refused.status, refused.failure_class) == ("failed", "contract")
        assert "retype column bronze_shop.invoice.status from VARCHAR to BIGINT: 2 of 2 values" in refused.message
        assert "open" not in refused.message
    assert bench.bronze() == [(1, "open"), (2, "open")]


def test_a_column_that_the_contract_gains_is_filled_by_the_next_load(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    grow(bench)
    bench.shop().describe_as()
    bench.contract(columns=(*CONTRACT.columns, column("city", "text")))
    assert bench.one().updated == 1
    assert bench.bronze("city") == [("Bern",)]
