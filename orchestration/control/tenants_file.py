"""``tenants.yaml``: who is on the platform to begin with; it holds no secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.contracts.extraction import SIMULATED
from orchestration.contracts.source import SourceSystem
from orchestration.contracts.yaml_file import NotYaml, read_yaml
from orchestration.failures import SettingsError
from orchestration.tenants import Place, require_identifier

_FORM = "Form:\ntenants:\n  acme: {connections: {product: simulated}}"


@dataclass(frozen=True)
class TenantsFile:
    """The file's content: titles by tenant, and for each connection whether it is simulated."""

    titles: Mapping[str, str]
    connections: Mapping[Place, bool]


def read_tenants_file(path: Path, sources: Mapping[str, SourceSystem]) -> TenantsFile:
    """Read the file.

    Raises:
        SettingsError: it is wrong; names file, place and form.
    """
    connections: dict[Place, bool] = {}
    entries = _entries(path)
    for tenant, entry in entries.items():
        require_identifier(tenant, f"{path}: tenant")
        for source, value in ((entry or {}).get("connections") or {}).items():
            if source not in sources:
                known = f"Known sources: {', '.join(sources) or 'none; STRATA_SOURCES_DIR says where they are'}."
                raise SettingsError(f"{path}: {tenant}: source {source!r} is unknown.", known)
            for instance, setting in (value if isinstance(value, dict) else {"main": value}).items():
                require_identifier(instance, f"{path}: {tenant}.{source}: instance")
                connections[tenant, source, instance] = _is_simulated(setting, path, tenant, source)
    titles = {tenant: str((entry or {}).get("title", tenant)) for tenant, entry in entries.items()}
    return TenantsFile(titles, connections)


def _entries(path: Path) -> dict[str, Any]:
    """Return what stands below ``tenants:``; what is wrong is told with line and column where there are any."""
    try:
        document = read_yaml(path)
    except NotYaml as error:
        raise SettingsError(str(error), _FORM) from None
    if document is None:
        raise SettingsError(f"{path}: is empty: it has to begin with 'tenants:'.", _FORM)
    entries = document.get("tenants") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        raise SettingsError(f"{path}: no readable 'tenants:' mapping.", _FORM)
    return entries


def _is_simulated(setting: object, path: Path, tenant: str, source: str) -> bool:
    if setting not in (SIMULATED, "environment"):
        message = f"{path}: {tenant}.{source}: {setting!r} is neither 'simulated' nor 'environment'."
        raise SettingsError(message, "Settings and secrets of real systems come from environment variables.")
    return setting == SIMULATED
