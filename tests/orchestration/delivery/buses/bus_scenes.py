"""Ways to the tests' brokers, and messages for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from pydantic import SecretStr

from orchestration.delivery.channels.bus import BusChannel, BusSender
from orchestration.delivery.channels.channel import Endpoint, Message, channel
from orchestration.runtime import Runtime
from orchestration.settings import load_settings

from .bus_servers import PASSWORD, USER


def endpoint(name: str, port: int, *, timeout: float = 10, password: str = PASSWORD, **settings: str) -> Endpoint:
    plain = {"host": "127.0.0.1", "port": str(port), "tls": "no", "user": USER, **settings}
    channel(name).check(plain)
    return Endpoint("acme", "bi", "e1", plain, timeout, {"password": SecretStr(password)})


@asynccontextmanager
async def opened(name: str, to: Endpoint, networks: str = "127.0.0.0/8") -> AsyncIterator[BusSender]:
    runtime = SimpleNamespace(settings=load_settings(delivery_allowed_networks=networks))
    sender = await cast("BusChannel", channel(name)).open(to, cast("Runtime", runtime))
    try:
        yield sender
    finally:
        await sender.close()


def message(number: int = 1, **changed: Any) -> Message:
    values: dict[str, Any] = {
        "delivery_id": f"msg_{number:026d}",
        "tenant": "acme",
        "registration_id": "bi",
        "event_type": "gold.rows.changed.v1",
        "subject": "gold.license_usage",
        "occurred_at": datetime(2026, 11, 21, 6, 30, tzinfo=UTC),
        "attempt": 1,
        "content_type": "text/csv",
        "extension": "csv",
        "sequence": number,
        "body": b"id\n%d\n" % number,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        **changed,
    }
    return Message(**values)
