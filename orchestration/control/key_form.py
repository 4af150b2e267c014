r"""What an API key looks like: ``strata_<key_id>.<secret>``.

The prefix is for secret scanners (``strata_[0-9a-f]{16}\.[A-Za-z0-9_-]{43}``) and for people
who find one; the id says in lists and logs which key it was; the secret is 256 random bits.
"""

from __future__ import annotations

import hmac
import secrets

PREFIX = "strata_"
LONGEST = 256
"""Whatever is longer is no key, and is not worth a digest."""


def new_key() -> tuple[str, str]:
    """Return a new key's id and the whole key."""
    key_id = secrets.token_hex(8)
    return key_id, f"{PREFIX}{key_id}.{secrets.token_urlsafe(32)}"


def id_of(text: str) -> str:
    """Return the id in a key, in its beginning as lists show it, or in the bare id."""
    return text.strip().removeprefix(PREFIX).partition(".")[0]


def digest_of(pepper: bytes, key: str) -> bytes:
    """Return the digest under which a key is stored. It takes about 2 µs, unlike that of a password.

    256 random bits need no slow digest: there is nothing to guess, and a slow one lets anybody
    keep the machine busy with wrong keys.
    """
    return hmac.digest(pepper, key.encode("utf-8", "replace"), "sha256")
