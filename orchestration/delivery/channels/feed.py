"""The feed channel: messages become numbered entries in the control plane, which the consumer reads when it likes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

import msgspec

from orchestration.delivery.channels.attributes import ENVELOPE, attributes
from orchestration.delivery.channels.channel import Channel, ChannelSetting, Endpoint, Message, Receipt
from orchestration.delivery.channels.given import NothingMade
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.delivery.feed import append, drop_old
from orchestration.delivery.queue.clock import database_now
from orchestration.failures import SettingsError
from orchestration.runtime import Runtime

LARGEST_DOCUMENT = 1_000_000
"""Bytes of one entry: a database's row is no place for a table."""
_DEFAULT_DAYS = "30"
_Waiting = tuple[str, str, "asyncio.Future[int]"]


class FeedSender:
    """Writes entries; what is sent while a transaction is under way goes together into the next."""

    def __init__(self, endpoint: Endpoint, runtime: Runtime) -> None:
        """Write nothing yet."""
        self._place = endpoint.tenant, endpoint.registration_id
        self._days = int(endpoint.get("keep_days") or _DEFAULT_DAYS)
        self._control = runtime.control
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def send(self, message: Message) -> Receipt:
        """Write an entry, or find the one that an attempt before has written.

        Raises:
            DeliveryFailed: the message is too large for an entry.
            StrataError: the control plane refused.
        """
        entry = await asyncio.to_thread(document, message) if message.file else document(message)
        if message.is_trial:
            return Receipt(detail="Entries are kept in the control plane; read them: strata feed read")
        written: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((message.delivery_id, entry, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return Receipt(detail=f"position {await written}")

    async def close(self) -> None:
        """Finish what is being written."""
        if self._writing:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                positions = await asyncio.to_thread(self._append, [item[:2] for item in taken])
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait, and the next may go well
                _end(taken, error)
            else:
                for delivery_id, _, written in taken:
                    if not written.done():
                        written.set_result(positions[delivery_id])

    def _append(self, documents: list[tuple[str, str]]) -> dict[str, int]:
        with self._control.transaction("delivery") as connection:
            now = database_now(connection)
            positions = append(connection, now, self._place, documents)
            drop_old(connection, now, self._place, self._days)
        return positions


def _end(waiting: list[_Waiting], error: Exception) -> None:
    for _, _, written in waiting:
        if not written.done():
            written.set_exception(error)


def document(message: Message) -> str:
    """Return a message as a CloudEvents envelope in JSON; what is no JSON becomes its ``data`` or ``data_base64``.

    Raises:
        DeliveryFailed: it is too large.
    """
    size = message.file.stat().st_size if message.file else len(message.body)
    if size > LARGEST_DOCUMENT:
        text = f"The message has {size:,} bytes; an entry of a feed holds {LARGEST_DOCUMENT:,} at most."
        remedy = "Register the payload `reference` and read the table, narrow columns and rows, or use sftp."
        raise DeliveryFailed(DeliveryFailure.TOO_LARGE, text, remedy)
    body = message.file.read_bytes() if message.file else message.body
    if message.content_type.startswith(ENVELOPE):
        return body.decode()
    try:
        content = {"data": body.decode()}
    except UnicodeDecodeError:
        content = {"data_base64": base64.b64encode(body).decode()}
    return msgspec.json.encode(attributes(message) | {"datacontenttype": message.content_type} | content).decode()


class FeedChannel(NothingMade):
    """A feed in the control plane."""

    payloads = frozenset({"reference", "changes", "snapshot"})
    settings: Mapping[str, ChannelSetting] = {
        "keep_days": ChannelSetting("How long entries are kept.", default=_DEFAULT_DAYS, example="90"),
    }

    def address(self, settings: Mapping[str, str]) -> str:  # noqa: ARG002 - one place for all
        """Return where feeds are: they share the control plane's fate."""
        return "feed:"

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse what is no number of days.

        Raises:
            SettingsError: says what it is.
        """
        days = settings.get("keep_days") or _DEFAULT_DAYS
        if not (days.isascii() and days.isdigit() and 1 <= int(days) <= 3650):
            raise SettingsError(f"The setting keep_days is {days!r}.", "Write a number of days from 1 to 3650.")

    async def open(self, endpoint: Endpoint, runtime: Runtime) -> FeedSender:
        """Return a sender."""
        return FeedSender(endpoint, runtime)


CHANNEL: Channel = FeedChannel()
