"""Signatures of Standard Webhooks 1.0.0: made for each attempt, checked by the receiver's kit.

Signed is ``<id>.<timestamp>.<body>``, the body as its bytes, whatever they are. A key says by its prefix
what it is: ``whsec_`` a shared secret (HMAC-SHA256, signatures ``v1``), ``whsk_`` a private
Ed25519 key (``v1a``), which is checked with the ``whpk_`` that belongs to it and that anybody may see.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from orchestration.failures import SettingsError

Scheme = Literal["hmac", "ed25519"]
SHARED, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
TOLERANCE_SECONDS = 300
"""How far a timestamp may be from the receiver's clock."""

_SEED_BYTES = 32
_LEAST_SECRET_BYTES = 24


class SignatureRefused(Exception):
    """A message's signature does not hold; says why, never what it should have been."""


def make_key(scheme: Scheme = "hmac") -> str:
    """Return a new key for signing, with its prefix."""
    if scheme == "hmac":
        return SHARED + _text(secrets.token_bytes(32))
    private = Ed25519PrivateKey.generate()
    # Seed and public key together, as the standard's own example of a private key has it.
    return PRIVATE + _text(private.private_bytes_raw() + private.public_key().public_bytes_raw())


def verification_key(key: str) -> str:
    """Return what a receiver needs to check signatures: the shared secret itself, or the public key.

    Raises:
        SettingsError: it is no key for signing.
    """
    if key.startswith(SHARED):
        return key
    return PUBLIC + _text(_private(key).public_key().public_bytes_raw())


class Signer:
    """Signs with one key, or with several while one is being replaced."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Take the keys in.

        Raises:
            SettingsError: one of them is no key for signing; the message does not repeat it.
        """
        self._shared: list[HMAC] = []
        self._private: list[Ed25519PrivateKey] = []
        for key in keys:
            if key.startswith(SHARED):
                self._shared.append(HMAC(_shared(key), SHA256()))
            else:
                self._private.append(_private(key))

    def sign(self, message_id: str, timestamp: int, body: bytes) -> str:
        """Return the value of ``webhook-signature``; ``timestamp`` is in seconds.

        Raises:
            ValueError: the id holds a point, so that what is signed could be read in two ways.
        """
        if "." in message_id:
            raise ValueError(message_id)
        content = _content(message_id, timestamp, body)
        shared = [f"v1,{_text(_digest(keyed, content))}" for keyed in self._shared]
        private = [f"v1a,{_text(key.sign(content))}" for key in self._private]
        return " ".join(shared + private)


def verify(key: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Accept a message or not; ``headers`` by lower-case names, ``now`` in seconds.

    Raises:
        SignatureRefused: a header is missing, the timestamp is off, or no signature fits.
        SettingsError: the key is none that signatures can be checked with.
    """
    message_id, timestamp, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message_id and timestamp and given):
        raise SignatureRefused("webhook-id, webhook-timestamp or webhook-signature is missing")
    if not timestamp.isascii() or not timestamp.isdigit():
        raise SignatureRefused("webhook-timestamp is no number of seconds")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise SignatureRefused("webhook-timestamp is more than five minutes from this clock")
    content = _content(message_id, int(timestamp), body)
    pairs = [part.split(",", 1) for part in given.split(" ") if "," in part]
    fits = _fits_shared if key.startswith(SHARED) else _fits_public
    if not fits(key, content, pairs):
        raise SignatureRefused("no signature fits the key")


def _fits_shared(key: str, content: bytes, pairs: list[list[str]]) -> bool:
    expected = _text(hmac.digest(_shared(key), content, "sha256")).encode()
    return any(hmac.compare_digest(expected, value.encode()) for version, value in pairs if version == "v1")


def _fits_public(key: str, content: bytes, pairs: list[list[str]]) -> bool:
    public = _public(key)
    for version, value in pairs:
        if version != "v1a":
            continue
        try:
            public.verify(base64.b64decode(value), content)
        except (InvalidSignature, binascii.Error, ValueError):
            continue
        return True
    return False


def _digest(keyed: HMAC, content: bytes) -> bytes:
    # Half of the time of hmac.digest(), which also lets other threads in between: a worker waited 10 µs a message.
    begun = keyed.copy()
    begun.update(content)
    return begun.finalize()


def _content(message_id: str, timestamp: int, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body


def _shared(key: str) -> bytes:
    secret = _bytes(key, SHARED)
    if len(secret) < _LEAST_SECRET_BYTES:
        raise _no_key()
    return secret


def _private(key: str) -> Ed25519PrivateKey:
    raw = _bytes(key, PRIVATE)
    if len(raw) not in {_SEED_BYTES, 2 * _SEED_BYTES}:
        raise _no_key()
    return Ed25519PrivateKey.from_private_bytes(raw[:_SEED_BYTES])


def _public(key: str) -> Ed25519PublicKey:
    raw = _bytes(key, PUBLIC)
    if len(raw) != _SEED_BYTES:
        raise _no_key()
    return Ed25519PublicKey.from_public_bytes(raw)


def _bytes(key: str, prefix: str) -> bytes:
    if not key.startswith(prefix):
        raise _no_key()
    encoded = key.removeprefix(prefix)
    try:
        # Some tools leave the padding away; more of it than needed is no harm.
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _no_key() from None


def _no_key() -> SettingsError:
    remedy = "A shared secret is whsec_ and the base64 of 24 bytes or more; Ed25519 keys begin with whsk_ or whpk_."
    return SettingsError("A signing key cannot be read.", remedy)


def _text(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).decode()
