"""Reads one field of a HashiCorp Vault's KV secret, version 2, over its HTTP API."""

from __future__ import annotations

import json
import os
from http import HTTPStatus
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from orchestration.failures import AuthenticationFailed, ConnectionFailed, SettingsError, StrataError

_TIMEOUT_SECONDS = 10


def read_field(place: str) -> str:
    """Return a field's value; ``place`` is ``mount/data/path#field``. Empty when the secret has no such field.

    Raises:
        StrataError: the vault is not configured, not reached, or refuses; names the place, never a value.
    """
    path, _, field = place.partition("#")
    address, token = os.environ.get("VAULT_ADDR", ""), os.environ.get("VAULT_TOKEN", "")
    if not field or not token or not address.startswith(("https://", "http://")):
        message = f"VAULT_ADDR (https://…), VAULT_TOKEN or the field is missing for vault:{place}."
        raise SettingsError(message, "Form: vault:secret/data/path#field.")
    request = Request(f"{address.rstrip('/')}/v1/{quote(path)}", headers={"X-Vault-Token": token})  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=_TIMEOUT_SECONDS) as reply:  # noqa: S310
            return _field(json.load(reply), field)
    except HTTPError as error:
        raise _refusal(place, error.code) from None
    except (URLError, OSError, ValueError) as error:
        message = f"The vault did not answer ({type(error).__name__}) for vault:{place}."
        raise ConnectionFailed(message, "Check VAULT_ADDR.") from None


def _field(document: object, field: str) -> str:
    outer = document.get("data") if isinstance(document, dict) else None
    inner = outer.get("data") if isinstance(outer, dict) else None
    value = inner.get(field) if isinstance(inner, dict) else None
    return value if isinstance(value, str) else ""


def _refusal(place: str, status: int) -> StrataError:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return AuthenticationFailed(
            f"The vault refuses VAULT_TOKEN for vault:{place}.", "Renew it, or mend its policy."
        )
    if status == HTTPStatus.NOT_FOUND:
        return SettingsError(f"The vault has no such secret as vault:{place}.", "Mend the reference.")
    return ConnectionFailed(f"The vault answered {status} for vault:{place}.", "See the vault's log.")
