"""Sends messages as files over one kept SFTP connection, many at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from msgspec import structs

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.channel import Endpoint, Message, Receipt
from orchestration.delivery.channels.given import words
from orchestration.delivery.channels.sftp import names
from orchestration.delivery.channels.sftp.connection import open_channel
from orchestration.delivery.channels.sftp.content import Content
from orchestration.delivery.channels.sftp.packets import Code, SftpRefused
from orchestration.delivery.channels.sftp.session import Session
from orchestration.delivery.channels.sftp.upload import NameTaken, NotWhole, Upload, says_full
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure

_HASHED = {"sha256", "manifest"}
_AT_ONCE = 64
"""Files under way on one connection: enough to hide its round trips, few enough to be fair to big ones."""


class SftpSender:
    """A kept connection to one server."""

    def __init__(self, endpoint: Endpoint, guard: AddressGuard) -> None:
        """Connect with the first message."""
        self._endpoint, self._guard = endpoint, guard
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._connecting = asyncio.Lock()
        self._session: Session | None = None

    async def send(self, message: Message) -> Receipt:
        """Upload a message and what belongs to it.

        Raises:
            DeliveryFailed: it is not on the server under its name.
        """
        async with self._slots, self._told(message) as session:
            wanted = words(self._endpoint.get("companions"))
            content = Content(message, self._endpoint.get("compression"), hashed=not _HASHED.isdisjoint(wanted))
            upload = self._upload(session, message)
            await upload.run(content)
            where = f"{upload.path}, {content.size:,} bytes{content.digest and f', sha256 {content.digest}'}"
            if message.is_trial:
                return Receipt(detail=where + await self._tidied(upload))
            for extension, body in companions(wanted, upload.name, message, content):
                beside = structs.replace(message, body=body, file=None)
                await replace(upload, name=upload.name + extension).run(Content(beside, "none"))
            return Receipt(detail=where)

    async def close(self) -> None:
        """Let the connection go."""
        if self._session:
            self._session.end(ConnectionError("the sender was closed"))
            self._session = None

    def _upload(self, session: Session, message: Message) -> Upload:
        template = "strata-trial-{delivery_id}.{extension}" if message.is_trial else self._endpoint.get("name")
        name = names.render(template or names.DEFAULT, message)
        if self._endpoint.get("compression") == "gzip":
            name += ".gz"
        return Upload(
            session,
            self._endpoint.get("folder"),
            name,
            message.delivery_id,
            message.attempt,
            flush=self._endpoint.get("flush") == "yes",
        )

    @staticmethod
    async def _tidied(upload: Upload) -> str:
        return "; removed again" if await upload.remove_final() else "; the server does not let it be removed"

    @asynccontextmanager
    async def _told(self, message: Message) -> AsyncIterator[Session]:
        """Yield the connection; what goes wrong with it becomes a failure that says what to do."""
        session = await self._connected()
        try:
            yield session
        except SftpRefused as error:
            raise self._refused(error) from None
        except (NotWhole, NameTaken) as error:
            kind = DeliveryFailure.SETTINGS if isinstance(error, NameTaken) else DeliveryFailure.STORAGE
            raise DeliveryFailed(kind, str(error), "Put {delivery_id} into the setting name.") from None
        except TimeoutError:
            raise DeliveryFailed(DeliveryFailure.TIMEOUT, f"{self._host} did not answer in time.") from None
        except ConnectionError as error:
            text = f"The connection to {self._host} broke: {error}."
            raise DeliveryFailed(DeliveryFailure.CONNECTION, text) from None
        except OSError as error:
            text = f"The file of delivery {message.delivery_id} cannot be read: {error.strerror}."
            raise DeliveryFailed(DeliveryFailure.PAYLOAD, text) from None

    async def _connected(self) -> Session:
        if self._session and self._session.is_alive:
            return self._session
        async with self._connecting:
            if self._session is None or not self._session.is_alive:
                channel = await asyncio.to_thread(open_channel, self._endpoint, self._guard)
                session = Session(channel, self._endpoint.timeout_seconds)
                try:
                    await session.begin()
                except (ConnectionError, TimeoutError) as error:
                    text = f"{self._host} offers no SFTP: {error}."
                    raise DeliveryFailed(DeliveryFailure.CONNECTION, text) from None
                self._session = session
            return self._session

    def _refused(self, error: SftpRefused) -> DeliveryFailed:
        folder = self._endpoint.get("folder") or "."
        said = error.text or f"status {error.code}"
        if full := says_full(error):
            text = f"{full} ({self._host}, folder {folder}; it said: {said})."
            return DeliveryFailed(DeliveryFailure.STORAGE, text, "Make room there; the delivery is tried again.")
        if error.code == Code.NO_SUCH_FILE:
            said = "there is no such folder"
        text = f"{self._host} does not let a file be written into folder {folder}: {said}."
        return DeliveryFailed(
            DeliveryFailure.STORAGE, text, "Check the setting folder, and the user's rights and quota there."
        )

    @property
    def _host(self) -> str:
        return self._endpoint.get("host")


def companions(chosen: list[str], name: str, message: Message, content: Content) -> list[tuple[str, bytes]]:
    """Return what is put beside a file, in the order in which it is: extension and text. The trigger comes last."""
    if not chosen:
        return []
    document = {
        "file": name,
        "bytes": content.size,
        "sha256": content.digest,
        "rows": message.rows,
        "content_type": message.content_type,
        "delivery_id": message.delivery_id,
        "event": message.event_type,
        "subject": message.subject,
        "sequence": message.sequence,
        "occurred_at": message.occurred_at.isoformat(),
    }
    bodies = {
        "sha256": (".sha256", f"{content.digest}  {name}\n".encode()),
        "manifest": (".manifest.json", json.dumps(document, indent=2).encode() + b"\n"),
        "trigger": (".done", b""),
    }
    return [made for word, made in bodies.items() if word in chosen]
