"""What a command line asks of a new tenant, read and checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from orchestration.contracts.extraction import SIMULATED
from orchestration.contracts.source import SourceSystem
from orchestration.control.secrets import Reference, require_reference
from orchestration.failures import SettingsError
from orchestration.tenancy.identifier import require_name
from orchestration.tenants import Draft

ENVIRONMENT, MAIN = "environment", "main"
_CONNECTION_FORM = "Form: --connection source[/instance]=simulated|environment."
_SETTING_FORM = "Form: --setting source[/instance].name=value; a secret is env:NAME, file:/path or vault:path#field."
_REFERENCES = ("env:", "file:", "vault:")

Stored = dict[str, dict[str, str]]
"""Settings as the control plane keeps them: ``{name: {"value": …} | {"reference": …}}``."""


@dataclass(frozen=True)
class WishedConnection:
    """One connection to be; its settings are those of the command line, not those of the environment."""

    source: str
    instance: str
    simulated: bool
    settings: Stored = field(default_factory=dict)

    @property
    def draft(self) -> Draft:
        """The connection as the registry will read it."""
        settings: dict[str, SecretStr] = {
            name: Reference(item["reference"]) if "reference" in item else SecretStr(item["value"])
            for name, item in self.settings.items()
        }
        return Draft(settings, self.simulated)


@dataclass(frozen=True)
class Wish:
    """A tenant to be taken on board."""

    name: str
    title: str
    plan: str | None
    connections: tuple[WishedConnection, ...]
    first_load: bool = True

    @property
    def document(self) -> dict[str, Any]:
        """What the control plane remembers, so that a second call can be told apart from another wish."""
        asked = sorted((f"{item.source}/{item.instance}", item.simulated) for item in self.connections)
        return {"title": self.title, "plan": self.plan, "connections": [list(item) for item in asked]}


def read_wish(
    name: str,
    *,
    title: str | None,
    plan: str | None,
    connections: Iterable[str],
    settings: Iterable[str],
    sources: Mapping[str, SourceSystem],
    first_load: bool = True,
) -> Wish:
    """Read the options of the command line.

    Raises:
        SettingsError: a name, source or setting is unknown or of the wrong form, or a secret is given in the clear.
    """
    require_name(name, sources)
    return Wish(name, title or name, plan, read_connections(connections, settings, sources), first_load)


def read_connections(
    connections: Iterable[str], settings: Iterable[str], sources: Mapping[str, SourceSystem]
) -> tuple[WishedConnection, ...]:
    """Read connections and their settings, as the command line gives them, in the order of their names.

    Raises:
        SettingsError: a source or setting is unknown or of the wrong form, or a secret is given in the clear.
    """
    stored: dict[tuple[str, str], Stored] = {}
    for text in settings:
        place, setting, value = _split_setting(text)
        stored.setdefault(place, {})[setting] = _stored(sources, place, setting, value)
    asked = dict(_read_connection(text, sources) for text in connections)
    for source, instance in stored.keys() - asked.keys():
        raise SettingsError(f"--setting {source}/{instance}: there is no such --connection.", _CONNECTION_FORM)
    return tuple(
        WishedConnection(source, instance, simulated, stored.get((source, instance), {}))
        for (source, instance), simulated in sorted(asked.items())
    )


def _read_connection(text: str, sources: Mapping[str, SourceSystem]) -> tuple[tuple[str, str], bool]:
    place, _, kind = text.partition("=")
    if kind not in (SIMULATED, ENVIRONMENT):
        message = f"--connection {place}: {kind!r} is neither 'simulated' nor 'environment'."
        raise SettingsError(message, _CONNECTION_FORM)
    source, instance = read_place(place)
    if source not in sources:
        raise SettingsError(f"Source {source!r} is unknown.", f"Known sources: {', '.join(sources) or 'none'}.")
    return (source, instance), kind == SIMULATED


def read_place(text: str) -> tuple[str, str]:
    """Return source and instance of ``source[/instance]``."""
    source, _, instance = text.partition("/")
    return source, MAIN if instance in ("", MAIN) else require_name(instance)


def _split_setting(text: str) -> tuple[tuple[str, str], str, str]:
    name, equals, value = text.partition("=")
    place, dot, setting = name.partition(".")
    if not (equals and dot and setting and value):
        # What was typed may hold a secret: only what stands before the first '=' is shown.
        raise SettingsError(f"--setting {name}: is of no known form.", _SETTING_FORM)
    return read_place(place), setting.lower(), value


def _stored(sources: Mapping[str, SourceSystem], place: tuple[str, str], setting: str, value: str) -> dict[str, str]:
    source = sources.get(place[0])
    known = {item.name: item for item in source.description.settings} if source else {}
    if setting not in known:
        listed = ", ".join(known) or "no settings"
        raise SettingsError(f"{setting!r} is no setting of {place[0]!r}.", f"It has: {listed}.")
    if known[setting].secret or value.startswith(_REFERENCES):
        return {"reference": require_reference(value)}
    return {"value": value}
