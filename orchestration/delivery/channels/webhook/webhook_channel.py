"""The webhook channel's settings, and how a sender is opened from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast, get_args

from aiohttp.abc import AbstractResolver
from pydantic import SecretStr

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.channel import Channel, ChannelSetting, Endpoint, MadeSecret
from orchestration.delivery.channels.webhook.address import TOKEN, read_address
from orchestration.delivery.channels.webhook.connections import open_session
from orchestration.delivery.channels.webhook.headers import custom_headers, require_credentials
from orchestration.delivery.channels.webhook.sender import SigningKeys, Target, WebhookSender
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.delivery.signatures import Scheme, Signer, make_key, verification_key
from orchestration.failures import SettingsError
from orchestration.runtime import Runtime

LARGEST_BODY = 1_000_000
_MOST_BYTES = 16_000_000
"""A body is held in memory while it is signed and sent, and a worker sends dozens at once."""


class WebhookChannel:
    """Signed POSTs to an address of the consumer's."""

    payloads = frozenset({"reference", "changes", "snapshot"})
    settings: Mapping[str, ChannelSetting] = {
        "url": ChannelSetting(
            f"Where to POST; {TOKEN} in its path or query stands for the secret `token`.",
            required=True,
            example="https://hooks.example.com/strata",
        ),
        "signing_key": ChannelSetting("Signs messages: whsec_… (HMAC) or whsk_… (Ed25519).", secret=True, made=True),
        "scheme": ChannelSetting("How a key that is made signs: hmac or ed25519.", default="hmac"),
        "previous_signing_key": ChannelSetting(
            "Signs as well until previous_until; set by a rotation.", secret=True, internal=True
        ),
        "previous_until": ChannelSetting("When the key before is let go.", internal=True),
        "token": ChannelSetting(f"The secret part of an address, put in place of {TOKEN}.", secret=True),
        "authorization": ChannelSetting("The whole value of the header Authorization.", secret=True),
        "headers": ChannelSetting("More headers, as a JSON object.", example='{"X-Team": "bi"}'),
        "ca_file": ChannelSetting("PEM file of the authority that the endpoint's certificate is from.", is_file=True),
        "largest_body": ChannelSetting(
            "Bytes that the endpoint takes at most.", default=str(LARGEST_BODY), example="200000"
        ),
    }

    def address(self, settings: Mapping[str, str]) -> str:
        """Return scheme, host, port and path; a query may tell secrets and tells no endpoints apart."""
        url = read_address(settings.get("url", ""))
        return f"{url.origin()}{url.path}"

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse settings that can never work.

        Raises:
            SettingsError: names the setting and what to write instead.
        """
        read_address(settings.get("url", ""))
        custom_headers(settings.get("headers", ""))
        _size(settings.get("largest_body", ""))
        _scheme(settings)
        _moment(settings.get("previous_until", ""))

    def make(self, name: str, settings: Mapping[str, str]) -> MadeSecret:  # noqa: ARG002 - one secret alone is made
        """Make a key for signing; the consumer is shown the shared secret, or the public key."""
        key = make_key(_scheme(settings))
        return MadeSecret(SecretStr(key), SecretStr(verification_key(key)))

    async def open(self, endpoint: Endpoint, runtime: Runtime) -> WebhookSender:
        """Return a sender, which connects with its first message.

        Raises:
            DeliveryFailed: a setting or a secret is wrong.
        """
        return open_webhook(endpoint, AddressGuard.of(runtime.settings))


def open_webhook(endpoint: Endpoint, guard: AddressGuard, resolver: AbstractResolver | None = None) -> WebhookSender:
    """Return a sender whose names ``resolver`` resolves, by default the system's.

    Raises:
        DeliveryFailed: a setting or a secret is wrong.
    """
    try:
        target, headers = _target(endpoint), _headers(endpoint)
    except SettingsError as error:
        raise DeliveryFailed(DeliveryFailure.SETTINGS, error.message, error.remedy) from None
    session = open_session(
        guard,
        endpoint.get("ca_file"),
        endpoint.timeout_seconds,
        headers=headers,
        encrypted=target.url.scheme == "https",
        resolver=resolver,
    )
    return WebhookSender(target, session)


def _target(endpoint: Endpoint) -> Target:
    token = endpoint.secret("token")
    if TOKEN in endpoint.get("url") and not token:
        raise SettingsError(f"url holds {TOKEN}, but there is no secret `token`.", "Give it by reference.")
    authorization = endpoint.secret("authorization")
    return Target(
        url=read_address(endpoint.get("url"), token),
        signing=_signing_keys(endpoint),
        # Of `Bearer abc` the last word alone is a secret too.
        secrets=tuple(sorted({authorization, authorization.rpartition(" ")[2], token} - {""}, key=len, reverse=True)),
        largest_body=_size(endpoint.get("largest_body")),
        timeout_seconds=endpoint.timeout_seconds,
    )


def _headers(endpoint: Endpoint) -> dict[str, str]:
    """Return what every message carries."""
    headers = {"User-Agent": "Strata", "Accept-Encoding": "identity", **custom_headers(endpoint.get("headers"))}
    if authorization := endpoint.secret("authorization"):
        headers["Authorization"] = require_credentials(authorization)
    return headers


def _scheme(settings: Mapping[str, str]) -> Scheme:
    kind = settings.get("scheme") or "hmac"
    if kind not in get_args(Scheme):
        raise SettingsError(f"scheme: {kind!r} signs nothing.", f"There are: {', '.join(get_args(Scheme))}.")
    return cast("Scheme", kind)


def _signing_keys(endpoint: Endpoint) -> SigningKeys:
    current, previous = endpoint.secret("signing_key"), endpoint.secret("previous_signing_key")
    if not current:
        raise SettingsError("There is no signing_key.", "Make one: strata registration rotate")
    ends = _moment(endpoint.get("previous_until"))
    return SigningKeys(
        current=Signer([current]),
        overlapping=Signer([current, previous] if previous else [current]),
        overlap_ends=ends.timestamp() if ends and previous else 0.0,
    )


def _size(text: str) -> int:
    if not text:
        return LARGEST_BODY
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST_BYTES):
        message = f"largest_body: {text[:20]!r} is no number of bytes from 1 to {_MOST_BYTES:,}."
        raise SettingsError(message, "Example: largest_body=200000")
    return int(text)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        moment = None
    if text and (moment is None or moment.tzinfo is None):
        message = f"previous_until: {text[:40]!r} is no time with a zone."
        raise SettingsError(message, "Example: previous_until=2026-12-01T00:00:00+00:00")
    return moment


CHANNEL: Channel = WebhookChannel()
