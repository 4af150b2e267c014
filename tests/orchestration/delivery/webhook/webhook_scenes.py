"""A receiver that answers by a script, and a sender for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from ssl import SSLContext
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace
from pydantic import SecretStr

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.channel import Endpoint, Message, Receipt
from orchestration.delivery.channels.webhook.sender import WebhookSender
from orchestration.delivery.channels.webhook.webhook_channel import open_webhook
from orchestration.delivery.failures import DeliveryFailed

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA"
LOOPBACK = AddressGuard((ip_network("127.0.0.0/8"), ip_network("::1/128")))

MESSAGE = Message(
    delivery_id="msg_00000000000000000000000001",
    tenant="acme",
    registration_id="bi-usage",
    event_type="gold.table.updated.v1",
    subject="gold.license_usage",
    occurred_at=datetime(2026, 11, 1, 6, 0, tzinfo=UTC),
    attempt=1,
    content_type="application/cloudevents+json",
    extension="json",
    body=b'{"specversion":"1.0"}',
)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Arrival:
    """What arrived: headers by lower-case names."""

    headers: dict[str, str]
    body: bytes
    peer: Any


@dataclass
class Receiver:
    """A running receiver and what it got."""

    url: str
    arrivals: list[Arrival] = field(default_factory=list)


@asynccontextmanager
async def receiving(answer: Answer | int = 204, tls: SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Serve on an ephemeral port; ``answer`` is a status or a handler that is called when the body has been read."""
    receiver = Receiver("")

    async def arrive(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        receiver.arrivals.append(
            Arrival(headers, body, request.transport and request.transport.get_extra_info("peername"))
        )
        return web.Response(status=answer) if isinstance(answer, int) else await answer(request)

    app = web.Application(client_max_size=10**8)
    app.router.add_route("*", "/{path:.*}", arrive)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"https://localhost:{port}/hook" if tls else f"http://127.0.0.1:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def endpoint(url: str, *, key: str = KEY, timeout_seconds: float = 5, **settings: str) -> Endpoint:
    secrets = {
        name: settings.pop(name) for name in ("previous_signing_key", "authorization", "token") if name in settings
    }
    return Endpoint(
        tenant="acme",
        registration_id="bi-usage",
        endpoint_id="e1",
        settings={"url": url, **settings},
        timeout_seconds=timeout_seconds,
        secrets={name: SecretStr(value) for name, value in {"signing_key": key, **secrets}.items()},
    )


@asynccontextmanager
async def sending(
    url: str, guard: AddressGuard = LOOPBACK, resolver: Any = None, **settings: Any
) -> AsyncIterator[WebhookSender]:
    sender = open_webhook(endpoint(url, **settings), guard, resolver)
    try:
        yield sender
    finally:
        await sender.close()


def deliver(answer: Answer | int = 204, message: Message = MESSAGE, **settings: Any) -> tuple[Receipt, Receiver]:
    """Send one message to a receiver of its own."""

    async def run() -> tuple[Receipt, Receiver]:
        async with receiving(answer) as receiver, sending(receiver.url, **settings) as sender:
            return await sender.send(message), receiver

    return asyncio.run(run())


def refused(answer: Answer | int = 204, message: Message = MESSAGE, **settings: Any) -> DeliveryFailed:
    """Send one message that fails, and return how."""
    with pytest.raises(DeliveryFailed) as caught:
        deliver(answer, message, **settings)
    return caught.value


def numbered(number: int) -> Message:
    return replace(MESSAGE, delivery_id=f"msg_{number:026}")
