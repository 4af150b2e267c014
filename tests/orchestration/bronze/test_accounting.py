"""Every row is accounted for, landing is kept as long as it is needed, and the status file tells it all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bench import Bench
from shop_source import at

from orchestration.bronze import applying, retention
from orchestration.bronze.backfill import backfill
from orchestration.contracts.model import Deletes
from orchestration.publication.status import read_status


def test_counts_that_do_not_add_up_write_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.shop().put(1)
    bench.one()
    bench.shop().put(2)
    true_merge = applying.merge
    monkeypatch.setattr(applying, "merge", lambda *known: replace(true_merge(*known), unchanged=7))
    result = bench.one()
    assert result.status == "failed"
    assert "2 rows extracted, but 1 inserted, 0 updated, 7 unchanged" in result.message
    assert bench.bronze() == [(1, "open")]
    monkeypatch.undo()
    assert bench.one().inserted == 1


def test_a_failed_load_leaves_a_ledger_row_and_no_landing(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().describe_as(id="text")
    result = bench.one()
    rows = bench.query("SELECT status, failure_class, message FROM strata.load_ledger")
    assert rows == [("failed", "schema_drift", result.message)]
    assert list(bench.landing.folders("acme/shop/main/invoice/")) == []


def test_secrets_stay_out_of_messages(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from pydantic import SecretStr

    from orchestration.contracts.extraction import Connection

    secret = Connection("acme", "shop", settings={"url": SecretStr("hunter2")})
    tenant = bench.tenants["acme"]
    bench.tenants["acme"] = replace(tenant, connections=(secret,))
    bench.shop()
    monkeypatch.setattr("shop_source.ShopExtractor.describe", lambda *_: _fail())
    assert "could not reach ***" in bench.one().message


def _fail() -> None:
    raise OSError("could not reach hunter2")


def test_the_ledger_says_who_why_and_how_much(bench: Bench) -> None:
    bench.shop().put(1, minutes=3)
    result = bench.one(force_reason="asked to", run_id="run-9")
    row = bench.query(
        "SELECT who, reason, run_id, requested, mode, watermark, landed_bytes > 0, seq FROM strata.load_ledger"
    )
    assert row == [("test", "asked to", "run-9", "daily", "full", at(3), True, 1)]
    assert result.seconds >= result.extract_seconds > 0


def test_an_empty_source_is_loaded_without_a_file(bench: Bench) -> None:
    bench.shop()
    assert bench.one().status == "loaded"
    assert list(bench.landing.folders("acme/shop/main/invoice/")) == []


def test_old_landing_goes_with_the_daily_load_but_not_what_a_rebuild_needs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        bench.shop().put(number, minutes=number)
        bench.one()
    kept = list(bench.landing.folders("acme/shop/main/invoice/"))
    later = datetime.now(UTC) + timedelta(days=bench.settings.landing_retention_days)
    monkeypatch.setattr(retention, "utc_now", lambda: later)
    bench.shop().put(9, minutes=9)
    bench.one()
    monkeypatch.undo()
    left = list(bench.landing.folders("acme/shop/main/invoice/"))
    assert left[0] in kept[2:] or len(left) == 1
    assert backfill(bench.runtime, bench.source, datetime.now(UTC), who="test").tables[0].rows == 4


def test_the_status_file_tells_freshness_rejects_and_what_is_held(bench: Bench) -> None:
    bench.contract(shrink_threshold=0.2, freshness=timedelta(hours=1))
    for key in range(4):
        bench.shop().put(key, "bad" if key == 3 else "open", minutes=key)
    bench.one()
    bench.shop().remove(0)
    bench.one()
    status = read_status(bench.settings)
    assert status is not None
    (entity,) = status.entities
    assert (entity.tenant, entity.entity, entity.status, entity.held, entity.rejects_open) == (
        "acme",
        "invoice",
        "held",
        1,
        1,
    )
    assert entity.watermark == at(3).replace(tzinfo=UTC)
    assert entity.is_fresh(datetime.now(UTC))
    assert not entity.is_fresh(datetime.now(UTC) + timedelta(hours=2))
    assert status.changed_seq == {"shop": 1}


def test_the_first_delta_of_all_does_not_ask_what_was_deleted(bench: Bench) -> None:
    bench.contract(deletes=Deletes.FEED)
    bench.shop().put(1)
    result = bench.one("hourly")
    assert result.deletes_until == result.window_until
    assert bench.shop().calls() == ["extract"]


def test_a_contract_that_cannot_be_read_fails_alone(bench: Bench) -> None:
    from orchestration.failures import ContractViolated

    bench.shop().put(1)
    object.__setattr__(bench.source, "faults", {"broken": ContractViolated("broken.yaml: is no YAML.")})
    broken, loaded = bench.load()
    assert (broken.entity, broken.status, broken.failure_class) == ("broken", "failed", "contract")
    assert (loaded.entity, loaded.status) == ("invoice", "loaded")
