"""Refuses terms that cannot be kept, each with the option that is wrong."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from orchestration.delivery.terms import Terms
from orchestration.failures import SettingsError

LONGEST_WAIT = 7 * 24 * 3600
LONGEST_TIMEOUT = 300
MOST_RETRIES = 20
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(?P<from>([01]\d|2[0-3]):[0-5]\d)-(?P<to>([01]\d|2[0-3]):[0-5]\d|24:00)")
_DAYS = re.compile(rf"({'|'.join(DAYS)})(-({'|'.join(DAYS)}))?(,({'|'.join(DAYS)})(-({'|'.join(DAYS)}))?)*")


def require_terms(terms: Terms) -> None:
    """Refuse what is out of range or contradicts itself.

    Raises:
        SettingsError: names the term and its range.
    """
    _between("quiet_seconds", terms.quiet_seconds, 0, LONGEST_WAIT)
    _between("longest_wait_seconds", terms.longest_wait_seconds, 1, LONGEST_WAIT)
    _between("largest_batch", terms.largest_batch, 1, 1_000_000)
    _between("priority", terms.priority, 0, 9)
    _between("timeout_seconds", terms.timeout_seconds, 1, LONGEST_TIMEOUT)
    if terms.rate_per_second is not None:
        _between("rate_per_second", terms.rate_per_second, 0.001, 100_000)
    if terms.quiet_seconds > terms.longest_wait_seconds:
        message = f"quiet_seconds {terms.quiet_seconds:g} is more than longest_wait_seconds."
        raise SettingsError(message, f"longest_wait_seconds is {terms.longest_wait_seconds:g}; raise it.")
    if len(terms.retries) > MOST_RETRIES:
        raise SettingsError(f"retries has {len(terms.retries)} pauses.", f"At most {MOST_RETRIES}.")
    for pause in terms.retries:
        _between("retries", pause, 1, LONGEST_WAIT)
    _require_calendar(terms)


def _between(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise SettingsError(f"{name} {value:g} is out of range.", f"{name} is {least:g} to {most:g}.")


def _require_calendar(terms: Terms) -> None:
    hours = _HOURS.fullmatch(terms.hours)
    if terms.hours and (hours is None or hours["from"] == hours["to"]):
        raise SettingsError(f"hours {terms.hours!r} is no time of day.", "Form: 06:00-20:00; 22:00-04:00 is the night.")
    if terms.days and not _DAYS.fullmatch(terms.days):
        raise SettingsError(f"days {terms.days!r} are no weekdays.", "Form: mon-fri, or mon,wed,sat.")
    try:
        ZoneInfo(terms.timezone)
    except (KeyError, ValueError, OSError):
        raise SettingsError(f"{terms.timezone!r} is no IANA time zone.", "Example: Europe/Berlin.") from None
