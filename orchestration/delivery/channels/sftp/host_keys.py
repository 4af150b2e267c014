"""The pinned host key of an SFTP server: a public key as ``ssh-keyscan`` prints it, or its SHA-256 fingerprint."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from orchestration.failures import SettingsError

_FINGERPRINT = "SHA256:"
_KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""An RSA key signs under other names than its own; under its own it would sign with SHA-1."""


@dataclass(frozen=True)
class HostKeys:
    """Fingerprints that a server may show, and the kinds of their keys (empty: not known)."""

    fingerprints: frozenset[str]
    kinds: tuple[str, ...]

    @property
    def signatures(self) -> tuple[str, ...]:
        """The algorithms to ask the server for, so that it shows the key that is pinned and no other."""
        return tuple(name for kind in self.kinds for name in _SIGNATURES.get(kind, (kind,)))


def fingerprint(key: bytes) -> str:
    """Return a public key's fingerprint as ``ssh-keygen -l`` prints it."""
    return _FINGERPRINT + base64.b64encode(sha256(key).digest()).decode().rstrip("=")


def read_host_keys(text: str) -> HostKeys:
    """Read pinned keys, one a line.

    Raises:
        SettingsError: a line holds neither a public key nor a fingerprint.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = [_read(line.split()) for line in lines]
    if not found:
        raise _unreadable()
    return HostKeys(
        frozenset(print_ for print_, _ in found),
        tuple(dict.fromkeys(kind for _, kind in found)) if all(kind for _, kind in found) else (),
    )


def _read(words: list[str]) -> tuple[str, str]:
    """Return fingerprint and kind; the kind is empty when only a fingerprint is given."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith(_FINGERPRINT):
            return word.rstrip("="), ""
        if word in _KINDS:
            return _of_key(word, following), word
    raise _unreadable()


def _of_key(kind: str, encoded: str) -> str:
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise _unreadable() from None
    if not key.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        raise _unreadable()
    return fingerprint(key)


def _unreadable() -> SettingsError:
    remedy = "Write a line of `ssh-keyscan HOST`, compared with what the server's owner says, or SHA256:…"
    return SettingsError("The setting host_key holds no public key.", remedy)
