"""The two clocks: today in the platform's time zone, and the business day that the data has reached."""

from __future__ import annotations

from collections.abc import Collection
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
    """Return the day as of which financial gold is built, but for tenants with one of their :func:`own_days`.

    Real systems live today. The simulated company has a calendar of its own, which only its data tells.

    Raises:
        StrataError: that calendar was not built yet.
    """
    day = _newest(runtime)
    if day is None:
        message = f"{'.'.join(_BUSINESS_DAYS)}, which tells the simulated company's day, is not in the warehouse."
        raise StrataError(message, "Load and build first: strata run.")
    return day


def own_days(runtime: Runtime) -> dict[str, date]:
    """Return the simulated calendar's day for simulated tenants beside real ones; empty where all live on one calendar.

    Closed as of today, they would show months in which the simulated company did nothing, and be ahead of its days.
    """
    simulated = _simulated(runtime)
    if not simulated or simulated == set(runtime.tenants):
        return {}
    day = _calendar_day(runtime)
    return dict.fromkeys(simulated, day) if day else {}


def require_no_future(runtime: Runtime, day: date, tenants: Collection[str] | None = None) -> None:
    """Refuse a day that the data has not reached; where there is no calendar yet, nobody can tell.

    Raises:
        SettingsError: it comes after the newest business day of all tenants, or of one of those named.
    """
    own, usual = own_days(runtime), _newest(runtime)
    days = [own.get(name, usual) for name in (runtime.tenants if tenants is None else tenants)] or [usual]
    newest = min((known for known in days if known), default=None)
    if newest is not None and day > newest:
        message = (
            f"{day} has not come yet: the newest business day is {newest}, and readers would see no close before it."
        )
        remedy = f"Leave --as-of out for {newest}; if you mean it, say why: --reason (in Dagster, reason)."
        raise SettingsError(message, remedy)


def _simulated(runtime: Runtime) -> set[str]:
    """Return the tenants of which nothing is real."""
    return {name for name, tenant in runtime.tenants.items() if all(item.simulated for item in tenant.connections)}


def _newest(runtime: Runtime) -> date | None:
    """Return the newest business day; ``None`` where the simulated company's calendar was not built yet."""
    return _calendar_day(runtime) if _simulated(runtime) == set(runtime.tenants) else today(runtime.settings)


def _calendar_day(runtime: Runtime) -> date | None:
    """Return the simulated company's day: what its tenants' data has reached."""
    with runtime.warehouse.session("business day") as session:
        if not session.columns(_BUSINESS_DAYS):
            return None
        rows = session.execute(f"SELECT _tenant_id, as_of FROM {names.qualified(_BUSINESS_DAYS)}")
    simulated = _simulated(runtime)
    days = [day for tenant, day in rows if tenant in simulated and isinstance(day, date)]
    return max(days, default=today(runtime.settings))
