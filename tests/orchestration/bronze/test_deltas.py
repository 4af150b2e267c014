"""A delta reads what changed since the watermark, and ends where a full load would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bench import Bench
from shop_source import at

from orchestration.contracts.model import Deletes

pytestmark = pytest.mark.proves("Landing to bronze: full loads, deltas, deletions, quarantine")


def test_without_a_watermark_a_delta_reads_from_the_sources_start(bench: Bench) -> None:
    bench.shop().put(1, minutes=5)
    result = bench.one("hourly")
    assert result.window_since == datetime(2020, 1, 1, tzinfo=UTC)
    assert result.watermark == at(5).replace(tzinfo=UTC)
    assert bench.bronze() == [(1, "open")]


def test_the_window_overlaps_and_applying_it_again_and_again_changes_nothing(bench: Bench) -> None:
    for key in range(5):
        bench.shop().put(key, minutes=key)
    bench.one()
    bench.shop().put(3, "paid", minutes=6)
    bench.shop().put(7, minutes=6)
    result = bench.one("hourly")
    assert result.window_since == at(4 - 15).replace(tzinfo=UTC)
    assert (result.inserted, result.updated, result.unchanged) == (1, 1, 4)
    before = bench.query("SELECT * FROM bronze_shop.invoice ORDER BY id")
    for _ in range(2):
        assert bench.one("hourly").changed == 0
    assert bench.query("SELECT * FROM bronze_shop.invoice ORDER BY id") == before


def test_equal_timestamps_and_rows_late_within_the_overlap_lose_nothing(bench: Bench) -> None:
    bench.shop().put(1, minutes=60)
    bench.one()
    bench.shop().put(2, minutes=60)
    bench.shop().put(3, minutes=50)
    bench.one("hourly")
    assert bench.bronze("id") == [(1,), (2,), (3,)]


def test_rows_later_than_the_overlap_arrive_with_the_daily_load(bench: Bench) -> None:
    bench.shop().put(1, minutes=60)
    bench.one()
    bench.shop().put(2, minutes=10)
    bench.one("hourly")
    assert bench.bronze("id") == [(1,)]
    bench.one()
    assert bench.bronze("id") == [(1,), (2,)]


def test_the_latest_version_of_a_key_wins_and_staleness_is_judged_on_it_alone(bench: Bench) -> None:
    bench.shop().put(1, "open", minutes=10)
    bench.one()
    bench.shop().add(1, "open", "2.00", minutes=5)
    bench.shop().add(1, "paid", "3.00", minutes=12)
    result = bench.one("hourly")
    assert (result.updated, result.superseded) == (1, 2)
    assert bench.bronze("status, amount::VARCHAR") == [("paid", "3.00")]


def test_an_older_version_than_ours_is_superseded(bench: Bench) -> None:
    bench.shop().put(1, "paid", minutes=10)
    bench.one()
    bench.shop().put(1, "open", minutes=5)
    result = bench.one("hourly")
    assert (result.superseded, result.changed) == (1, 0)
    assert bench.bronze() == [(1, "paid")]


def test_a_rejected_row_moves_the_watermark(bench: Bench) -> None:
    bench.shop().put(1, minutes=1)
    bench.one()
    bench.shop().put(1, "nonsense", minutes=9)
    result = bench.one("hourly")
    assert (result.rejected, result.watermark) == (1, at(9).replace(tzinfo=UTC))
    assert bench.bronze() == [(1, "open")]


def test_a_timestamp_from_the_future_does_not_hide_later_changes(bench: Bench) -> None:
    ahead = (datetime.now(UTC).replace(tzinfo=None) - at(0)) / timedelta(minutes=1) + 60 * 24 * 365
    bench.shop().put(1, minutes=ahead)
    result = bench.one("hourly")
    assert result.watermark == result.window_until
    bench.shop().put(2, minutes=ahead - 60 * 24 * 365)
    bench.one("hourly")
    assert bench.bronze("id") == [(1,), (2,)]


@pytest.mark.parametrize("deletes", [Deletes.DAILY, Deletes.FEED])
def test_a_source_whose_only_timestamps_mean_none_is_read_from_the_first_day_there_is(
    bench: Bench, deletes: Deletes
) -> None:
    """Systems on .NET write 0001-01-01 where there is no instant."""
    bench.contract(deletes=deletes)
    first = datetime(1, 1, 1, tzinfo=UTC)
    bench.shop().put(1, minutes=(first - at(0).replace(tzinfo=UTC)) / timedelta(minutes=1))
    bench.one()
    result = bench.one("hourly")
    assert (result.status, result.watermark) == ("loaded", first)
    bench.shop().put(2, minutes=5)
    assert bench.one("hourly").inserted == 1


def test_a_row_whose_cursor_was_set_back_waits_for_the_full_load_and_the_hourly_one_says_so(bench: Bench) -> None:
    bench.shop().put(1, minutes=15)
    bench.shop().put(2, minutes=5)
    bench.one()
    bench.shop().put(1, "paid", minutes=10)
    result = bench.one("hourly")
    assert result.message == "1 row is older than what bronze or quarantine has of the key, and left out."
    assert bench.bronze() == [(1, "open"), (2, "open")]
    bench.one()
    assert bench.bronze() == [(1, "paid"), (2, "open")]


def test_the_watermark_never_moves_back(bench: Bench) -> None:
    bench.shop().put(1, minutes=60)
    bench.one()
    bench.shop().put(1, minutes=1)
    assert bench.one().watermark == at(60).replace(tzinfo=UTC)


def test_an_hourly_load_of_an_entity_without_a_cursor_does_nothing(bench: Bench) -> None:
    bench.contract(cursor=None)
    bench.shop().put(1)
    assert bench.load("hourly") == []


def test_cost_follows_the_change(bench: Bench) -> None:
    for key in range(100):
        bench.shop().put(key, minutes=0)
    bench.shop().put(100, minutes=600)
    bench.one()
    bench.shop().put(5, "paid", minutes=601)
    assert bench.one("hourly").extracted == 2


def test_reported_deletions_become_tombstones(bench: Bench) -> None:
    bench.contract(deletes=Deletes.FEED)
    for key in (1, 2):
        bench.shop().put(key, minutes=key)
    bench.one()
    bench.shop().remove(1)
    bench.shop().report_deleted(1, minutes=10**9)
    result = bench.one("hourly")
    assert result.deleted == 1
    assert bench.bronze("id") == [(2,)]
    assert bench.one("hourly").changed == 0


def test_a_row_restored_from_the_recycle_bin_stays_alive_though_the_feed_still_lists_it(bench: Bench) -> None:
    bench.contract(deletes=Deletes.FEED)
    bench.shop().put(1, minutes=1)
    bench.one()
    bench.shop().report_deleted(1, minutes=10**9)
    bench.shop().put(1, "paid", minutes=11)
    for _ in range(2):
        bench.one("hourly")
        assert bench.bronze() == [(1, "paid")]


def test_a_deleted_row_whose_last_version_could_not_be_read_is_not_tombstoned_by_the_feed(bench: Bench) -> None:
    bench.contract(deletes=Deletes.FEED)
    bench.shop().put(1, minutes=1)
    bench.one()
    bench.shop().report_deleted(1, minutes=10**9)
    bench.shop().put(1, "nonsense", minutes=11)
    bench.one("hourly")
    assert bench.bronze() == [(1, "open")]
