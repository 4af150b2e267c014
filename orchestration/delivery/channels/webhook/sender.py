"""Sends messages to one endpoint: a signature and a time of its own for each attempt, the same id for all of them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from orchestration.delivery.channels.channel import Message, Receipt
from orchestration.delivery.channels.webhook.answers import judge
from orchestration.delivery.channels.webhook.faults import explain
from orchestration.delivery.channels.webhook.headers import message_headers
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.delivery.signatures import Signer
from orchestration.delivery.time_limit import TimeLimit


@dataclass(frozen=True)
class Target:
    """Where messages go and how they are signed.

    ``secrets`` are those that every message carries, ``largest_body`` is in bytes.
    """

    url: URL = field(repr=False)
    signing: SigningKeys = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    largest_body: int
    timeout_seconds: float

    @property
    def host(self) -> str:
        """What is told of the address."""
        return self.url.host or ""


@dataclass(frozen=True)
class SigningKeys:
    """The signer of today, and the one that also signs with the key before until ``overlap_ends`` (seconds)."""

    current: Signer
    overlapping: Signer
    overlap_ends: float

    def at(self, now: float) -> Signer:
        """Return the signer of a moment."""
        return self.overlapping if now < self.overlap_ends else self.current


class WebhookSender:
    """An open way to one endpoint; its connections are kept between messages."""

    def __init__(self, target: Target, session: aiohttp.ClientSession) -> None:
        """Use a session that ``connections`` opened."""
        self._target, self._session = target, session
        self._limit = TimeLimit(target.timeout_seconds)

    async def send(self, message: Message) -> Receipt:
        """POST one message.

        Raises:
            DeliveryFailed: it was not answered with 2xx.
        """
        target = self._target
        self._require_fitting(message)
        body = await asyncio.to_thread(message.file.read_bytes) if message.file else message.body
        now = time.time()
        signature = target.signing.at(now).sign(message.delivery_id, int(now), body)
        headers = message_headers(message, int(now), signature)
        try:
            payload = aiohttp.BytesPayload(body)  # else its kind is looked up
            with self._limit:
                response = await self._session.post(target.url, data=payload, headers=headers, allow_redirects=False)
                try:
                    return await judge(response, target.host, target.secrets)
                finally:
                    response.release()
        except (aiohttp.ClientError, OSError) as error:
            raise explain(error, target.host, target.timeout_seconds) from None

    def _require_fitting(self, message: Message) -> None:
        size = message.file.stat().st_size if message.file else len(message.body)
        if size > self._target.largest_body:
            raise DeliveryFailed(
                DeliveryFailure.TOO_LARGE,
                f"The body has {size:,} bytes; {self._target.host} takes {self._target.largest_body:,}.",
                "Raise largest_body, narrow columns and rows, or register the payload `reference` or the channel sftp.",
            )

    async def close(self) -> None:
        """Let the connections go."""
        await self._session.close()
