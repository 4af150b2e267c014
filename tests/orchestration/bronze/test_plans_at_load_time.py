"""Plans are read when a run begins: what they switch changes the next run of that tenant alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bench import Bench

from orchestration.bronze import admission, roster
from orchestration.publication.status import read_status
from orchestration.tenants import Plan
from orchestration.warehouse.clock import stored, utc_now


@pytest.fixture
def two(bench: Bench) -> Bench:
    """Two tenants that are loaded; acme gets a plan in the tests, globex has none."""
    both = Bench(bench.folder, bench.settings, ("acme", "globex"))
    for tenant in both.tenants:
        both.shop(tenant).put(1)
    both.load()
    return both


def plan(bench: Bench, **terms: dict[str, object]) -> None:
    bench.tenants["acme"] = replace(bench.tenants["acme"], plan=Plan("small", "Small", **terms))


def loaded(bench: Bench, mode: str = "hourly", **more: object) -> list[str]:
    return [result.tenant_id for result in bench.load(mode, **more) if result.status == "loaded"]


def test_a_plan_without_hourly_loads_leaves_the_tenant_to_the_daily_ones(two: Bench) -> None:
    plan(two, features={"hourly": False})
    told: list[tuple[str, str]] = []
    assert loaded(two, on_left_out=lambda *what: told.append(what)) == ["globex"]
    assert told == [("acme", "its plan 'small' has no hourly loads")]
    assert loaded(two, "daily") == ["acme", "globex"]
    assert loaded(two, tenants=("acme",)) == ["acme"]
    plan(two, features={"hourly": True})
    assert loaded(two) == ["acme", "globex"]


def test_a_plans_schedule_thins_out_scheduled_runs_and_no_others(two: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(two, schedules={"shop": {"hourly": "*/2"}})
    now = datetime.now(UTC)
    even = now.replace(hour=now.hour // 2 * 2, minute=30) + timedelta(hours=2)
    monkeypatch.setattr(roster, "utc_now", lambda: even)
    assert loaded(two, scheduled=True) == ["acme", "globex"]
    monkeypatch.setattr(roster, "utc_now", lambda: now.replace(hour=now.hour // 2 * 2, minute=0, second=0))
    assert loaded(two, scheduled=True) == ["globex"]
    assert loaded(two) == ["acme", "globex"]
    assert loaded(two, scheduled=True, tenants=("acme",)) == ["acme"]


def test_an_entity_that_failed_keeps_its_tenant_due(two: Bench) -> None:
    plan(two, schedules={"shop": {"hourly": "*"}})
    two.source = replace(two.source, unreachable=frozenset({"acme"}))
    with two.runtime.warehouse.session("as if it were long ago") as session:
        then = stored(utc_now() - timedelta(hours=2))
        session.execute("UPDATE strata.load_state SET loaded_at = ?, finished_at = ?", [then, then])
        session.execute("UPDATE strata.load_ledger SET finished_at = ?", [then])
    assert loaded(two, scheduled=True, run_id="run") == ["globex"]
    two.source = replace(two.source, unreachable=frozenset())
    assert loaded(two, scheduled=True, run_id="run") == ["acme"]


def test_a_schedule_that_cannot_be_read_fails_that_tenant_alone(two: Bench) -> None:
    plan(two, schedules={"shop": {"hourly": "whenever"}})
    failed, fine = two.load("hourly", scheduled=True)
    assert (failed.tenant_id, failed.failure_class, fine.status) == ("acme", "settings", "loaded")
    assert "'whenever', which is no rule" in failed.message


def test_a_tenant_that_has_read_its_rows_of_the_day_is_refused_alone(two: Bench) -> None:
    plan(two, quotas={"rows_per_day": 3})
    two.shop("acme").put(2)
    assert loaded(two, "daily") == ["acme", "globex"]
    failed, fine = two.load()
    assert (failed.tenant_id, failed.status, failed.failure_class) == ("acme", "failed", "settings")
    assert failed.message.startswith("Tenant acme has read 3 rows today; its plan allows 3 (rows_per_day).")
    assert fine.status == "loaded"
    status = read_status(two.settings)
    assert status is not None
    assert {entity.tenant: entity.status for entity in status.entities} == {"acme": "failed", "globex": "loaded"}
    plan(two, quotas={"rows_per_day": 100})
    assert loaded(two, "daily") == ["acme", "globex"]


def test_without_a_control_plane_nobody_is_asked(two: Bench) -> None:
    assert not two.settings.control_file.exists()
    assert admission.Admission(two.runtime).stopped(set(two.tenants)) == set()
    assert not two.settings.control_file.exists()
