"""What a tenant's plan says of its runs: how many rows a day, at which hours, and with which features.

A rule of ``schedules`` is the hour field of a cron line ("*/2", "6-20", "7,12,17"), times of day
("05:00,17:30", or a list of them), or "never". It stands under ``salesforce.hourly``, or is nested so.
It thins out the runs of the source's own schedule: a tenant is due in a run when one of its
moments has passed since its last load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

from orchestration.failures import SettingsError
from orchestration.tenants import Plan, Tenant

IN_SERVICE = ("active", "onboarding")
"""States in which a tenant is loaded and built for."""
ROWS_PER_DAY, FINANCIAL = "rows_per_day", "financial"
_PART = re.compile(r"(?:(?P<any>\*)|(?P<first>\d{1,2})(?:-(?P<last>\d{1,2}))?)(?:/(?P<step>[1-9]\d?))?")
_EXAMPLE = 'Write hours as in a cron line ("*/2", "6-20", "7,12"), times ("05:00,17:30") or "never".'


def rows_per_day(plan: Plan) -> int | None:
    """Return how many rows a tenant's loads may read in a day; ``None`` when there is no limit.

    Raises:
        SettingsError: the quota is no number.
    """
    value = plan.quotas.get(ROWS_PER_DAY)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise SettingsError(f"Plan {plan.name!r}: the quota {ROWS_PER_DAY} is {value!r}, no number.", "Example: 5000.")


def has_financial(tenant: Tenant) -> bool:
    """Say whether financial gold is built for a tenant."""
    return tenant.state in IN_SERVICE and tenant.plan.allows(FINANCIAL)


def rule_for(plan: Plan, source: str, mode: str) -> Any:  # noqa: ANN401 - as it stands in the plan: text, list or false
    """Return the rule for a source's loads; ``None`` when every run of the source's schedule is the tenant's too."""
    rules = plan.schedules.get(f"{source}.{mode}", plan.schedules.get(source))
    return rules.get(mode) if isinstance(rules, dict) else rules


def is_due(rule: object, last: datetime | None, now: datetime, zone: tzinfo) -> bool:
    """Say whether a moment of the rule has passed since ``last`` (``None``: never loaded).

    Raises:
        SettingsError: the rule is none.
    """
    if rule is None:
        return True
    times = _times(rule)
    moments = [moment for moment in _around(times, now.astimezone(zone)) if moment <= now]
    return bool(moments) and (last is None or last < max(moments))


def require_rule(name: str, rule: object) -> None:
    """Refuse what is no rule of a schedule.

    Raises:
        SettingsError: names the schedule and shows the forms that there are.
    """
    try:
        _times(rule)
    except SettingsError as error:
        raise SettingsError(f"The schedule {name} is {rule!r}, which is no rule.", error.remedy) from None


def _around(times: Sequence[time], local: datetime) -> Iterator[datetime]:
    """Yield the moments of yesterday and today, in the platform's time zone."""
    for day in (local.date() - timedelta(days=1), local.date()):
        for moment in times:
            yield datetime.combine(day, moment, local.tzinfo)


def _times(rule: object) -> list[time]:
    if rule is False or rule == "never":
        return []
    try:
        if isinstance(rule, str | list):
            parts = rule.split(",") if isinstance(rule, str) else rule
            return [moment for part in parts for moment in _part(part.strip())]
    except (ValueError, AttributeError):
        pass
    raise SettingsError(f"A plan's schedule is {rule!r}, which is no rule.", _EXAMPLE)


def _part(part: str) -> list[time]:
    return [time.fromisoformat(part)] if ":" in part else [time(hour) for hour in _hours(part)]


def _hours(part: str) -> range:
    found = _PART.fullmatch(part)
    if not found:
        raise ValueError(part)
    step = int(found["step"] or 1)
    first = int(found["first"] or 0)
    last = int(found["last"] or (23 if found["any"] or found["step"] else first))
    if not first <= last <= 23:
        raise ValueError(part)
    return range(first, last + 1, step)
