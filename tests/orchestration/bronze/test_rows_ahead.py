"""Rows that are newer than all that bronze has are written without being compared, and that shows nowhere."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bench import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.bronze import ahead
from orchestration.bronze.ledger import LoadResult
from orchestration.contracts.model import Deletes
from orchestration.settings import Settings

keys, moments = st.integers(1, 8), st.integers(0, 12)
changes = st.lists(st.tuples(keys, st.sampled_from(["open", "paid", "bad"]), moments, st.booleans()), max_size=8)

of_a_file = pytest.mark.parametrize("warehouse", ["duckdb"], indirect=True)  # a server's rows are all compared


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Set few rows apart too; collects how many were written so, and how many of them were there before."""
    found: list[tuple[int, int]] = []
    real = ahead.overwrite

    def overwrite(*arguments: Any) -> tuple[int, int]:
        found.append(real(*arguments))
        return found[-1]

    monkeypatch.setattr(ahead, "WORTHWHILE", 1)
    monkeypatch.setattr(ahead, "overwrite", overwrite)
    return found


@of_a_file
def test_newer_rows_replace_ours_and_new_ones_are_added(bench: Bench, written: list[tuple[int, int]]) -> None:
    bench.contract(deletes=Deletes.FEED)
    for key in (1, 2, 3):
        bench.shop().put(key, minutes=key)
    bench.one()
    bench.shop().put(1, "paid", minutes=10)
    bench.shop().put(4, minutes=11)
    bench.shop().remove(2)
    bench.shop().report_deleted(2, minutes=10**9)

    result = bench.one("hourly")

    assert (result.inserted, result.updated, result.unchanged, result.deleted) == (1, 1, 1, 1)
    assert bench.bronze() == [(1, "paid"), (3, "open"), (4, "open")]
    assert bench.bronze("id", tombstones=True) == [(2,)]
    assert written == [(2, 1)]


@of_a_file
def test_a_tombstone_whose_row_comes_back_lives_again(bench: Bench, written: list[tuple[int, int]]) -> None:
    bench.contract(deletes=Deletes.FEED)
    for key in (1, 2):
        bench.shop().put(key, minutes=key)
    bench.one()
    bench.shop().report_deleted(1, minutes=3)
    bench.shop().remove(1)
    bench.one()
    bench.shop().put(1, "paid", minutes=10)

    result = bench.one("hourly")

    assert (result.inserted, result.updated) == (0, 1)
    assert bench.bronze() == [(1, "paid"), (2, "open")]
    assert written[-1] == (1, 1)


@of_a_file
def test_another_tenants_newer_rows_say_nothing_of_ours(
    tmp_path: Path, settings: Settings, written: list[tuple[int, int]]
) -> None:
    bench = Bench(tmp_path / "shop", settings, ("acme", "globex"))
    bench.shop("acme").put(1, minutes=1)
    bench.shop("globex").put(1, minutes=1000)
    bench.load()
    bench.shop("acme").put(1, "paid", minutes=20)

    bench.load("hourly", tenants=("acme",))

    assert written == [(1, 1)]
    assert bench.bronze(tenant="acme") == [(1, "paid")]
    assert bench.bronze(tenant="globex") == [(1, "open")]


@of_a_file
def test_where_the_source_marks_deleted_rows_all_are_compared(bench: Bench, written: list[tuple[int, int]]) -> None:
    bench.contract(soft_delete_column="is_deleted")
    bench.shop().put(1, minutes=1)
    bench.one()
    bench.shop().put(1, minutes=10, gone=True)

    assert bench.one("hourly").deleted == 1
    assert written == []


@of_a_file
def test_few_rows_are_compared_as_they_were(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "overwrite", lambda *_: pytest.fail("it was not worth it"))
    bench.shop().put(1, minutes=1)
    bench.one()
    bench.shop().put(1, "paid", minutes=10)

    assert bench.one("hourly").updated == 1


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=changes, deltas=st.lists(changes, min_size=1, max_size=3))
def test_any_delta_ends_and_counts_as_if_all_were_compared(first: list, deltas: list[list]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        benches = [_bench(Path(folder), name) for name in ("apart", "together")]
        with benches[0].warehouse.session("test"), benches[1].warehouse.session("test"):
            for mode, changed in (("daily", first), *(("hourly", delta) for delta in deltas)):
                _happen(benches[0], changed)
                told = []
                for bench, least in zip(benches, (1, 10**9), strict=True):
                    patch.setattr(ahead, "WORTHWHILE", least)
                    told.append((_counts(bench.one(mode)), bench.bronze(_ALL), _gone(bench)))
                assert told[0] == told[1]


_ALL = "id, status, amount, updated_at"


def _bench(folder: Path, name: str) -> Bench:
    bench = Bench(folder / "shop", Settings(home=folder / name, _env_file=None))
    bench.contract(deletes=Deletes.FEED, overlap=timedelta(minutes=3))
    return bench


def _happen(bench: Bench, changed: list[tuple[int, str, int, bool]]) -> None:
    for key, status, moment, is_deleted in changed:
        bench.shop().put(key, status, minutes=moment)
        if is_deleted:
            bench.shop().remove(key)
            bench.shop().report_deleted(key, moment)


def _counts(result: LoadResult) -> tuple[object, ...]:
    return tuple(getattr(result, name) for name in _COUNTED)


_COUNTED = ("status", "extracted", "inserted", "updated", "unchanged", "superseded", "rejected", "deleted", "held")


def _gone(bench: Bench) -> list[tuple]:
    return bench.bronze("id", tombstones=True)
