"""Says in words what is wrong with a wish: which field, and what it takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import msgspec

from orchestration.delivery.registration import Format, Payload
from orchestration.delivery.terms import Ordering, Terms
from orchestration.failures import SettingsError

_OPTIONS = {"consumer": "--consumer NAME", "channel": "--channel NAME", "events": "--event NAME"}
_LIST, _SECONDS, _WHOLE = "a list, such as [one, two]", "a number of seconds", "a whole number"
_TAKES = {
    "consumer": "a consumer's name",
    "channel": "a channel's name",
    "title": "text",
    "events": _LIST,
    "tables": _LIST,
    "columns": _LIST,
    "where": _LIST,
    "payload": f"one of {', '.join(get_args(Payload))}",
    "format": f"one of {', '.join(get_args(Format))}",
    "settings": "names, each with its value",
    "secrets": "names, each with a reference such as env:NAME",
    "terms": "names, each with its value",
    "quiet_seconds": _SECONDS,
    "longest_wait_seconds": _SECONDS,
    "timeout_seconds": _SECONDS,
    "largest_batch": _WHOLE,
    "priority": f"{_WHOLE}, 0 to 9",
    "rate_per_second": "a number",
    "ordering": f"one of {', '.join(get_args(Ordering))}",
    "hours": "text such as '06:00-20:00'",
    "days": "text such as mon-fri",
    "timezone": "an IANA time zone such as Europe/Berlin",
    "retries": "seconds between attempts, such as 5,300,1800",
}
_PLACE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`")
_UNKNOWN = re.compile(r"unknown field `(?P<name>.*?)`(?= - at |$)", re.DOTALL)


def missing(name: str, where: str) -> SettingsError:
    """Return the error of a field that is needed."""
    remedy = "docs/consumer/register.md has every field and an example."
    return SettingsError(f"{where}: {_OPTIONS[name]} (or {name}: in the file) is missing.", remedy)


def explained(
    error: msgspec.ValidationError, fields: Mapping[str, Any], where: str, known: Iterable[str]
) -> SettingsError:
    """Return a validation's error in words that name the field and what it takes."""
    found = _PLACE.search(str(error))
    path = [part for part in re.split(r"[.\[]", found["path"] if found else "") if part and not part.endswith("]")]
    if unknown := _UNKNOWN.search(str(error)):
        kind, names = ("term", Terms.__struct_fields__) if path == ["terms"] else ("field", tuple(known))
        return SettingsError(f"{where}: there is no {kind} {unknown['name']!r}.", f"There are: {', '.join(names)}.")
    name = path[-1] if path else ""
    text = f"{where}: {name or 'it'} cannot be {_shown(fields, path)}."
    return SettingsError(text, f"{name} takes {_TAKES[name]}." if name in _TAKES else "See docs/consumer/register.md.")


def _shown(fields: Mapping[str, Any], path: list[str]) -> str:
    """Return the wrong value; never one of a setting or of a secret."""
    if not path or path[0] in {"settings", "secrets"}:
        return "what was given"
    value: Any = fields
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else value
    return repr(",".join(map(str, value)) if isinstance(value, (list, tuple)) else value)[:80]
