"""Seals secrets that the platform itself made, such as signing keys, so that the database holds no readable one.

AES-256-GCM under a key derived from the installation's pepper, which is not in the
database; the tenant, the registration and the setting's name are bound to the seal, so that it opens
nowhere else. Secrets that people have are not sealed: they are given by reference.
"""

from __future__ import annotations

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from orchestration.control import Control
from orchestration.control.pepper import read_pepper
from orchestration.failures import SettingsError
from orchestration.settings import Settings

_NONCE_BYTES = 12


class Seal:
    """Seals and opens settings of registrations."""

    def __init__(self, settings: Settings, control: Control) -> None:
        """Derive the key.

        Raises:
            SettingsError: the pepper is missing or too short.
        """
        pepper = read_pepper(settings, control)
        key = HKDF(SHA256(), length=32, salt=None, info=b"strata settings of registrations").derive(pepper)
        self._cipher = AESGCM(key)

    def close(self, value: str, place: tuple[str, str], name: str) -> str:
        """Return a setting's value sealed, as text."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, value.encode(), _bound(place, name))
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, place: tuple[str, str], name: str) -> SecretStr:
        """Return the value.

        Raises:
            SettingsError: it was sealed under another pepper, or for something else.
        """
        raw = base64.b64decode(sealed)
        try:
            value = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(place, name))
        except InvalidTag:
            message = f"The secret {name!r} of registration {'/'.join(place)} was sealed under another pepper."
            remedy = "Set STRATA_KEY_PEPPER to that one, or make the secret anew: strata registration rotate"
            raise SettingsError(message, remedy) from None
        return SecretStr(value.decode())


def _bound(place: tuple[str, str], name: str) -> bytes:
    return "\0".join((*place, name)).encode()
