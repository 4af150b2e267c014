"""A full load reconciles: afterwards bronze has what the source has, and only differences were written."""

import pytest
from bench import Bench

pytestmark = pytest.mark.proves("Landing to bronze: full loads, deltas, deletions, quarantine")


def test_a_first_full_load_brings_every_row(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().put(2, "paid")
    result = bench.one()
    assert result.status == "loaded", result.message
    assert (result.extracted, result.inserted) == (2, 2)
    assert bench.bronze() == [(1, "open"), (2, "paid")]


def test_a_full_load_writes_new_changed_and_missing_rows_only(bench: Bench) -> None:
    for key in range(4):
        bench.shop().put(key)
    first = bench.one()
    bench.shop().put(1, "paid", minutes=1)
    bench.shop().remove(2)
    bench.shop().put(9, minutes=2)
    second = bench.one()
    assert (second.inserted, second.updated, second.unchanged, second.deleted) == (1, 1, 2, 1)
    assert bench.bronze() == [(0, "open"), (1, "paid"), (3, "open"), (9, "open")]
    assert bench.bronze("id", tombstones=True) == [(2,)]
    untouched = "SELECT id FROM bronze_shop.invoice WHERE _loaded_at = (SELECT finished_at FROM strata.load_ledger "
    assert bench.query(untouched + "WHERE load_id = ?) ORDER BY id", first.load_id) == [(0,), (3,)]


def test_a_tombstone_names_the_load_that_wrote_the_row_and_dates_the_one_that_missed_it(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().put(2)
    wrote = bench.one()
    bench.shop().remove(2)
    missed = bench.one()
    loads = "SELECT b._load_id, l.load_id FROM bronze_shop.invoice b JOIN strata.load_ledger l "
    assert bench.query(loads + "ON l.finished_at = b._deleted_at AND l.finished_at = b._loaded_at") == [
        (wrote.load_id, missed.load_id)
    ]


def test_an_unchanged_full_load_writes_nothing_but_its_ledger_row(bench: Bench) -> None:
    for key in range(50):
        bench.shop().put(key, "broken" if key % 10 == 0 else "open")
    bench.shop().add(1, "paid", minutes=-5)
    bench.one()
    table = "SELECT * FROM bronze_shop.invoice ORDER BY id"
    quarantine = "SELECT * FROM strata.quarantine ORDER BY quarantine_id"
    before = bench.query(table), bench.query(quarantine)
    second = bench.one()
    assert (second.changed, second.unchanged, second.superseded, second.rejected) == (0, 45, 1, 5)
    assert (bench.query(table), bench.query(quarantine)) == before
    assert bench.query("SELECT count(*) FROM strata.load_ledger") == [(2,)]


def test_a_key_that_returns_is_alive_again(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().put(2)
    bench.one()
    bench.shop().remove(2)
    bench.one()
    bench.shop().put(2)
    assert bench.one().updated == 1
    assert bench.bronze("id") == [(1,), (2,)]


def test_a_full_snapshot_wins_over_newer_timestamps_of_ours(bench: Bench) -> None:
    """A source that was restored from a backup is the truth all the same."""
    bench.shop().put(1, "paid", minutes=10)
    bench.one()
    bench.shop().put(1, "open", minutes=5)
    bench.one()
    assert bench.bronze() == [(1, "open")]


def test_rows_marked_as_deleted_by_the_source_are_tombstones_that_keep_their_moment(bench: Bench) -> None:
    bench.contract(soft_delete_column="is_deleted")
    bench.shop().put(1, gone=True)
    bench.shop().put(2)
    bench.one()
    assert bench.bronze("id") == [(2,)]
    moment = bench.bronze("_deleted_at", tombstones=True)
    bench.shop().put(1, "paid", gone=True)
    bench.shop().put(2, gone=True, minutes=1)
    result = bench.one()
    assert (result.updated, result.deleted) == (2, 1)
    assert bench.bronze("_deleted_at", tombstones=True)[0] == moment[0]


def test_a_rejected_row_keeps_its_old_version(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().put(2)
    bench.one()
    bench.shop().put(1, "nonsense", minutes=1)
    result = bench.one()
    assert (result.rejected, result.deleted) == (1, 0)
    assert bench.bronze() == [(1, "open"), (2, "open")]


def test_rejects_without_a_readable_key_hold_the_tombstones_back(bench: Bench) -> None:
    for key in range(10):
        bench.shop().put(key)
    bench.one()
    bench.shop().remove(3)
    bench.shop().put(None)
    result = bench.one()
    assert (result.status, result.held, result.deleted) == ("held", 1, 0)
    assert "no readable key" in result.message
    assert len(bench.bronze()) == 10


def test_conflicting_duplicates_are_rejected_and_the_row_stays(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    bench.shop().add(1, "paid", minutes=1)
    bench.shop().add(1, "open", "2.00", minutes=1)
    result = bench.one()
    assert (result.extracted, result.rejected, result.superseded) == (3, 2, 1)
    assert bench.bronze("id, status, amount::VARCHAR") == [(1, "open", "1.00")]
    reasons = bench.query("SELECT reason, status, count(*) FROM strata.quarantine GROUP BY ALL")
    assert reasons == [("conflicting_duplicate", "open", 2)]
    places = bench.query("SELECT file, row_number, raw_row ->> 'status' FROM strata.quarantine ORDER BY row_number")
    assert [(number, status) for _, number, status in places] == [(2, "paid"), (3, "open")]
    assert {file for file, _, _ in places} == {f"acme/shop/main/invoice/{result.load_id}/rows-00000.parquet"}
    bench.shop().put(1, "paid", minutes=2)
    bench.one()
    assert bench.query("SELECT DISTINCT status FROM strata.quarantine") == [("closed",)]


def test_money_arrives_to_the_last_digit(bench: Bench) -> None:
    bench.shop().put(1, amount="9999999999999999.99")
    bench.one()
    assert bench.bronze("amount::VARCHAR") == [("9999999999999999.99",)]


def test_two_tenants_with_the_same_ids_never_mix(bench: Bench) -> None:
    from bench import Bench

    both = Bench(bench.folder, bench.settings, ("acme", "globex"))
    both.shop("acme").put(1, "open")
    both.shop("globex").put(1, "paid")
    both.shop("globex").put(2, "paid")
    both.load()
    both.shop("acme").remove(1)
    both.load("daily", tenants=("acme",), force_reason="really gone")
    assert both.bronze(tenant="acme") == []
    assert both.bronze(tenant="globex") == [(1, "paid"), (2, "paid")]


def test_one_tenants_failure_leaves_the_others_loaded_and_the_retry_takes_only_what_failed(bench: Bench) -> None:
    from dataclasses import replace

    from bench import Bench

    both = Bench(bench.folder, bench.settings, ("acme", "globex"))
    both.shop("acme").put(1)
    both.shop("globex").put(1)
    both.source = replace(both.source, unreachable=frozenset({"acme"}))
    failed, loaded = both.load(run_id="run-1")
    assert (failed.status, failed.failure_class, failed.tenant_id) == ("failed", "connection", "acme")
    assert "nobody answers" in failed.message
    assert loaded.status == "loaded"
    both.source = replace(both.source, unreachable=frozenset())
    (retried,) = both.load(run_id="run-1")
    assert (retried.tenant_id, retried.status) == ("acme", "loaded")
