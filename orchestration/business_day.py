"""The two clocks: today in the platform's time zone, and the business day that the data has reached."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from orchestration import names
from orchestration.failures import SettingsError, StrataError
from orchestration.runtime import Runtime
from orchestration.settings import Settings

_BUSINESS_DAYS: names.Table = (names.SILVER, "business_date")


def today(settings: Settings, now: datetime | None = None) -> date:
    """Return the day it is in the platform's time zone."""
    return (now or datetime.now(UTC)).astimezone(ZoneInfo(settings.timezone)).date()


def start_of_today(settings: Settings, now: datetime | None = None) -> datetime:
    """Return the instant at which today began in the platform's time zone."""
    return datetime.combine(today(settings, now), time(), ZoneInfo(settings.timezone)).astimezone(UTC)


def business_day(runtime: Runtime) -> date:
    """Return the day as of which financial gold is built.

    Real systems live today. The simulated company has a calendar of its own, which only its data tells.

    Raises:
        StrataError: that calendar was not built yet.
    """
    day = _newest(runtime)
    if day is None:
        message = f"{'.'.join(_BUSINESS_DAYS)}, which tells the simulated company's day, is not in the warehouse."
        raise StrataError(message, "Load and build first: strata run.")
    return day


def require_no_future(runtime: Runtime, day: date) -> None:
    """Refuse a day that the data has not reached; where there is no calendar yet, nobody can tell.

    Raises:
        SettingsError: it comes after the newest business day.
    """
    newest = _newest(runtime)
    if newest is not None and day > newest:
        message = (
            f"{day} has not come yet: the newest business day is {newest}, and readers would see no close before it."
        )
        remedy = f"Leave --as-of out for {newest}; if you mean it, say why: --reason (in Dagster, reason)."
        raise SettingsError(message, remedy)


def _newest(runtime: Runtime) -> date | None:
    """Return the newest business day; ``None`` where the simulated company's calendar was not built yet."""
    simulated = all(item.simulated for tenant in runtime.tenants.values() for item in tenant.connections)
    if not simulated:
        return today(runtime.settings)
    with runtime.warehouse.session("business day") as session:
        if not session.columns(_BUSINESS_DAYS):
            return None
        (day,) = session.execute(f"SELECT max(as_of) FROM {names.qualified(_BUSINESS_DAYS)}")[0]
    return day if isinstance(day, date) else today(runtime.settings)
