"""Deletions between full loads, and the guard that holds them back when a source seems broken."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bench import Bench

from orchestration.contracts.model import Deletes

pytestmark = pytest.mark.proves("Landing to bronze: full loads, deltas, deletions, quarantine")


def swept(bench: Bench, rows: int = 10) -> None:
    bench.contract(deletes=Deletes.SWEEP, shrink_threshold=0.2, sweep_every=timedelta(0))
    for key in range(rows):
        bench.shop().put(key)
    bench.one()


def test_a_sweep_reads_keys_only_when_the_counts_differ(bench: Bench) -> None:
    swept(bench)
    assert len(bench.load("hourly")) == 1
    assert "keys" not in bench.shop().calls()
    bench.shop().remove(4)
    delta, sweep = bench.load("hourly")
    assert (delta.deleted, sweep.deleted, sweep.extracted) == (0, 1, 0)
    assert "keys" in bench.shop().calls()
    assert 4 not in [key for (key,) in bench.bronze("id")]
    assert len(bench.load("hourly")) == 1


def test_a_sweep_waits_as_long_as_the_contract_says(bench: Bench) -> None:
    swept(bench)
    bench.contract(sweep_every=timedelta(hours=1))
    bench.shop().remove(4)
    assert len(bench.load("hourly")) == 1
    assert "count" not in bench.shop().calls()


def test_rows_that_only_quarantine_has_do_not_cause_a_sweep(bench: Bench) -> None:
    swept(bench)
    bench.shop().put(77, "nonsense")
    bench.load("hourly")
    assert "keys" not in bench.shop().calls()


def test_a_sweep_that_finds_too_many_gone_holds_until_a_person_confirms(bench: Bench) -> None:
    swept(bench)
    for key in range(5):
        bench.shop().remove(key)
    _, sweep = bench.load("hourly")
    assert (sweep.status, sweep.held, sweep.deleted) == ("held", 5, 0)
    assert "50% of 10 rows are gone, more than 20%" in sweep.message
    assert len(bench.bronze()) == 10
    _, forced = bench.load("hourly", force_reason="tenant moved away")
    assert (forced.status, forced.deleted, forced.reason) == ("loaded", 5, "tenant moved away")
    assert len(bench.bronze()) == 5


def test_an_empty_sweep_is_held(bench: Bench) -> None:
    swept(bench)
    bench.contract(shrink_threshold=1.0)
    for key in range(10):
        bench.shop().remove(key)
    assert bench.load("hourly")[1].status == "held"


def test_a_shrunken_full_load_applies_upserts_and_holds_tombstones(bench: Bench) -> None:
    bench.contract(shrink_threshold=0.2)
    for key in range(10):
        bench.shop().put(key)
    bench.one()
    for key in range(3):
        bench.shop().remove(key)
    bench.shop().put(9, "paid", minutes=1)
    result = bench.one()
    assert (result.status, result.held, result.deleted, result.updated) == ("held", 3, 0, 1)
    assert len(bench.bronze()) == 10
    forced = bench.one(force_reason="cleaned up")
    assert (forced.status, forced.deleted, forced.reason) == ("loaded", 3, "cleaned up")


def test_an_empty_answer_for_a_table_with_rows_is_held_whatever_the_threshold(bench: Bench) -> None:
    bench.contract(shrink_threshold=1.0)
    bench.shop().put(1)
    bench.one()
    bench.shop().remove(1)
    result = bench.one()
    assert (result.status, result.held) == ("held", 1)
    assert "answered with no rows" in result.message


def test_held_tombstones_do_not_move_the_deletions_mark(bench: Bench) -> None:
    swept(bench)
    before = bench.query("SELECT max(deletes_until) FROM strata.load_ledger")
    for key in range(5):
        bench.shop().remove(key)
    bench.one()
    bench.load("hourly")
    assert bench.query("SELECT max(deletes_until) FROM strata.load_ledger") == before


def test_a_row_that_the_source_marks_as_deleted_does_not_hide_one_that_is_gone(bench: Bench) -> None:
    swept(bench)
    bench.contract(soft_delete_column="is_deleted")
    bench.shop().put(50, minutes=1, gone=True)
    bench.shop().remove(4)
    _, sweep = bench.load("hourly")
    assert sweep.deleted == 1
    assert len(bench.load("hourly")) == 1
