"""Whose day it is: real systems live today, the simulated company on its calendar; one installation may have both."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from orchestration.business_day import business_day, own_days, require_no_future, today
from orchestration.contracts.extraction import Connection
from orchestration.failures import SettingsError, StrataError
from orchestration.runtime import Runtime, open_runtime
from orchestration.scripts.close.outcome import CloseRequest
from orchestration.settings import load_settings
from orchestration.tenants import Tenant

WORLD = date(2026, 2, 2)


def tenant(name: str, *kinds: str) -> Tenant:
    connections = tuple(Connection(name, f"source_{n}", simulated=kind == "simulated") for n, kind in enumerate(kinds))
    return Tenant(name, name, connections)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Two simulated tenants whose calendar was built; a row of somebody real is in it too."""
    opened = open_runtime(load_settings(home=tmp_path, tenants_file=tmp_path / "no_tenants.yaml"))
    with opened.warehouse.session("test") as session:
        session.execute("CREATE SCHEMA IF NOT EXISTS silver")
        session.execute(
            f"CREATE TABLE silver.business_date AS SELECT * FROM (VALUES ('acme', DATE '{WORLD}'), "
            f"('globex', DATE '{WORLD - timedelta(3)}'), ('real', DATE '2026-11-01')) AS t(_tenant_id, as_of)"
        )
    return with_tenants(opened, tenant("acme", "simulated"), tenant("globex", "simulated", "simulated"))


def with_tenants(runtime: Runtime, *tenants: Tenant) -> Runtime:
    return replace(runtime, tenants={item.name: item for item in tenants})


def test_where_all_is_simulated_the_calendar_is_everybodys(runtime: Runtime) -> None:
    assert (business_day(runtime), own_days(runtime)) == (WORLD, {})


def test_where_nothing_is_simulated_it_is_today(runtime: Runtime) -> None:
    real = with_tenants(runtime, tenant("real", "real"), tenant("mixed", "simulated", "real"))
    assert (business_day(real), own_days(real)) == (today(real.settings), {})


def test_a_real_tenant_does_not_move_the_simulated_ones_to_today(runtime: Runtime) -> None:
    both = with_tenants(runtime, *runtime.tenants.values(), tenant("real", "real"))
    request = CloseRequest(business_day(both), own_days=own_days(both))
    days = {name: request.of(name).as_of for name in both.tenants}
    assert days == {"acme": WORLD, "globex": WORLD, "real": today(both.settings)}


def test_a_day_that_a_tenant_has_not_reached_is_refused_for_it_alone(runtime: Runtime) -> None:
    both = with_tenants(runtime, *runtime.tenants.values(), tenant("real", "real"))
    require_no_future(both, today(both.settings), ["real"])
    require_no_future(both, WORLD)
    for named in (["acme"], ["real", "acme"], None):
        with pytest.raises(SettingsError, match=f"the newest business day is {WORLD}"):
            require_no_future(both, WORLD + timedelta(1), named)


def test_a_calendar_that_was_not_built_is_told(runtime: Runtime) -> None:
    with runtime.warehouse.session("test") as session:
        session.execute("DROP TABLE silver.business_date")
    with pytest.raises(StrataError, match=r"silver.business_date.*strata run"):
        business_day(runtime)
