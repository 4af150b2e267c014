"""NATS JetStream: a message is sent when a stream has stored it, and told from its repetitions by its id."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.api import Header

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.attributes import as_headers
from orchestration.delivery.channels.bus import BusChannel, headers_of
from orchestration.delivery.channels.channel import Channel, ChannelSetting, Endpoint, Message
from orchestration.delivery.channels.network import no_tls, permitted_address, tls_context, tls_failed
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

T = TypeVar("T")
_PORT = 4222
_NO_ACCESS = "permissions violation"


class _Client(Client):
    """A client that notes what its callers need to know.

    ``is_encrypted``: TLS was begun. A server that offers none would otherwise be sent the credentials in clear.
    ``told``: errors that the server told outside of answers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_encrypted = False
        self.told: list[Exception] = []
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def note(self, error: Exception) -> None:
        """Keep an error."""
        self.told.append(error)

    async def end(self) -> None:
        """Wake whoever waits for an answer that will not come."""
        if not self._over.done():
            self._over.set_result(None)

    async def while_open(self, answer: Coroutine[Any, Any, T]) -> T:
        """Return an answer.

        Raises:
            ConnectionClosedError: the connection ended first; left alone, the library would wait for its time limit.
        """
        waiting = asyncio.create_task(answer)
        try:
            both: set[asyncio.Future[Any]] = {waiting, self._over}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise nats.errors.ConnectionClosedError
            return waiting.result()
        finally:
            waiting.cancel()

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """Hand out the context, which is asked for when TLS begins."""
        self.is_encrypted = True
        return super().ssl_context

    def require_encryption(self) -> None:
        """Refuse to go on in clear.

        Raises:
            ssl.SSLError: the server offers no TLS.
        """
        if not self.is_encrypted:
            raise no_tls()


class NatsPublisher:
    """A connection, and the errors that the server tells apart from answers."""

    def __init__(self, client: _Client, endpoint: Endpoint) -> None:
        """Publish over an open connection."""
        self._client, self._endpoint = client, endpoint

    @property
    def is_alive(self) -> bool:
        """Whether the connection is open."""
        return self._client.is_connected

    async def publish(self, topic: str, body: bytes, message: Message) -> str:
        """Publish to a subject; a stream that has this id already keeps it once.

        Raises:
            DeliveryFailed: no stream has confirmed it.
        """
        headers = {**headers_of(message, as_headers(message)), Header.MSG_ID.value: message.delivery_id}
        self._client.told.clear()
        stream = self._client.jetstream(timeout=self._endpoint.timeout_seconds / 2)
        try:
            stored = await self._client.while_open(stream.publish(topic, body, headers=headers))
        except (nats.errors.Error, OSError) as error:
            raise self._unconfirmed(error, topic) from None
        again = ", which had it already" if stored.duplicate else ""
        return f"stream {stored.stream}, sequence {stored.seq}{again}"

    async def close(self) -> None:
        """Let the connection go."""
        await _let_go(self._client)

    def _unconfirmed(self, error: Exception, topic: str) -> DeliveryFailed:
        host = self._endpoint.get("host")
        if any(_NO_ACCESS in str(item).lower() for item in self._client.told):
            text = f"{host}: this user may not publish to {topic!r}."
            return DeliveryFailed(DeliveryFailure.AUTHENTICATION, text, "Grant it there, and to _INBOX.> its answers.")
        if isinstance(error, nats.js.errors.NoStreamResponseError):
            text = f"{host}: no stream takes the subject {topic!r}."
            return DeliveryFailed(DeliveryFailure.UNCONFIRMED, text, "Add a stream for it, or mend `subject`.")
        if isinstance(error, nats.errors.MaxPayloadError):
            return DeliveryFailed(
                DeliveryFailure.TOO_LARGE, f"{host} takes no message of this size.", "See max_payload."
            )
        if isinstance(error, nats.js.errors.APIError):
            return DeliveryFailed(DeliveryFailure.STORAGE, f"{host} did not store the message: {error.description}.")
        text = f"{host} did not confirm ({type(error).__name__}); the message may have arrived."
        return DeliveryFailed(DeliveryFailure.UNCONFIRMED, text)


async def connect(endpoint: Endpoint, guard: AddressGuard) -> NatsPublisher:
    """Open a connection.

    Raises:
        DeliveryFailed: the server cannot be reached or refuses.
    """
    host, port = endpoint.get("host"), int(endpoint.get("port") or _PORT)
    encrypted = endpoint.get("tls") != "no"
    address = await permitted_address(guard, host, port, encrypted=encrypted)
    client = _Client()
    try:
        await client.connect(
            f"nats://{f'[{address}]' if ':' in address else address}:{port}",
            **_options(endpoint, client, encrypted=encrypted),
        )
        if encrypted:
            client.require_encryption()
    except (nats.errors.Error, OSError, TimeoutError) as error:
        await _let_go(client)
        raise _refused(endpoint, [*client.told, error]) from None
    return NatsPublisher(client, endpoint)


async def _let_go(client: Client) -> None:
    """Close a client; one whose TLS failed would wait for ever for the other side to say goodbye."""
    with suppress(nats.errors.Error, OSError, TimeoutError):
        await asyncio.wait_for(client.close(), 1)


def _options(endpoint: Endpoint, client: _Client, *, encrypted: bool) -> dict[str, Any]:
    def secret(name: str) -> str:
        if encrypted:
            client.require_encryption()
        return endpoint.secret(name)

    return {
        "error_cb": client.note,
        "closed_cb": client.end,
        "disconnected_cb": client.end,
        "name": "strata",
        # A broken connection is the sender's to make anew, to an address that was judged again.
        "allow_reconnect": False,
        "max_reconnect_attempts": 1,
        "reconnect_time_wait": 0,
        "connect_timeout": max(1, int(endpoint.timeout_seconds / 4)),
        "tls": tls_context(endpoint.get("ca_file")) if encrypted else None,
        "tls_hostname": endpoint.get("host") if encrypted else None,
        "user": endpoint.get("user") or None,
        "password": (lambda: secret("password")) if endpoint.secret("password") else None,
        "token": (lambda: secret("token")) if endpoint.secret("token") else None,
    }


def _refused(endpoint: Endpoint, errors: list[Exception]) -> DeliveryFailed:
    host = endpoint.get("host")
    for error in errors:
        if isinstance(error, ssl.SSLError):
            return tls_failed(host, error)
        if isinstance(error, nats.errors.AuthorizationError) or "authorization" in str(error).lower():
            return DeliveryFailed(
                DeliveryFailure.AUTHENTICATION, f"{host} refused the credentials.", "Check user, password and token."
            )
    faults = ", ".join(dict.fromkeys(type(error).__name__ for error in errors))
    return DeliveryFailed(DeliveryFailure.CONNECTION, f"{host} cannot be reached as NATS: {faults}.")


CHANNEL: Channel = BusChannel(
    scheme="nats",
    port=_PORT,
    topic="subject",
    connect=connect,
    settings={
        "token": ChannelSetting("A token, instead of user and password.", secret=True),
        "subject": ChannelSetting("The subject; a stream has to take it.", default="strata.{tenant}.{event}"),
    },
)
