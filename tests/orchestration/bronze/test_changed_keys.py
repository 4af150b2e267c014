"""A contract that gets another key: the next load knows, on an engine that keeps keys in an index too."""

from __future__ import annotations

import pytest
from bench import Bench

from orchestration.contracts.source import Mode
from orchestration.warehouse import apply

PLATFORM = "_tenant_id, _connection"


@pytest.fixture
def loaded(bench: Bench) -> Bench:
    """Two invoices under the key ``id``; the source then gives one of them twice, by another status."""
    bench.contract(reject_threshold=0.0)
    bench.shop().put(1, "open")
    bench.shop().put(2, "open")
    assert bench.one().status == "loaded"
    bench.shop().add(1, "paid", minutes=1)
    bench.contract(key=("id", "status"))
    return bench


@pytest.mark.proves("Contract changes: a changed key, rebuilds")
def test_an_init_load_goes_by_the_new_key_at_once(loaded: Bench) -> None:
    result = loaded.one("init")
    assert (result.status, result.inserted, result.unchanged) == ("loaded", 1, 2), result.message
    assert loaded.bronze("id, status, _tenant_id") == [(1, "open", "acme"), (1, "paid", "acme"), (2, "open", "acme")]
    with loaded.runtime.warehouse.session("plan") as session:
        assert apply.plan(session, [loaded.source.contract]) == []


@pytest.mark.parametrize("warehouse", ["duckdb"], indirect=True)
def test_without_an_index_any_load_goes_by_the_new_key(loaded: Bench) -> None:
    assert (loaded.one("hourly").inserted, loaded.one("daily").changed) == (1, 0)


@pytest.mark.sqlserver
@pytest.mark.parametrize("warehouse", ["sqlserver"], indirect=True)
@pytest.mark.parametrize("mode", ["hourly", "daily"])
def test_where_an_index_holds_the_old_key_a_load_says_so_and_changes_nothing(loaded: Bench, mode: Mode) -> None:
    before = loaded.bronze("id, status, _load_id")
    refused = loaded.one(mode)
    assert (refused.status, refused.failure_class) == ("failed", "contract")
    message = f"rebuild bronze_shop.invoice: key from {PLATFORM}, id to {PLATFORM}, id, status"
    assert message in refused.message
    assert "strata warehouse apply" in refused.message
    assert loaded.bronze("id, status, _load_id") == before
    with loaded.runtime.warehouse.session("apply") as session:
        apply.apply(session, [loaded.source.contract])
    assert (loaded.one(mode).status, loaded.one("daily").changed) == ("loaded", 0)
    assert len(loaded.bronze()) == 3


@pytest.mark.sqlserver
@pytest.mark.parametrize("warehouse", ["sqlserver"], indirect=True)
def test_a_key_that_stored_rows_do_not_have_stops_the_load_with_their_number(loaded: Bench) -> None:
    loaded.contract(key=("status",))
    refused = loaded.one("init")
    assert refused.status == "failed"
    assert "1 keys come twice" in refused.message
    assert [row[0] for row in loaded.bronze()] == [1, 2]
