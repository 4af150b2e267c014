"""Tenants, their plans and their connections, as the platform works with them.

The control plane says who there is (``orchestration.control.registry``); the
environment may say how to reach a source, and wins: ``STRATA_<SOURCE>__<TENANT>[__<INSTANCE>]__<NAME>``,
in short ``STRATA_<SOURCE>__<NAME>`` for the tenant ``default``. The value
``simulated`` for a whole connection asks for the source's simulator.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dotenv import dotenv_values
from pydantic import SecretStr

from orchestration.contracts.extraction import SIMULATED, Connection
from orchestration.contracts.source import SourceSystem
from orchestration.failures import SettingsError

DEFAULT = "default"
_IDENTIFIER = re.compile(r"^(?!.*__)[a-z][a-z0-9_]{0,61}[a-z0-9]$|^[a-z]$")
"""Two underscores part the names in a variable, so no name holds them."""


@dataclass(frozen=True)
class Plan:
    """What a tenant may have: quotas, features and schedules, the tenant's own over the plan's."""

    name: str = ""
    title: str = ""
    quotas: Mapping[str, Any] = field(default_factory=dict)
    features: Mapping[str, Any] = field(default_factory=dict)
    schedules: Mapping[str, Any] = field(default_factory=dict)

    def allows(self, feature: str) -> bool:
        """Say whether a feature is on; one that nobody switched off is."""
        return self.features.get(feature, True) is not False


@dataclass(frozen=True)
class Tenant:
    """A customer of the platform and its connections; ``state`` is onboarding, active, suspended or removing."""

    name: str
    title: str
    connections: tuple[Connection, ...] = ()
    state: str = "active"
    plan: Plan = field(default_factory=Plan)

    def of_source(self, source: str) -> tuple[Connection, ...]:
        """Return this tenant's connections to one source system; empty when it has none."""
        return tuple(connection for connection in self.connections if connection.source == source)


@dataclass
class Draft:
    """What is known of one connection before it is checked."""

    settings: dict[str, SecretStr] = field(default_factory=dict)
    simulated: bool = False


Place = tuple[str, str, str]
"""Tenant, source, instance."""


def read_environment() -> dict[str, str]:
    """Return the process's environment over the project's ``.env`` file."""
    from_file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return from_file | dict(os.environ)


def add_environment(
    drafts: dict[Place, Draft],
    environment: Mapping[str, str],
    sources: Mapping[str, SourceSystem],
    tenants: Iterable[str],
    is_removed: Callable[[str], bool],
) -> None:
    """Lay what the environment says over the connections; variables of removed tenants are passed over.

    Raises:
        SettingsError: a variable is wrong; names it.
    """
    known = set(tenants)
    for variable, value in environment.items():
        head, *parts = variable.removeprefix("STRATA_").lower().split("__")
        if not variable.startswith("STRATA_") or head not in sources or not value:
            continue
        if len(parts) > 1 and parts[0] not in known and is_removed(parts[0]):
            continue
        tenant, instance, name = _split(variable, parts, known)
        _require_known(variable, name, sources[head])
        _merge(drafts.setdefault((tenant, head, instance), Draft()), name, value)


def _require_known(variable: str, name: str, source: SourceSystem) -> None:
    settings = [setting.name for setting in source.description.settings]
    if name and name not in settings and not source.fault:
        message = f"{variable}: {name.upper()} is no setting of {source.name}."
        raise SettingsError(message, f"It has: {', '.join(settings).upper()}.")


def _split(variable: str, parts: list[str], tenants: set[str]) -> tuple[str, str, str]:
    """Tell tenant, instance and setting apart; a first part that is a tenant's name is the tenant."""
    if parts and parts[0] in tenants:
        tenant, rest = parts[0], parts[1:]
    else:
        tenant, rest = DEFAULT, parts
    if tenant not in tenants:
        remedy = "Name a tenant of `strata tenant list`: STRATA_<SOURCE>__<TENANT>__<NAME>."
        raise SettingsError(f"{variable}: names no known tenant, and there is no tenant 'default'.", remedy)
    if len(rest) > 2:
        raise SettingsError(f"{variable}: too many parts.", "Form: STRATA_<SOURCE>__<TENANT>[__<INSTANCE>]__<NAME>.")
    return tenant, rest[0] if len(rest) == 2 else "main", rest[-1] if rest else ""


def _merge(draft: Draft, name: str, value: str) -> None:
    if not name:
        draft.simulated = value.lower() == SIMULATED
    else:
        draft.settings[name], draft.simulated = SecretStr(value), False


def require_settings(connection: Connection, source: SourceSystem) -> None:
    """Refuse a real connection that lacks a setting.

    Raises:
        SettingsError: names the variable.
    """
    if connection.simulated:
        return
    for setting in source.description.settings:
        if setting.required and setting.name not in connection.settings:
            parts = [source.name, connection.tenant, *([] if connection.instance == "main" else [connection.instance])]
            variable = "__".join(["STRATA_" + parts[0], *parts[1:], setting.name]).upper()
            raise SettingsError(
                f"{connection.label}: {variable} is not set ({setting.description}).",
                f"Example: {variable}={setting.example}; or set the connection to 'simulated'.",
            )


def require_identifier(name: object, what: str) -> None:
    """Refuse names that are no plain identifier.

    Raises:
        SettingsError: says what was named so.
    """
    if not isinstance(name, str) or not _IDENTIFIER.match(name):
        raise SettingsError(f"{what} {name!r}: use lower-case letters, digits and underscores.", "Example: acme_eu.")
