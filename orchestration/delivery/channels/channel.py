"""What every way out has to offer, and the table of those there are.

A channel says which settings it takes and opens a sender for one endpoint; the sender
keeps its connection over many messages. To add one (Kafka, Azure Service Bus): a module
with a :class:`Channel`, and its line in :data:`CHANNELS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Protocol

import msgspec
from pydantic import SecretStr

from orchestration.failures import SettingsError
from orchestration.runtime import Runtime

CHANNELS = {
    "webhook": "orchestration.delivery.channels.webhook",
    "sftp": "orchestration.delivery.channels.sftp",
    "rabbitmq": "orchestration.delivery.channels.rabbitmq",
    "nats": "orchestration.delivery.channels.nats",
    "feed": "orchestration.delivery.channels.feed",
    "job": "orchestration.delivery.channels.job",
}
"""Modules, each with a ``CHANNEL``; imported when a registration uses them."""


@dataclass(frozen=True)
class ChannelSetting:
    """A setting of a channel.

    ``made`` marks a secret that the platform makes when none is given (a signing key), ``internal`` what it alone
    sets, ``is_file`` the path of a file on the worker's machine.
    """

    description: str
    required: bool = False
    secret: bool = False
    made: bool = False
    default: str = ""
    example: str = ""
    is_file: bool = False
    internal: bool = False


@dataclass(frozen=True)
class Endpoint:
    """Where one registration's messages go; ``settings`` are plain texts, ``secrets`` are resolved."""

    tenant: str
    registration_id: str
    endpoint_id: str
    settings: Mapping[str, str]
    timeout_seconds: float
    secrets: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)

    def get(self, name: str) -> str:
        """Return a setting; empty when it is not given."""
        return self.settings.get(name, "")

    def secret(self, name: str) -> str:
        """Return a secret's value; empty when it is not given."""
        found = self.secrets.get(name)
        return found.get_secret_value() if found else ""


@dataclass(frozen=True)
class MadeSecret:
    """A secret that the platform made: the value to keep, and what the consumer is shown of it, once."""

    value: SecretStr
    shown: SecretStr


class Message(msgspec.Struct, frozen=True, gc=False):
    """What is sent: a body in memory, or a file where it may be large; one of the two.

    ``delivery_id`` is the same on every attempt: receivers tell repetitions by it. ``sequence`` rises within a
    table. ``extension`` is that of a file which holds it (``json``, ``csv`` …), ``rows`` counts rows, if it has some.
    """

    delivery_id: str
    tenant: str
    registration_id: str
    event_type: str
    subject: str
    occurred_at: datetime
    attempt: int
    content_type: str
    extension: str
    sequence: int = 0
    rows: int | None = None
    body: bytes = b""
    file: Path | None = None
    traceparent: str = ""
    is_trial: bool = False


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What came back of an attempt that went well; ``answer`` is its beginning, ``detail`` is for people."""

    status_code: int | None = None
    answer: str = ""
    detail: str = ""


class Sender(Protocol):
    """An open way to one endpoint. It is used by many messages at once and closed when it has been idle."""

    async def send(self, message: Message) -> Receipt:
        """Send a message; return when the other side has confirmed it.

        Raises:
            DeliveryFailed: it was not confirmed.
        """
        ...

    async def close(self) -> None:
        """Let the connection go."""
        ...


class Channel(Protocol):
    """A way out."""

    settings: Mapping[str, ChannelSetting]
    payloads: frozenset[str]
    """The payloads it can carry: reference, changes, snapshot."""

    def address(self, settings: Mapping[str, str]) -> str:
        """Return what tells endpoints apart, without secrets (scheme, host, port, path)."""
        ...

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse settings that can never work; touches no network.

        Raises:
            SettingsError: names the setting and what to write instead.
        """
        ...

    def make(self, name: str, settings: Mapping[str, str]) -> MadeSecret:
        """Make a new value for a setting that is ``made``, such as a signing key; ``settings`` are the plain ones."""
        ...

    async def open(self, endpoint: Endpoint, runtime: Runtime) -> Sender:
        """Return a sender; it may connect here or with its first message.

        Raises:
            DeliveryFailed: the endpoint cannot be reached, or may not be.
        """
        ...


def channel(name: str) -> Channel:
    """Return a channel.

    Raises:
        SettingsError: there is none of that name.
    """
    if name not in CHANNELS:
        raise SettingsError(f"There is no channel {name!r}.", f"There are: {', '.join(CHANNELS)}.")
    found: Channel = import_module(CHANNELS[name]).CHANNEL
    return found
