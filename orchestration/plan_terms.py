"""The terms that a plan may have: one place knows them, so that a misspelt one is refused and not kept in silence.

``strata plan set`` and ``strata tenant plan`` refuse what is unknown; ``strata doctor`` reports what was stored before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from orchestration.failures import SettingsError
from orchestration.plans import FINANCIAL, ROWS_PER_DAY, require_rule

CONNECTIONS, TENANTS = "connections", "tenants"
"""Quotas that are asked for when a tenant comes on board: connections of one tenant, tenants on one plan."""

QUOTAS = (CONNECTIONS, TENANTS, ROWS_PER_DAY)
MODES = ("hourly", "daily")
FEATURES = (*MODES, FINANCIAL)
KINDS = {"quotas": "quota", "features": "feature", "schedules": "schedule"}
"""What a plan and a tenant have, and what one of them is called."""


def require_terms(terms: Mapping[str, Mapping[str, Any]], sources: Collection[str]) -> None:
    """Refuse terms that nothing asks for or that no run could go by; ``None`` takes any entry back.

    Raises:
        SettingsError: a name or a value is unknown; names what there is.
    """
    for kind, entries in terms.items():
        known = names_of(kind, sources)
        for name, value in entries.items():
            if value is not None:
                _require_name(kind, name, known)
                _require_value(kind, name, value)


def find_faults(terms: Mapping[str, Mapping[str, Any]], sources: Collection[str]) -> Iterator[SettingsError]:
    """Yield what is wrong with each term of a plan as it is stored; a source's rules may be nested there."""
    for kind, entries in terms.items():
        for name, value in _flat(entries):
            try:
                if kind != "schedules" or name not in sources:
                    _require_name(kind, name, names_of(kind, sources))
                _require_value(kind, name, value)
            except SettingsError as error:
                yield error


def names_of(kind: str, sources: Collection[str]) -> tuple[str, ...]:
    """Return the names that terms of a kind may have."""
    if kind == "schedules":
        return tuple(f"{source}.{mode}" for source in sources for mode in MODES)
    return QUOTAS if kind == "quotas" else FEATURES


def _flat(entries: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in entries.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{mode}", rule) for mode, rule in value.items())
        else:
            yield name, value


def _require_name(kind: str, name: str, known: Collection[str]) -> None:
    if name in known:
        return
    near = get_close_matches(name, known, 1) or get_close_matches(name.partition(".")[0], known, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    raise SettingsError(f"There is no {KINDS[kind]} {name!r}.{meant}", f"{kind.title()}: {', '.join(known)}.")


def _require_value(kind: str, name: str, value: object) -> None:
    if kind == "schedules":
        require_rule(name, value)
    elif kind == "features" and not isinstance(value, bool):
        raise SettingsError(f"Feature {name} is {value!r}, neither on nor off.", f"Example: --feature {name}=off.")
    elif kind == "quotas" and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise SettingsError(
            f"Quota {name} is {value!r}; it must be a whole number of 0 or more.", f"Example: {name}=10."
        )
