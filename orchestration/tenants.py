"""The registry of tenants and their connections; a control plane may take it over behind :func:`read_tenants`.

``tenants.yaml`` says who there is and which sources each has. Settings of a
connection come from the environment: ``STRATA_<SOURCE>__<TENANT>[__<INSTANCE>]__<NAME>``,
in short ``STRATA_<SOURCE>__<NAME>`` for the tenant ``default``. The value
``simulated`` for a whole connection asks for the source's simulator.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values
from pydantic import SecretStr

from orchestration.contracts.extraction import SIMULATED, Connection
from orchestration.contracts.source import SourceSystem
from orchestration.failures import SettingsError

DEFAULT = "default"
_FORM = "Form:\ntenants:\n  acme: {connections: {product: simulated}}"
_IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


@dataclass(frozen=True)
class Tenant:
    """A customer of the platform and its connections."""

    name: str
    title: str
    connections: tuple[Connection, ...] = ()

    def of_source(self, source: str) -> tuple[Connection, ...]:
        """Return this tenant's connections to one source system; empty when it has none."""
        return tuple(connection for connection in self.connections if connection.source == source)


@dataclass
class _Draft:
    """What file and environment say of one connection, before it is checked."""

    settings: dict[str, SecretStr] = field(default_factory=dict)
    simulated: bool = False


_Place = tuple[str, str, str]  # tenant, source, instance


def read_tenants(
    path: Path, sources: Mapping[str, SourceSystem], environment: Mapping[str, str] | None = None
) -> dict[str, Tenant]:
    """Read all tenants with the connections they have to the known sources.

    Without a file there is one tenant, ``default``, whose connections the environment
    names; where it names none, every source is simulated.

    Raises:
        SettingsError: the file or a variable is wrong; names it.
    """
    environment = _environment() if environment is None else environment
    titles, drafts = _from_file(path, sources) if path.exists() else ({DEFAULT: DEFAULT}, {})
    for place, name, value in _from_environment(environment, sources, titles):
        _merge(drafts.setdefault(place, _Draft()), name, value)
    if not path.exists() and not drafts:
        drafts = {(DEFAULT, source, "main"): _Draft(simulated=True) for source in sources}
    connections = [_connection(place, draft, sources) for place, draft in sorted(drafts.items())]
    return {
        name: Tenant(name, title, tuple(item for item in connections if item.tenant == name))
        for name, title in titles.items()
    }


def _environment() -> dict[str, str]:
    """Return the process's environment over the project's ``.env`` file."""
    from_file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return from_file | dict(os.environ)


def _from_file(path: Path, sources: Mapping[str, SourceSystem]) -> tuple[dict[str, str], dict[_Place, _Draft]]:
    entries = _entries(path)
    drafts: dict[_Place, _Draft] = {}
    for tenant, entry in entries.items():
        _require_identifier(tenant, f"{path}: tenant")
        for source, value in ((entry or {}).get("connections") or {}).items():
            if source not in sources:
                raise SettingsError(f"{path}: {tenant}: source {source!r} is unknown.", _known(sources))
            instances = value if isinstance(value, dict) else {"main": value}
            for instance, setting in instances.items():
                _require_identifier(instance, f"{path}: {tenant}.{source}: instance")
                drafts[tenant, source, instance] = _Draft(simulated=_file_setting(setting, path, tenant, source))
    titles = {tenant: str((entry or {}).get("title", tenant)) for tenant, entry in entries.items()}
    return titles, drafts


def _entries(path: Path) -> dict[str, Any]:
    """Return what stands below ``tenants:``; what is wrong is told with line and column where there are any."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise SettingsError(f"{place}: no YAML: {error.problem}.", _FORM) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: no YAML: {type(error).__name__}.", _FORM) from None
    if document is None:
        raise SettingsError(f"{path}: is empty: it has to begin with 'tenants:'.", _FORM)
    entries = document.get("tenants") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        raise SettingsError(f"{path}: no readable 'tenants:' mapping.", _FORM)
    return entries


def _file_setting(setting: object, path: Path, tenant: str, source: str) -> bool:
    if setting not in (SIMULATED, "environment"):
        message = f"{path}: {tenant}.{source}: {setting!r} is neither 'simulated' nor 'environment'."
        raise SettingsError(message, "Settings and secrets of real systems come from environment variables.")
    return setting == SIMULATED


def _from_environment(
    environment: Mapping[str, str], sources: Mapping[str, SourceSystem], titles: Mapping[str, str]
) -> Iterable[tuple[_Place, str, str]]:
    """Yield (place, setting, value) for every variable that belongs to a source; setting '' is the whole connection."""
    for variable, value in environment.items():
        head, *parts = variable.removeprefix("STRATA_").lower().split("__")
        if not variable.startswith("STRATA_") or head not in sources or not value:
            continue
        tenant, instance, name = _split(variable, parts, titles)
        known = {setting.name for setting in sources[head].description.settings}
        if name and name not in known and not sources[head].fault:
            settings = ", ".join(setting.name.upper() for setting in sources[head].description.settings)
            raise SettingsError(f"{variable}: {name.upper()} is no setting of {head}.", f"It has: {settings}.")
        yield (tenant, head, instance), name, value


def _split(variable: str, parts: list[str], titles: Mapping[str, str]) -> tuple[str, str, str]:
    """Tell tenant, instance and setting apart; a first part that is a tenant's name is the tenant."""
    if parts and parts[0] in titles:
        tenant, rest = parts[0], parts[1:]
    else:
        tenant, rest = DEFAULT, parts
    if tenant not in titles:
        remedy = f"Name a tenant of tenants.yaml ({', '.join(titles)}): STRATA_<SOURCE>__<TENANT>__<NAME>."
        raise SettingsError(f"{variable}: names no known tenant, and there is no tenant 'default'.", remedy)
    if len(rest) > 2:
        raise SettingsError(f"{variable}: too many parts.", "Form: STRATA_<SOURCE>__<TENANT>[__<INSTANCE>]__<NAME>.")
    return tenant, rest[0] if len(rest) == 2 else "main", rest[-1] if rest else ""


def _merge(draft: _Draft, name: str, value: str) -> None:
    if not name:
        draft.simulated = value.lower() == SIMULATED
    else:
        draft.settings[name], draft.simulated = SecretStr(value), False


def _connection(place: _Place, draft: _Draft, sources: Mapping[str, SourceSystem]) -> Connection:
    tenant, source, instance = place
    connection = Connection(tenant, source, instance, draft.settings, draft.simulated)
    if not draft.simulated:
        _require_settings(connection, sources[source])
    return connection


def _require_settings(connection: Connection, source: SourceSystem) -> None:
    for setting in source.description.settings:
        if setting.required and setting.name not in connection.settings:
            parts = [source.name, connection.tenant, *([] if connection.instance == "main" else [connection.instance])]
            variable = "__".join(["STRATA_" + parts[0], *parts[1:], setting.name]).upper()
            raise SettingsError(
                f"{connection.label}: {variable} is not set ({setting.description}).",
                f"Example: {variable}={setting.example}; or set the connection to 'simulated' in tenants.yaml.",
            )


def _require_identifier(name: object, what: str) -> None:
    if not isinstance(name, str) or not _IDENTIFIER.match(name):
        raise SettingsError(f"{what} {name!r}: use lower-case letters, digits and underscores.", "Example: acme_eu.")


def _known(sources: Mapping[str, SourceSystem]) -> str:
    return f"Known sources: {', '.join(sources) or 'none'}."
