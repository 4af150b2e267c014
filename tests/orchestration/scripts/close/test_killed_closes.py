"""A close that is killed at any step: readers see the day before or the new day, whole, and the next one finishes."""

from __future__ import annotations

import os
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from close_house import NEXT, CloseHouse
from killed_close import close_killed_at

from orchestration.publication.published_reader import connect_published

SAMPLE = 10


@pytest.fixture
def closed_once(house: CloseHouse) -> Path:
    """A day is closed, and a sale came since."""
    house.close()
    for tenant in ("acme", "globex"):
        house.sell(tenant, "1.00")
    return house.folder


def steps(total: int) -> list[int]:
    """Some of all steps; all of them at night."""
    if os.environ.get("STRATA_NIGHTLY"):
        return list(range(1, total + 1))
    return sorted({*random.Random(3).sample(range(1, total + 1), SAMPLE), total})  # noqa: S311 - a test's choices


OLD = {"acme": ("2.50", "5.00"), "globex": ("7.00", "14.00")}
NEW = {"acme": ("3.50", "7.00"), "globex": ("8.00", "16.00")}


def seen(house: CloseHouse) -> dict[str, tuple[str, str]]:
    """Return each tenant's two totals, as a reader of the warehouse sees them."""
    total = {row[0]: row[1] for row in house.shown("total")}
    return {tenant: (total[tenant], twice) for tenant, twice in house.shown("doubled")}


def published(house: CloseHouse) -> dict[str, tuple[str, str]]:
    """Return the same as other processes read it: of one moment, so both tables over one connection."""
    with closing(connect_published(house.settings)) as con:
        rows = con.execute("SELECT * FROM finance.total t JOIN finance.doubled d USING (_tenant_id)").fetchall()
    return {tenant: (str(total), str(twice)) for tenant, total, _, twice in rows}


@pytest.mark.timeout(1800)
def test_readers_see_one_day_whole_and_a_rerun_completes(closed_once: Path, tmp_path: Path) -> None:
    place = tmp_path / "trial"
    shutil.copytree(closed_once, place)
    total = close_killed_at(CloseHouse(place), 0)
    assert total > SAMPLE
    outcomes = set()
    for step in steps(total):
        shutil.rmtree(place)
        shutil.copytree(closed_once, place)
        assert close_killed_at(CloseHouse(place), step) == 0
        house = CloseHouse(place)
        assert published(house) in (OLD, NEW), step  # all tenants of a run are published together
        for tenant, values in seen(house).items():
            assert values in (OLD[tenant], NEW[tenant]), (step, tenant)
            outcomes.add(values == NEW[tenant])
        again = house.close(NEXT)
        assert {item.status for item in again.values()} <= {"closed", "already closed"}
        assert seen(house) == NEW
        assert house.published("doubled") == [("acme", "7.00"), ("globex", "16.00")]
        assert house.published("total") == [("acme", "3.50", "2"), ("globex", "8.00", "2")]
        assert house.sql("SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'finance_work'") == [(0,)]
        assert house.sql("SELECT count(*) FROM strata.close_log WHERE status = 'running'") == [(0,)]
    assert outcomes == {True, False}
