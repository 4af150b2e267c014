"""The rules of plans: when a tenant is due, and how many rows a day it may read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from orchestration.failures import SettingsError
from orchestration.plans import has_financial, is_due, rows_per_day, rule_for
from orchestration.tenants import Plan, Tenant

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def due(rule: object, hours_ago: float | None, now: datetime = NOON, zone: str = "UTC") -> bool:
    last = None if hours_ago is None else now - timedelta(hours=hours_ago)
    return is_due(rule, last, now, ZoneInfo(zone))


def test_without_a_rule_a_tenant_is_due_in_every_run() -> None:
    assert due(None, 0)


def test_every_second_hour_is_every_second_run() -> None:
    assert due("*/2", 2)
    assert not due("*/2", 0.2)
    assert not due("*/2", 1, NOON + timedelta(hours=1))


def test_a_missed_moment_is_made_up_for_by_the_next_run() -> None:
    assert due("7", 20)
    assert not due("7", 5)


@pytest.mark.parametrize("rule", ["6-20", "6-20/2", "7,12", "0-23", "*", ["12:00"], ["05:00", "12:30"], "05:00, 12:30"])
def test_hours_ranges_steps_and_times_of_day(rule: object) -> None:
    assert due(rule, 1)
    assert due(rule, None)
    assert not due(rule, 0)


def test_times_are_of_the_platforms_time_zone() -> None:
    assert due(["13:15"], 1, zone="Europe/Berlin")
    assert not due(["13:15"], 1, zone="UTC")


def test_never_is_a_rule() -> None:
    for never in (False, "never"):
        assert not due(never, None)


@pytest.mark.parametrize("rule", ["25", "*/0", "a", "5-2", ["25:00"], [5], 7, True, ""])
def test_what_is_no_rule_is_refused_with_an_example(rule: object) -> None:
    with pytest.raises(SettingsError, match="which is no rule"):
        due(rule, 1)


def test_a_rule_is_a_sources_and_a_modes() -> None:
    plan = Plan(schedules={"shop": {"hourly": "*/2"}, "crm": False})
    assert rule_for(plan, "shop", "hourly") == "*/2"
    assert rule_for(plan, "shop", "daily") is None
    assert rule_for(plan, "crm", "daily") is False
    assert rule_for(plan, "other", "daily") is None
    assert rule_for(Plan(schedules={"shop.hourly": "7"}), "shop", "hourly") == "7"
    assert rule_for(Plan(schedules={"shop.hourly": "7"}), "shop", "daily") is None


def test_rows_a_day_is_a_number_or_no_limit() -> None:
    assert rows_per_day(Plan()) is None
    assert rows_per_day(Plan(quotas={"rows_per_day": 5000})) == 5000
    with pytest.raises(SettingsError, match="rows_per_day is 'many'"):
        rows_per_day(Plan(name="free", quotas={"rows_per_day": "many"}))


def test_financial_gold_is_for_active_tenants_whose_plan_has_it() -> None:
    assert has_financial(Tenant("acme", "Acme"))
    assert not has_financial(Tenant("acme", "Acme", state="suspended"))
    assert not has_financial(Tenant("acme", "Acme", plan=Plan(features={"financial": False})))
