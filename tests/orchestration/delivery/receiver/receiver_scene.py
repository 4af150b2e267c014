"""A running ``strata receiver``, and the platform's own webhook channel that sends to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pydantic import SecretStr

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.channel import Endpoint, Message
from orchestration.delivery.channels.webhook.webhook_channel import open_webhook
from orchestration.delivery.failures import DeliveryFailed

STRATA = Path(sys.executable).with_name("strata")
MESSAGE = Message(
    delivery_id="msg_00000000000000000000000001",
    tenant="acme",
    registration_id="bi-usage",
    event_type="gold.table.updated.v1",
    subject="gold.license_usage",
    occurred_at=datetime(2026, 11, 1, tzinfo=UTC),
    attempt=1,
    content_type="application/cloudevents+json",
    extension="json",
    body=b'{"specversion":"1.0","type":"gold.table.updated.v1","subject":"gold.license_usage"}',
)


@dataclass
class Running:
    """The command, and what it has printed."""

    process: subprocess.Popen[str]
    url: str

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def arrival(self) -> Any:
        return json.loads(self.line())

    def end(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=20)
        return self.process.returncode, out


@contextmanager
def receiver(folder: Path, *options: str) -> Iterator[Running]:
    command = [str(STRATA), "receiver", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=folder, env=os.environ | {"COLUMNS": "200"}
    )
    try:
        assert process.stdout
        first = process.stdout.readline()
        url = json.loads(first)["listening"] if "--json" in options else first.split()[2].rstrip(";")
        yield Running(process, url)
    finally:
        process.kill()
        process.communicate()


def send(running: Running, key: str, message: Message = MESSAGE) -> int | None:
    """Send a message once and return the status that it was answered with."""
    endpoint = Endpoint(
        tenant="acme",
        registration_id="bi-usage",
        endpoint_id="e1",
        settings={"url": running.url + "hook"},
        timeout_seconds=10,
        secrets={"signing_key": SecretStr(key)},
    )

    async def run() -> int | None:
        way = open_webhook(endpoint, AddressGuard((ip_network("127.0.0.0/8"),)))
        try:
            return (await way.send(message)).status_code
        except DeliveryFailed as failed:
            return failed.status_code
        finally:
            await way.close()

    return asyncio.run(run())


def numbered(number: int) -> Message:
    return replace(MESSAGE, delivery_id=f"msg_{number:026}")
