"""RabbitMQ: persistent messages with publisher confirms, refused when no queue would take them."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any

import aio_pika
from aio_pika import exceptions
from aio_pika.abc import AbstractChannel, AbstractExchange
from aio_pika.connection import Connection, make_url
from aiormq.connection import TransportFactory
from aiormq.exceptions import ChannelAccessRefused, ConnectionNotAllowed
from yarl import URL

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.attributes import attributes
from orchestration.delivery.channels.bus import BusChannel, headers_of
from orchestration.delivery.channels.channel import Channel, ChannelSetting, Endpoint, Message
from orchestration.delivery.channels.network import permitted_address, tls_context, tls_failed
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

_PORT = 5671
_PREFIX = "cloudEvents:"
# A refused virtual host ends the opening with a frame that aiormq expects there least of all.
_NOT_THERE = (
    ConnectionNotAllowed,
    ChannelAccessRefused,
    exceptions.ChannelNotFoundEntity,
    exceptions.InvalidFrameError,
)


class _Dialing(TransportFactory):
    """Connects to an address that was judged, while the certificate is checked against the host's name."""

    def __init__(self, endpoint: Endpoint, guard: AddressGuard) -> None:
        self._endpoint, self._guard = endpoint, guard

    async def create(self, url: URL, **_: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:  # noqa: ANN401 - aiormq's own signature
        host, port = self._endpoint.get("host"), url.port or _PORT
        encrypted = self._endpoint.get("tls") != "no"
        address = await permitted_address(self._guard, host, port, encrypted=encrypted)
        context = tls_context(self._endpoint.get("ca_file")) if encrypted else None
        return await asyncio.open_connection(address, port, ssl=context, server_hostname=host if encrypted else None)


class RabbitPublisher:
    """A connection with one channel, on which every message is confirmed."""

    def __init__(self, channel: AbstractChannel, exchange: AbstractExchange, connection: Connection, host: str) -> None:
        """Publish to an exchange that is there."""
        self._channel, self._exchange, self._connection, self._host = channel, exchange, connection, host

    @property
    def is_alive(self) -> bool:
        """Whether connection and channel are open."""
        return not self._connection.is_closed and not self._channel.is_closed

    async def publish(self, topic: str, body: bytes, message: Message) -> str:
        """Publish under a routing key; the message's id is that of the delivery.

        Raises:
            DeliveryFailed: the server has not confirmed it.
        """
        told = {f"{_PREFIX}{name}": value for name, value in attributes(message).items()}
        letter = aio_pika.Message(
            body,
            headers=dict(headers_of(message, told)),
            content_type=message.content_type,
            message_id=message.delivery_id,
            type=message.event_type,
            timestamp=message.occurred_at,
            app_id="strata",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        try:
            await self._exchange.publish(letter, topic, mandatory=True)
        except (exceptions.AMQPError, OSError, RuntimeError) as error:
            raise self._unconfirmed(error, topic) from None
        return f"exchange {self._exchange.name or '(default)'}, routing key {topic}"

    async def close(self) -> None:
        """Let the connection go."""
        with suppress(exceptions.AMQPError, OSError, RuntimeError):
            await self._connection.close()

    def _unconfirmed(self, error: Exception, topic: str) -> DeliveryFailed:
        if isinstance(error, ChannelAccessRefused):
            text = f"{self._host}: this user may not write to exchange {self._exchange.name!r}."
            return DeliveryFailed(DeliveryFailure.AUTHENTICATION, text, "Grant it `write` there.")
        if isinstance(error, exceptions.PublishError):
            text = f"{self._host}: no queue takes routing key {topic!r} at exchange {self._exchange.name!r}."
            return DeliveryFailed(DeliveryFailure.UNCONFIRMED, text, "Bind a queue, or mend exchange and routing_key.")
        if isinstance(error, exceptions.DeliveryError):
            text = f"{self._host} refused the message for routing key {topic!r}; a queue may be full."
            return DeliveryFailed(DeliveryFailure.UNCONFIRMED, text)
        text = f"{self._host} went away before it confirmed ({type(error).__name__}); the message may have arrived."
        return DeliveryFailed(DeliveryFailure.UNCONFIRMED, text)


async def connect(endpoint: Endpoint, guard: AddressGuard) -> RabbitPublisher:
    """Open a connection and look for the exchange.

    Raises:
        DeliveryFailed: the server cannot be reached or refuses, or the exchange is not there.
    """
    host = endpoint.get("host")
    try:
        return await _opened(endpoint, guard)
    except ssl.SSLError as error:
        raise tls_failed(host, error) from None
    except (exceptions.ProbableAuthenticationError, exceptions.AuthenticationError):
        text = f"{host} refused the credentials of user {endpoint.get('user')!r}."
        raise DeliveryFailed(DeliveryFailure.AUTHENTICATION, text, "Check user and password.") from None
    except _NOT_THERE:
        text = f"{host} has no virtual host {_virtual_host(endpoint)!r} for this user"
        text += f", or no exchange {endpoint.get('exchange')!r} in it." if endpoint.get("exchange") else "."
        remedy = "Declare the exchange, grant the user its rights, or mend virtual_host and exchange."
        raise DeliveryFailed(DeliveryFailure.UNCONFIRMED, text, remedy) from None
    except (exceptions.AMQPError, OSError, RuntimeError) as error:
        text = f"{host} cannot be reached as RabbitMQ: {type(error).__name__}."
        raise DeliveryFailed(DeliveryFailure.CONNECTION, text) from None


async def _opened(endpoint: Endpoint, guard: AddressGuard) -> RabbitPublisher:
    url = make_url(
        host=endpoint.get("host"),
        port=int(endpoint.get("port") or _PORT),
        login=endpoint.get("user") or "guest",
        password=endpoint.secret("password"),
        virtualhost=_virtual_host(endpoint),
    )
    connection = Connection(url)
    connection.kwargs["transport_factory"] = _Dialing(endpoint, guard)
    try:
        await connection.connect(timeout=endpoint.timeout_seconds)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        name = endpoint.get("exchange")
        exchange = await channel.get_exchange(name, ensure=True) if name else channel.default_exchange
    except BaseException:
        with suppress(exceptions.AMQPError, OSError, RuntimeError):
            await connection.close()
        raise
    return RabbitPublisher(channel, exchange, connection, endpoint.get("host"))


def _virtual_host(endpoint: Endpoint) -> str:
    return endpoint.get("virtual_host") or "/"


CHANNEL: Channel = BusChannel(
    scheme="amqp",
    port=_PORT,
    topic="routing_key",
    connect=connect,
    settings={
        "virtual_host": ChannelSetting("The virtual host.", default="/"),
        "exchange": ChannelSetting("The exchange; empty: the default one, whose routing keys are queues."),
        "routing_key": ChannelSetting("The routing key.", default="strata.{tenant}.{event}", example="strata.usage"),
    },
)
