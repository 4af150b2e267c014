"""Message buses: what each of them has to offer (:class:`Publisher`), and the one sender and channel over it.

A bus that joins (Kafka, Azure Service Bus) is a module with a function that connects and a
:class:`BusChannel`; everything else, from the topic's name to a broken connection, is here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from string import Formatter
from typing import Protocol

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.attributes import ENVELOPE
from orchestration.delivery.channels.channel import ChannelSetting, Endpoint, Message, Receipt
from orchestration.delivery.channels.given import NothingMade, require_host, require_port, require_words
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.failures import SettingsError
from orchestration.runtime import Runtime

PLACEHOLDERS = ("tenant", "registration", "event", "subject")
LARGEST_BODY = 1_000_000
"""Bytes: what NATS takes unless it is told otherwise, and about what queues are made for."""
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


class Publisher(Protocol):
    """An open connection to a bus."""

    @property
    def is_alive(self) -> bool:
        """Whether the next message can go over it."""
        ...

    async def publish(self, topic: str, body: bytes, message: Message) -> str:
        """Return in words where the bus has put a message, once it has confirmed that it keeps it.

        Raises:
            DeliveryFailed: it did not.
        """
        ...

    async def close(self) -> None:
        """Let the connection go."""
        ...


Connect = Callable[[Endpoint, AddressGuard], Awaitable[Publisher]]

COMMON: Mapping[str, ChannelSetting] = {
    "host": ChannelSetting("The server.", required=True, example="bus.example.com"),
    "tls": ChannelSetting("yes, or no inside an allowed network.", default="yes"),
    "ca_file": ChannelSetting("PEM file of the authority that the server's certificate is from.", is_file=True),
    "user": ChannelSetting("Who logs in.", example="strata"),
    "password": ChannelSetting("The password.", secret=True, example="env:BUS_PASSWORD"),
}


class BusSender:
    """A kept connection to a bus, made anew when it broke."""

    def __init__(self, endpoint: Endpoint, connect: Callable[[], Awaitable[Publisher]], topic: str) -> None:
        """Connect with the first message; ``topic`` is a template."""
        self._endpoint, self._connect, self._topic = endpoint, connect, topic
        self._connecting = asyncio.Lock()
        self._publisher: Publisher | None = None

    async def send(self, message: Message) -> Receipt:
        """Publish a message; return when the bus has confirmed it.

        Raises:
            DeliveryFailed: it was not confirmed.
        """
        body = await self._body(message)
        host, limit = self._endpoint.get("host"), self._endpoint.timeout_seconds
        try:
            async with asyncio.timeout(limit):
                publisher = await self._connected()
                return Receipt(detail=await publisher.publish(topic_of(self._topic, message), body, message))
        except TimeoutError:
            text = f"{host} did not confirm within {limit:g} s; it may take no messages now."
            raise DeliveryFailed(DeliveryFailure.TIMEOUT, text) from None

    async def close(self) -> None:
        """Let the connection go."""
        publisher, self._publisher = self._publisher, None
        if publisher:
            await publisher.close()

    async def _connected(self) -> Publisher:
        async with self._connecting:
            if self._publisher is None or not self._publisher.is_alive:
                await self.close()
                self._publisher = await self._connect()
            return self._publisher

    @staticmethod
    async def _body(message: Message) -> bytes:
        size = message.file.stat().st_size if message.file else len(message.body)
        if size > LARGEST_BODY:
            text = f"The body has {size:,} bytes; message buses are sent {LARGEST_BODY:,} at most."
            remedy = "Register the payload `reference`, narrow columns and rows, or use the channel sftp."
            raise DeliveryFailed(DeliveryFailure.TOO_LARGE, text, remedy)
        return await asyncio.to_thread(message.file.read_bytes) if message.file else message.body


class BusChannel(NothingMade):
    """A bus as a channel; ``topic`` is the name of the setting that holds the template of a message's topic."""

    payloads = frozenset({"reference", "changes", "snapshot"})

    def __init__(
        self, scheme: str, port: int, topic: str, connect: Connect, settings: Mapping[str, ChannelSetting]
    ) -> None:
        """Describe the bus; ``settings`` are those beside :data:`COMMON`."""
        port_setting = ChannelSetting("Its port.", default=str(port))
        self.settings: Mapping[str, ChannelSetting] = {**COMMON, "port": port_setting, **settings}
        self._scheme, self._port, self._topic, self._connect = scheme, port, topic, connect

    def address(self, settings: Mapping[str, str]) -> str:
        """Return scheme, host and port."""
        return f"{self._scheme}://{settings.get('host', '')}:{settings.get('port') or self._port}"

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse settings that can never work.

        Raises:
            SettingsError: names the setting and what to write instead.
        """
        require_host(settings.get("host", ""))
        require_port(settings.get("port") or str(self._port))
        require_words("tls", [settings.get("tls") or "yes"], ("yes", "no"))
        _check_topic(self._topic, settings.get(self._topic) or self.settings[self._topic].default)

    async def open(self, endpoint: Endpoint, runtime: Runtime) -> BusSender:
        """Return a sender that connects with its first message."""
        guard = AddressGuard.of(runtime.settings)
        template = endpoint.get(self._topic) or self.settings[self._topic].default
        return BusSender(endpoint, lambda: self._connect(endpoint, guard), template)


def topic_of(template: str, message: Message) -> str:
    """Return a message's topic; what could be a wildcard or a separator of another kind becomes ``_``."""
    values = {
        "tenant": message.tenant,
        "registration": message.registration_id,
        "event": message.event_type,
        "subject": message.subject,
    }
    return template.format_map({name: _UNFIT.sub("_", value) for name, value in values.items()})


def headers_of(message: Message, told: Mapping[str, str]) -> dict[str, str]:
    """Return a message's headers; ``told`` are the event's attributes, for a body that is no envelope with them."""
    headers = {"content-type": message.content_type, "strata-delivery-id": message.delivery_id}
    if message.traceparent:
        headers["traceparent"] = message.traceparent
    if message.is_trial:
        headers["strata-trial"] = "yes"
    return headers if message.content_type.startswith(ENVELOPE) else {**headers, **told}


def _check_topic(name: str, template: str) -> None:
    known = ", ".join(f"{{{item}}}" for item in PLACEHOLDERS)
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise SettingsError(f"The setting {name} cannot be read: {error}.", f"Placeholders: {known}.") from None
    for literal, field, layout, conversion in parts:
        if field is not None and (field not in PLACEHOLDERS or layout or conversion):
            raise SettingsError(f"The setting {name} has {{{field}}}.", f"Placeholders: {known}.")
        if any(letter in "*>#" or letter <= " " for letter in literal):
            raise SettingsError(f"The setting {name} has a wildcard or a space.", "Name one topic.")
