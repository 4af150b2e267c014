"""An hourly load that has nothing to do: it writes its ledger row, nothing else, and is never wrong about it."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bench import Bench
from shop_source import at

from orchestration.bronze import retention, standing
from orchestration.bronze.progress import Progress
from orchestration.contracts.model import Deletes
from orchestration.landing.manifest import Place, new_load_id
from orchestration.publication.status import read_status

ROUNDS = 200 if os.environ.get("STRATA_NIGHTLY") else 25
FOLDER = "acme/shop/main/invoice/"


def landed(bench: Bench) -> list[str]:
    return bench.landing.folders(FOLDER)


def test_rows_of_the_overlap_that_bronze_has_are_not_landed_again(bench: Bench) -> None:
    for key in range(3):
        bench.shop().put(key, minutes=key)
    first = bench.one()
    before = landed(bench), bench.bronze("id, status, _load_id, _loaded_at")
    result = bench.one("hourly")
    assert (result.status, result.extracted, result.unchanged, result.landed_bytes) == ("loaded", 3, 3, 0)
    assert result.watermark == first.watermark == at(2).replace(tzinfo=UTC)
    assert (landed(bench), bench.bronze("id, status, _load_id, _loaded_at")) == before
    assert bench.query("SELECT count(*), max(seq) FROM strata.load_ledger") == [(2, 2)]


@pytest.mark.parametrize(("column", "value"), [("status", "paid"), ("amount", "1.01")])
def test_any_difference_is_loaded_even_if_the_cursor_did_not_move(bench: Bench, column: str, value: str) -> None:
    bench.shop().put(1)
    bench.one()
    with bench.shop().db() as db:
        db.execute(f"UPDATE invoice SET {column} = ?", [value])
    result = bench.one("hourly")
    assert (result.updated, result.unchanged, len(landed(bench))) == (1, 0, 2)
    assert bench.bronze(f"{column}::VARCHAR") == [(value,)]


def test_a_count_that_differs_leads_to_a_sweep(bench: Bench) -> None:
    bench.contract(deletes=Deletes.SWEEP, sweep_every=timedelta(0))
    for key in range(3):
        bench.shop().put(key)
    bench.one()
    assert bench.one("hourly").deleted == 0
    bench.shop().remove(2)
    swept = bench.load("hourly")
    assert sum(result.deleted for result in swept) == 1
    assert bench.bronze("id") == [(0,), (1,)]


def test_the_same_row_twice_is_no_idle_load(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    bench.shop().add(1)
    result = bench.one("hourly")
    assert (result.extracted, result.superseded, result.unchanged) == (2, 1, 1)


def test_an_open_reject_is_closed_when_the_good_version_is_back(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    bench.shop().put(1, "bad", minutes=1)
    assert bench.one("hourly").rejected == 1
    bench.shop().put(1, minutes=2)
    bench.one("hourly")
    assert bench.query("SELECT status FROM strata.quarantine") == [("closed",)]


def test_what_a_crash_left_behind_is_removed_by_an_idle_load(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    place = Place("acme", "shop", "main", "invoice")
    bench.landing.put(place.load_prefix(new_load_id()) + "rows-00000.parquet", b"half")
    assert len(landed(bench)) == 2
    assert bench.one("hourly").status == "loaded"
    ledgered = {load_id for (load_id,) in bench.query("SELECT load_id FROM strata.load_ledger")}
    assert set(landed(bench)) <= ledgered


def test_a_new_contract_version_is_loaded_and_not_looked_at(bench: Bench) -> None:
    bench.shop().put(1)
    bench.one()
    bench.contract(version="2.0.0")
    assert bench.one("hourly").landed_bytes > 0
    assert bench.one("hourly").landed_bytes == 0


@pytest.mark.parametrize("other", ["hourly", "daily"])
def test_a_place_that_somebody_loads_meanwhile_is_loaded_from_its_new_mark(bench: Bench, other: str) -> None:
    """What is known of globex is out of date when its turn comes; neither rows nor marks are lost by it."""
    both = Bench(bench.folder, bench.settings, ("acme", "globex"))
    for tenant in both.tenants:
        both.shop(tenant).put(1)
    both.load()
    both.shop("globex").put(2, minutes=60)
    somebody = Bench(bench.folder, bench.settings, ("acme", "globex"))
    done: list[object] = []

    def meanwhile(progress: Progress) -> None:
        if progress.label.startswith("acme") and progress.phase == "done" and not done:
            done.append(somebody.load(other, tenants=("globex",)))
            both.shop("globex").put(3, minutes=90)

    results = both.load("hourly", on_progress=meanwhile)
    assert {result.status for result in results} == {"loaded"}
    assert both.bronze("id", "globex") == [(1,), (2,), (3,)]
    assert both.query("SELECT watermark FROM strata.load_state WHERE tenant_id = 'globex'") == [(at(90),)]


def test_many_tenants_are_settled_together_and_the_status_is_current_at_the_end(bench: Bench) -> None:
    names = tuple(f"tenant{number:02d}" for number in range(30))
    many = Bench(bench.folder, bench.settings, names)
    for name in names:
        many.shop(name).put(1)
    many.load()
    many.shop("tenant07").put(2, minutes=60)
    many.source = replace(many.source, unreachable=frozenset({"tenant11"}))
    results = many.load("hourly")
    assert len(results) == 30
    by_tenant = {result.tenant_id: result for result in results}
    assert by_tenant["tenant07"].inserted == 1
    assert by_tenant["tenant11"].failure_class == "connection"
    assert sum(result.status == "loaded" and not result.changed for result in results) == 28
    assert all(result.seq for result in results)
    status = read_status(many.settings)
    assert status is not None
    assert {entity.load_id for entity in status.entities} == {result.load_id for result in results}
    assert status.changed_seq == {"shop": by_tenant["tenant07"].seq}


def test_the_state_is_what_the_ledger_comes_to(bench: Bench) -> None:
    """After any story, and in an installation whose ledger is older than the state."""
    rng = random.Random(20261121)  # noqa: S311 - a repeatable story, no secret
    bench.contract(deletes=Deletes.SWEEP, sweep_every=timedelta(0), shrink_threshold=0.3)
    for minute in range(ROUNDS):
        for key in rng.sample(range(8), rng.randrange(3)):
            bench.shop().put(key, rng.choice(["open", "paid", "bad"]), minutes=minute)
        if rng.random() < 0.3:
            bench.shop().remove(rng.randrange(8))
        if rng.random() < 0.2:
            bench.shop().describe_as(id=rng.choice(["text", "bigint"]))
        else:
            with bench.shop().db() as db:
                db.execute("DELETE FROM described")
        bench.load(rng.choice(["hourly", "hourly", "daily"]))
    folded = bench.query("SELECT * FROM strata.load_state ORDER BY ALL")
    with bench.runtime.warehouse.session("forget") as session:
        session.execute("DROP TABLE strata.load_state")
    with bench.runtime.warehouse.session("refresh") as session:
        standing.refresh(session)
    assert bench.query("SELECT * FROM strata.load_state ORDER BY ALL") == folded


def test_old_idle_rows_leave_the_ledger_and_nothing_else_does(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.shop().put(1)
    bench.one()
    for _ in range(3):
        bench.one("hourly")
    bench.shop().put(2, minutes=60)
    bench.one("hourly")
    for _ in range(3):
        bench.one("hourly")
    before = bench.query("SELECT * FROM strata.load_state")
    later = datetime.now(UTC) + timedelta(days=bench.settings.ledger_retention_days)
    monkeypatch.setattr(retention, "utc_now", lambda: later)
    with bench.runtime.warehouse.session("compact") as session:
        retention.compact_ledger(session, bench.settings.ledger_retention_days)
    assert bench.query("SELECT seq FROM strata.load_ledger ORDER BY seq") == [(1,), (5,), (8,)]
    with bench.runtime.warehouse.session("rebuild") as session:
        standing.rebuild(session)
    assert bench.query("SELECT * FROM strata.load_state") == before
