"""Rows that break the contract wait in quarantine until the source or a person mends them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bench import Bench
from shop_source import CONTRACT, column

from orchestration.bronze.quarantine import Reject, list_rejects, replay, show_reject
from orchestration.failures import StrataError

pytestmark = pytest.mark.proves("Landing to bronze: full loads, deltas, deletions, quarantine")


def entries(bench: Bench, status: str = "open") -> list[Reject]:
    return list_rejects(bench.runtime, source="shop", entity="invoice", status=status)


def test_an_entry_tells_reason_raw_value_load_file_and_row(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().put(2, "nonsense", "3.50")
    result = bench.one()
    (entry,) = entries(bench)
    assert (entry.column_name, entry.reason, entry.raw_value) == ("status", "not_allowed", "nonsense")
    assert (entry.load_id, entry.row_number, entry.key) == (result.load_id, 2, '{"id":"2"}')
    assert entry.file.endswith(".parquet")
    assert '"amount":"3.50"' in entry.raw_row
    assert show_reject(bench.runtime, entry.quarantine_id) == entry


def test_a_later_good_version_closes_the_entry(bench: Bench) -> None:
    bench.shop().put(2, "nonsense", minutes=1)
    bench.one()
    bench.shop().put(2, "paid", minutes=2)
    bench.one("hourly")
    assert entries(bench) == []
    (entry,) = entries(bench, "closed")
    assert entry.note == "a later version is good"


def test_the_same_bad_row_read_again_stays_one_entry(bench: Bench) -> None:
    bench.shop().put(2, "nonsense", minutes=1)
    for mode in ("daily", "hourly", "daily", "hourly"):
        assert bench.one(mode).rejected == 1
    assert len(entries(bench, None)) == 1


def test_a_newer_bad_version_takes_the_older_ones_place(bench: Bench) -> None:
    bench.shop().put(2, "nonsense", minutes=1)
    bench.one()
    bench.shop().put(2, "rubbish", minutes=2)
    bench.one()
    assert [entry.raw_value for entry in entries(bench)] == ["rubbish"]
    assert [entry.note for entry in entries(bench, "closed")] == ["a later version is in quarantine"]


def test_a_row_that_is_gone_from_the_source_cannot_be_replayed(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().put(2, "nonsense")
    bench.one()
    bench.shop().remove(2)
    bench.one()
    assert entries(bench) == []
    (entry,) = entries(bench, "closed")
    with pytest.raises(StrataError, match=r"is closed \(gone from the source\)"):
        replay(bench.runtime, [entry.quarantine_id], who="test")


def test_mended_rows_go_through_the_same_gate(bench: Bench) -> None:
    bench.shop().put(1, minutes=1)
    bench.one()
    bench.shop().put(1, "nonsense", "7.25", minutes=2)
    bench.one("hourly")
    (entry,) = entries(bench)
    (still_bad,) = replay(
        bench.runtime, [entry.quarantine_id], mended={entry.quarantine_id: {"status": "worse"}}, who="t"
    )
    assert (still_bad.rejected, still_bad.changed) == (1, 0)
    assert len(entries(bench)) == 1
    before = bench.query("SELECT watermark FROM strata.load_ledger ORDER BY seq DESC LIMIT 1")
    (result,) = replay(bench.runtime, [entry.quarantine_id], mended={entry.quarantine_id: {"status": "paid"}}, who="t")
    assert (result.mode, result.updated) == ("replay", 1)
    assert bench.bronze("status, amount::VARCHAR") == [("paid", "7.25")]
    assert bench.query("SELECT watermark FROM strata.load_ledger ORDER BY seq DESC LIMIT 1") == before
    assert show_reject(bench.runtime, entry.quarantine_id).status == "replayed"


def test_a_mended_row_is_not_undone_by_the_daily_load_that_still_reads_the_bad_one(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().put(2, "nonsense")
    bench.one()
    (entry,) = entries(bench)
    replay(bench.runtime, [entry.quarantine_id], mended={entry.quarantine_id: {"status": "paid"}}, who="test")
    assert bench.one().changed == 0
    assert bench.bronze() == [(1, "open"), (2, "paid")]
    assert entries(bench) == []


def test_raw_rows_pass_when_the_contract_was_wrong(bench: Bench) -> None:
    bench.shop().put(1, "refunded")
    bench.one()
    (entry,) = entries(bench)
    status = column("status", "text(8)", allowed=("open", "paid", "refunded"))
    bench.contract(columns=(CONTRACT.columns[0], status, *CONTRACT.columns[2:]))
    replay(bench.runtime, [entry.quarantine_id], who="test", reason="the contract was wrong")
    assert bench.bronze() == [(1, "refunded")]


def test_a_replay_never_overwrites_a_newer_row(bench: Bench) -> None:
    bench.contract(reject_threshold=1.0)
    bench.shop().put(1, "nonsense", minutes=1)
    bench.one()
    (entry,) = entries(bench)
    bench.shop().put(1, "open", minutes=5)
    bench.one("hourly")
    bench.query("UPDATE strata.quarantine SET status = 'open'")
    (result,) = replay(
        bench.runtime, [entry.quarantine_id], mended={entry.quarantine_id: {"status": "paid"}}, who="test"
    )
    assert (result.superseded, result.changed) == (1, 0)
    assert bench.bronze() == [(1, "open")]


def test_replaying_one_of_two_conflicting_versions_decides_the_other(bench: Bench) -> None:
    bench.shop().add(1, "open", "1.00", minutes=3)
    bench.shop().add(1, "paid", "2.00", minutes=3)
    bench.one()
    assert bench.bronze() == []
    chosen = next(entry for entry in entries(bench) if '"paid"' in entry.raw_row)
    replay(bench.runtime, [chosen.quarantine_id], who="test")
    bench.one()
    assert bench.bronze() == [(1, "paid")]
    assert entries(bench) == []


def test_too_many_rejects_fail_the_load_and_leave_bronze_as_it_was(bench: Bench) -> None:
    bench.contract(reject_threshold=0.1)
    for key in range(10):
        bench.shop().put(key)
    bench.one()
    for key in range(3):
        bench.shop().put(key, "nonsense", minutes=1)
    bench.shop().put(9, "paid", minutes=1)
    result = bench.one()
    assert (result.status, result.failure_class) == ("failed", "contract")
    assert "3 of 10 rows break the contract, more than rejectThreshold 10% allows" in result.message
    assert set(bench.bronze()) == {(key, "open") for key in range(10)}
    assert len(entries(bench)) == 3
    assert bench.one().status == "failed"
    assert len(entries(bench)) == 3


def test_one_bad_row_of_one_changed_row_is_no_reason_to_stop(bench: Bench) -> None:
    bench.contract(reject_threshold=0.1)
    for key in range(20):
        bench.shop().put(key)
    bench.one()
    bench.shop().put(3, "nonsense", minutes=100)
    result = bench.one("hourly")
    assert (result.status, result.rejected) == ("loaded", 1)


def test_two_tenants_entries_do_not_touch_each_other(bench: Bench) -> None:
    from bench import Bench

    both = Bench(bench.folder, bench.settings, ("acme", "globex"))
    for tenant in both.tenants:
        both.shop(tenant).put(1, "nonsense", minutes=1)
    both.load()
    both.shop("acme").put(1, "paid", minutes=2)
    both.load()
    assert [entry.tenant_id for entry in entries(both)] == ["globex"]


def test_an_unknown_entry_is_told(bench: Bench) -> None:
    with pytest.raises(StrataError, match="Quarantine has no entry 'nobody'"):
        show_reject(bench.runtime, "nobody")


def test_contracts_without_a_cursor_reopen_a_row_that_turned_bad_again(bench: Bench) -> None:
    bench.source = replace(bench.source, contract=replace(bench.source.contract, cursor=None))
    for status in ("nonsense", "paid", "nonsense"):
        bench.shop().put(1, status)
        bench.one()
    assert len(entries(bench)) == 1
    assert bench.bronze() == [(1, "paid")]


def test_a_full_load_closes_what_nobody_could_read_the_key_of_once_it_is_mended(bench: Bench) -> None:
    bench.shop().put(1)
    bench.shop().add(None, amount="3.50")
    bench.shop().add(None, amount="4.50")
    bench.one()
    with bench.shop().db() as db:
        db.execute("UPDATE invoice SET id = 2 WHERE amount = '3.50'")
    bench.one("hourly")
    assert len(entries(bench)) == 2
    bench.one()
    (entry,) = entries(bench)
    assert '"amount":"4.50"' in entry.raw_row
    assert [entry.note for entry in entries(bench, "closed")] == ["gone from the source"]


def test_too_many_conflicting_versions_fail_the_load_and_leave_bronze_as_it_was(bench: Bench) -> None:
    """A table that tenants share without a tenant column has each key once for each of them."""
    bench.contract(reject_threshold=0.1)
    for key in range(5):
        bench.shop().put(key)
    bench.one()
    for key in range(5):
        bench.shop().add(key, "paid")
    result = bench.one()
    assert (result.status, result.failure_class) == ("failed", "contract")
    assert "10 rows are versions of one key that differ" in result.message
    assert bench.bronze() == [(key, "open") for key in range(5)]
