"""Secrets by reference: the control plane knows where a secret is, never what it is.

``env:NAME`` is an environment variable, ``file:/path`` a file's content without the
line's end, ``vault:path#field`` a field of a HashiCorp Vault (KV version 2, at
``VAULT_ADDR`` with ``VAULT_TOKEN``).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from orchestration.failures import SettingsError

_FORMS = "Forms: env:NAME, file:/run/secrets/name, vault:secret/data/path#field."


class Reference(SecretStr):
    """A secret that is fetched when its value is asked for, and not before."""

    def get_secret_value(self) -> str:
        """Fetch the value.

        Raises:
            SettingsError: it is not there; names the reference.
        """
        return resolve(self.reference).get_secret_value()

    @property
    def reference(self) -> str:
        """Where the secret is."""
        return super().get_secret_value()


def require_reference(reference: str) -> str:
    """Return the reference when it has a known form.

    Raises:
        SettingsError: it has none; what was given, perhaps a secret, is not quoted.
    """
    kind, _, rest = reference.partition(":")
    if kind not in _RESOLVERS or not rest:
        raise SettingsError("A secret has to be given by reference.", _FORMS)
    return reference


def resolve(reference: str) -> SecretStr:
    """Fetch the secret that a reference names.

    Raises:
        SettingsError: it is not there; names the reference, never the value.
    """
    kind, _, rest = require_reference(reference).partition(":")
    value = _RESOLVERS[kind](rest)
    if not value:
        raise SettingsError(f"There is no secret at {reference}, or it is empty.", "Set it, or mend the reference.")
    return SecretStr(value)


def _from_environment(name: str) -> str:
    return os.environ.get(name, "")


def _from_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Put the file there, readable by this user."
        raise SettingsError(f"A secret cannot be read ({type(error).__name__}) from file:{path}.", remedy) from None


def _from_vault(place: str) -> str:
    from orchestration.control.vault import read_field  # noqa: PLC0415 - only who has a vault pays for HTTP

    return read_field(place)


_RESOLVERS: dict[str, Callable[[str], str]] = {
    "env": _from_environment,
    "file": _from_file,
    "vault": _from_vault,
}
