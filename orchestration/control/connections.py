"""What may be stored of a connection: plain values, and of secrets the reference alone."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.contracts.source import SourceSystem
from orchestration.control.secrets import require_reference
from orchestration.failures import SettingsError

_FORMS = "Forms: env:NAME, file:/run/secrets/name, vault:secret/data/path#field."

StoredSettings = dict[str, dict[str, str]]
"""By name: ``{"value": …}`` or ``{"reference": …}``."""


def settings_of(source: SourceSystem, label: str, given: Mapping[str, str]) -> StoredSettings:
    """Return the settings as the control plane stores them; a value with a reference's form is one.

    Raises:
        SettingsError: a setting is unknown, or a secret one is given by value, which is not quoted.
    """
    known = {setting.name: setting for setting in source.description.settings}
    for unknown in sorted(set(given) - set(known)):
        message = f"{label}: {unknown.upper()} is no setting of {source.name}."
        raise SettingsError(message, f"It has: {', '.join(known).upper()}.")
    return {name: _stored(label, name, value, secret=known[name].secret) for name, value in given.items()}


def _stored(label: str, name: str, value: str, *, secret: bool) -> dict[str, str]:
    try:
        return {"reference": require_reference(value)}
    except SettingsError:
        if secret:
            message = f"{label}: {name} is secret, so the control plane takes a reference and no value."
            raise SettingsError(message, _FORMS) from None
        return {"value": value}
