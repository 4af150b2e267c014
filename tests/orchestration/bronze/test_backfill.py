"""Bronze as it was, rebuilt from landing without asking the source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bench import Bench

from orchestration.bronze.backfill import backfill
from orchestration.bronze.quarantine import list_rejects, replay
from orchestration.contracts.model import Additions, Deletes
from orchestration.failures import SettingsError, StrataError

EVERYTHING = "SELECT id, status, _load_id, _loaded_at, _deleted_at FROM {} ORDER BY id"


def history(bench: Bench) -> list[tuple[datetime, list[tuple[object, ...]]]]:
    """Load a little history; returns after each load the moment and what bronze was."""
    bench.contract(deletes=Deletes.SWEEP, sweep_every=timedelta(0))
    steps = [
        lambda shop: [shop.put(key, minutes=key) for key in range(6)],
        lambda shop: [shop.put(1, "paid", minutes=10), shop.put(9, "bad", minutes=10), shop.put(7, minutes=11)],
        lambda shop: shop.remove(2),
        lambda shop: [shop.put(2, minutes=12), shop.add(3, "paid", minutes=12)],
        lambda shop: shop.put(4, "bad", minutes=14),
    ]
    moments = []
    for number, step in enumerate(steps):
        step(bench.shop())
        bench.load("daily" if number in (0, 3) else "hourly")
        moments.append((datetime.now(UTC), bench.query(EVERYTHING.format("bronze_shop.invoice"))))
    entry = list_rejects(bench.runtime)[0]
    replay(bench.runtime, [entry.quarantine_id], mended={entry.quarantine_id: {"status": "paid"}}, who="test")
    moments.append((datetime.now(UTC), bench.query(EVERYTHING.format("bronze_shop.invoice"))))
    return moments


def test_bronze_is_rebuilt_beside_as_it_was_at_any_moment(bench: Bench) -> None:
    moments = history(bench)
    calls = len(bench.shop().calls())
    for moment, rows in moments:
        done = backfill(bench.runtime, bench.source, moment, who="test")
        assert bench.query(EVERYTHING.format("bronze_shop_asof.invoice")) == rows
        assert done.tables[0].rows == sum(row[-1] is None for row in rows)
    assert len(bench.shop().calls()) == calls
    assert bench.query(EVERYTHING.format("bronze_shop.invoice")) == moments[-1][1]


def test_in_place_only_differences_are_written_and_the_next_delta_reads_on_from_there(bench: Bench) -> None:
    moments = history(bench)
    moment, rows = moments[1]
    (done,) = backfill(bench.runtime, bench.source, moment, replace_bronze=True, who="test").tables
    live = [(key, status) for key, status, *_, deleted in rows if deleted is None]
    assert bench.bronze() == live
    assert done.result.unchanged > 0
    kept = bench.query("SELECT count(*) FROM bronze_shop.invoice WHERE _load_id <> ?", done.result.load_id)
    assert kept == [(done.result.unchanged,)]
    bench.load("hourly")
    assert (4, "open") in bench.bronze()
    assert (3, "paid") in bench.bronze()


def test_what_a_rebuild_in_place_undid_stays_undone_in_later_rebuilds(bench: Bench) -> None:
    moments = history(bench)
    backfill(bench.runtime, bench.source, moments[0][0], replace_bronze=True, who="test")
    now = bench.bronze()
    backfill(bench.runtime, bench.source, datetime.now(UTC), who="test")
    assert bench.query("SELECT id, status FROM bronze_shop_asof.invoice WHERE _deleted_at IS NULL ORDER BY id") == now


def test_held_tombstones_stay_held_and_forced_ones_go_through(bench: Bench) -> None:
    bench.contract(shrink_threshold=0.1)
    for key in range(5):
        bench.shop().put(key)
    bench.one()
    for key in range(5):
        bench.shop().remove(key)
    bench.one()
    held = datetime.now(UTC)
    bench.one(force_reason="moved away")
    for moment, rows in ((held, 5), (datetime.now(UTC), 0)):
        assert backfill(bench.runtime, bench.source, moment, who="test").tables[0].rows == rows


def test_columns_that_came_later_do_not_stand_in_the_way(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    before = datetime.now(UTC)
    with bench.shop().db() as db:
        db.execute("ALTER TABLE invoice ADD COLUMN city TEXT")
    bench.shop().describe_as(
        id="bigint", status="text", amount="decimal(18,2)", is_deleted="boolean", updated_at="timestamp", city="text"
    )
    bench.contract(additions=Additions.LOAD)
    bench.one()
    for moment in (before, datetime.now(UTC)):
        assert backfill(bench.runtime, bench.source, moment, who="test").tables[0].rows == 1


def test_landing_that_was_removed_is_told_and_a_later_full_load_is_enough(bench: Bench) -> None:
    moments = history(bench)
    (first,) = bench.query("SELECT load_id FROM strata.load_ledger ORDER BY seq LIMIT 1")
    bench.landing.clear(f"acme/shop/main/invoice/{first[0]}/")
    with pytest.raises(StrataError, match=r"landing has no whole history up to"):
        backfill(bench.runtime, bench.source, moments[1][0], who="test")
    rows = backfill(bench.runtime, bench.source, moments[-1][0], who="test").tables[0].rows
    assert rows == sum(row[-1] is None for row in moments[-1][1])


def test_a_moment_ahead_is_refused(bench: Bench) -> None:
    with pytest.raises(SettingsError, match="lies ahead"):
        backfill(bench.runtime, bench.source, datetime.now(UTC) + timedelta(days=1), who="test")


def test_a_moment_before_the_first_load_is_refused_because_it_would_empty_bronze(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    with pytest.raises(SettingsError, match="nothing of shop was loaded by then"):
        backfill(bench.runtime, bench.source, datetime(2020, 1, 1, tzinfo=UTC), replace_bronze=True, who="test")
    assert bench.query("SELECT count(*) FROM bronze_shop.invoice WHERE _deleted_at IS NULL") == [(1,)]
