"""Terms of a plan or a tenant as the command line gives them: ``name=value``, where no value takes it back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from orchestration.failures import SettingsError
from orchestration.plan_terms import require_terms

_SWITCHES = {"on": True, "off": False}


def read_terms(
    quotas: Iterable[str] | None,
    features: Iterable[str] | None,
    schedules: Iterable[str] | None,
    sources: Collection[str],
) -> dict[str, dict[str, Any]]:
    """Return what was given of quotas, features and schedules; a value of ``None`` takes an entry back.

    Raises:
        SettingsError: a text is of the wrong form, or names what no plan has.
    """
    given: dict[str, dict[str, Any]] = {
        "quotas": {name: _number(name, value) for name, value in _pairs("--quota", quotas)},
        "features": {name: _switch(name, value) for name, value in _pairs("--feature", features)},
        "schedules": {name: value or None for name, value in _pairs("--schedule", schedules)},
    }
    require_terms(given, sources)
    return {kind: terms for kind, terms in given.items() if terms}


def _pairs(option: str, texts: Iterable[str] | None) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in texts or ()]
    for name, equals, _ in pairs:
        if not equals or not name:
            form = f"Form: {option} name=value; {option} name= takes it back."
            raise SettingsError(f"{option} {name}: has no '='.", form)
    return [(name, value) for name, _, value in pairs]


def _number(name: str, value: str) -> int | None:
    if not value:
        return None
    if value.startswith("-") and value[1:].isdecimal():
        raise SettingsError(
            f"--quota {name}: {value} is too small; it must be 0 or more.", f"Example: --quota {name}=10."
        )
    if not value.isdecimal():
        raise SettingsError(f"--quota {name}: {value!r} is no number.", f"Example: --quota {name}=10.")
    return int(value)


def _switch(name: str, value: str) -> bool | None:
    if not value:
        return None
    if value not in _SWITCHES:
        raise SettingsError(f"--feature {name}: {value!r} is neither on nor off.", f"Example: --feature {name}=off.")
    return _SWITCHES[value]
