"""Makes and replaces the signing key of a registration; while one is replaced, messages carry both signatures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from orchestration.control.secrets import resolve
from orchestration.delivery.registration import Registration
from orchestration.delivery.sealing import Seal
from orchestration.delivery.signatures import Scheme, make_key, verification_key

_KEY, _PREVIOUS, _UNTIL = "signing_key", "previous_signing_key", "previous_until"


def with_new_key(
    wish: Registration, seal: Seal, *, scheme: Scheme = "hmac", overlap_until: datetime | None = None
) -> Registration:
    """Return a registration with a new sealed key; the one before also signs until ``overlap_until``.

    Without a moment the one before counts no more: that is for a key that leaked.

    Raises:
        SettingsError: the key before was sealed under another pepper.
    """
    settings = {name: kept for name, kept in wish.settings.items() if name not in {_PREVIOUS, _UNTIL}}
    if _KEY in settings and overlap_until:
        settings[_PREVIOUS] = _moved(wish, seal)
        settings[_UNTIL] = {"value": overlap_until.astimezone(UTC).isoformat(timespec="seconds")}
    settings[_KEY] = {"sealed": seal.close(make_key(scheme), wish.place, _KEY)}
    return replace(wish, settings=settings)


def key_to_show(wish: Registration, seal: Seal) -> str:
    """Return what the consumer checks signatures with: the shared secret, or the public key.

    Raises:
        SettingsError: the registration has no key, or it cannot be read.
    """
    kept = wish.settings.get(_KEY, {})
    if "sealed" in kept:
        return verification_key(seal.open(kept["sealed"], wish.place, _KEY).get_secret_value())
    return verification_key(resolve(kept.get("reference", "")).get_secret_value())


def _moved(wish: Registration, seal: Seal) -> dict[str, str]:
    """Return the key as the one before; a seal is bound to the name of its setting, so it is made anew."""
    kept = wish.settings[_KEY]
    if "sealed" not in kept:
        return dict(kept)
    key = seal.open(kept["sealed"], wish.place, _KEY).get_secret_value()
    return {"sealed": seal.close(key, wish.place, _PREVIOUS)}
