"""Tries a registration by one real delivery, so that a wrong address or password is found while somebody looks."""

from __future__ import annotations

import asyncio
import json
import secrets
from datetime import UTC, datetime

from orchestration.delivery import registry
from orchestration.delivery.channels.channel import Message, Receipt, channel
from orchestration.delivery.registration import Registration
from orchestration.delivery.sealing import Seal
from orchestration.runtime import Runtime

EVENT = "strata.registration.test"


def try_out(runtime: Runtime, wish: Registration) -> Receipt:
    """Send a test event and return what came back.

    Raises:
        DeliveryFailed: the endpoint cannot be reached, may not be, or refused.
        SettingsError: a secret of the registration is not there.
    """
    endpoint = registry.resolve_endpoint(wish, Seal(runtime.settings, runtime.control))

    async def send() -> Receipt:
        sender = await channel(wish.channel).open(endpoint, runtime)
        try:
            return await sender.send(_message(wish))
        finally:
            await sender.close()

    return asyncio.run(send())


def _message(wish: Registration) -> Message:
    now, delivery_id = datetime.now(UTC), f"test_{secrets.token_hex(10)}"
    body = {
        "specversion": "1.0",
        "id": delivery_id,
        "source": f"/strata/{wish.tenant}",
        "type": f"{EVENT}.v1",
        "subject": wish.registration_id,
        "time": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"registration": wish.registration_id, "events": list(wish.events)},
    }
    return Message(
        delivery_id=delivery_id,
        tenant=wish.tenant,
        registration_id=wish.registration_id,
        event_type=EVENT,
        subject=wish.registration_id,
        occurred_at=now,
        attempt=1,
        content_type="application/cloudevents+json",
        extension="json",
        body=json.dumps(body).encode(),
        is_trial=True,
    )
