"""An SFTP session over a paramiko channel, with many requests under way at once.

paramiko's own client waits for each answer before the next request, which makes many small
files a matter of round trips (0020). Here a request is a future: a thread writes whatever has
gathered, and the event loop is woken once for all answers that have come.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

import paramiko

from orchestration.delivery.channels.sftp import packets
from orchestration.delivery.channels.sftp.packets import Flag, Kind

CHUNK = 32 * 1024
"""Bytes in one read or write: what every server takes."""
_LARGEST_WRITE = 256 * 1024
"""Where the server takes more; beyond this nothing is gained."""
_RECEIVE = 256 * 1024
_Answer = tuple[int, bytes]


class Session:
    """Requests to one server; it belongs to the event loop that opened it."""

    def __init__(self, channel: paramiko.Channel, timeout_seconds: float) -> None:
        """Begin to read and write; the channel's subsystem is ``sftp``."""
        self.extensions: frozenset[str] = frozenset()
        self.most_written = CHUNK
        self._channel, self._timeout = channel, timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, asyncio.Future[_Answer]] = {}
        self._waiting_since = monotonic()
        self._outgoing: SimpleQueue[bytes] = SimpleQueue()
        # The answer to INIT carries the version where others carry their number.
        self._number = packets.VERSION
        self._broken: Exception | None = None
        self._incoming = bytearray()
        channel.settimeout(timeout_seconds)
        self._readable: int | None = channel.fileno()
        self._loop.add_reader(channel.fileno(), self._receive)
        self._watch = self._loop.call_later(timeout_seconds / 2, self._look)
        Thread(target=self._write, name="sftp", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether requests may still be answered."""
        return self._broken is None

    async def begin(self) -> None:
        """Agree on the version; learn what the server offers and takes."""
        answer = self._expect(packets.VERSION)
        self._outgoing.put(packets.packet(Kind.INIT, packets.VERSION))
        _, body = await answer
        self.extensions = packets.extensions(body)
        if packets.LIMITS in self.extensions:
            limits = await self._answer(Kind.EXTENDED_REPLY, self.request(Kind.EXTENDED, packets.text(packets.LIMITS)))
            self.most_written = min(max(packets.most_written(limits), CHUNK), _LARGEST_WRITE)

    def request(self, kind: Kind, *parts: bytes) -> asyncio.Future[_Answer]:
        """Send a request; what is returned becomes its answer, or the exception that ended the session."""
        self._number = (self._number + 1) & 0xFFFFFFFF
        answer = self._expect(self._number)
        self._outgoing.put(packets.packet(kind, self._number, *parts))
        return answer

    async def open(self, path: str, flags: Flag) -> bytes:
        """Open a file and return its handle."""
        body = await self._answer(
            Kind.HANDLE, self.request(Kind.OPEN, packets.text(path), struct.pack(">II", flags, 0))
        )
        return packets.first_text(body)

    def write(self, handle: bytes, offset: int, data: bytes | memoryview) -> asyncio.Future[_Answer]:
        """Begin to write at most ``most_written`` bytes; :meth:`done` waits for it."""
        return self.request(Kind.WRITE, packets.text(handle), struct.pack(">Q", offset), packets.text(bytes(data)))

    async def read(self, handle: bytes, offset: int, count: int) -> bytes:
        """Return bytes of a file; fewer, where the server gives fewer."""
        request = self.request(Kind.READ, packets.text(handle), struct.pack(">QI", offset, count))
        return packets.first_text(await self._answer(Kind.DATA, request))

    async def done(self, request: asyncio.Future[_Answer]) -> None:
        """Wait until a request that has only a status is done."""
        await self._answer(Kind.STATUS, request)

    async def size(self, request: asyncio.Future[_Answer]) -> int:
        """Return the size that a request for attributes brings."""
        return packets.size_of(await self._answer(Kind.ATTRS, request))

    async def free_bytes(self, path: str) -> int | None:
        """Return the bytes that are free where a path is; ``None`` when the server does not say."""
        if packets.STATVFS not in self.extensions:
            return None
        request = self.request(Kind.EXTENDED, packets.text(packets.STATVFS), packets.text(path))
        return packets.free_bytes(await self._answer(Kind.EXTENDED_REPLY, request))

    def end(self, reason: Exception) -> None:
        """End the session; whoever waits is told the reason. Callable from any thread."""
        if self._broken is None:
            self._broken = reason
        self._outgoing.put(b"")
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._fail)

    @staticmethod
    async def _answer(expected: Kind, request: asyncio.Future[_Answer]) -> bytes:
        kind, body = await request
        if kind == Kind.STATUS:
            packets.raise_status(body)
        if kind != expected:
            raise ConnectionError(f"the server answered with a packet of type {kind} instead of {expected}")
        return body

    def _expect(self, number: int) -> asyncio.Future[_Answer]:
        if self._broken:
            raise self._broken
        if not self._waiting:
            self._waiting_since = monotonic()
        answer = self._waiting[number] = self._loop.create_future()
        return answer

    def _receive(self) -> None:
        """Take what has come; the channel's file says that there is something, or that there will be nothing more."""
        channel = self._channel
        if not (channel.recv_ready() or channel.eof_received or channel.closed):
            return
        received = channel.recv(_RECEIVE)
        if not received:
            self.end(ConnectionError("the server closed the session"))
            return
        self._incoming += received
        self._waiting_since = monotonic()
        for kind, number, body in packets.packets(self._incoming):
            answer = self._waiting.pop(number, None)
            if answer and not answer.done():
                answer.set_result((kind, body))

    def _look(self) -> None:
        """Give up when something is asked and nothing has come for the timeout."""
        if self._waiting and monotonic() - self._waiting_since >= self._timeout:
            self.end(TimeoutError("the server did not answer in time"))
            return
        self._watch = self._loop.call_later(self._timeout / 2, self._look)

    def _fail(self) -> None:
        if self._readable is None:
            return
        self._loop.remove_reader(self._readable)
        self._readable = None
        self._watch.cancel()
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(self._broken or ConnectionError("the session is closed"))
                answer.exception()  # whoever waited may have gone: nobody has to look at it

    def _write(self) -> None:
        try:
            while gathered := self._gathered():
                self._channel.sendall(gathered)
        except (OSError, EOFError, paramiko.SSHException) as error:
            self.end(_as_told(error))
        finally:
            self._channel.get_transport().close()  # waits for its thread, for which the event loop has no time

    def _gathered(self) -> bytes:
        """Return what is to be sent; empty when the session has ended."""
        parts = [self._outgoing.get()]
        size = len(parts[0])
        while parts[-1] and size < _RECEIVE:
            try:
                parts.append(self._outgoing.get_nowait())
            except Empty:
                break
            size += len(parts[-1])
        return b"" if self._broken else b"".join(parts)


def _as_told(error: Exception) -> Exception:
    if isinstance(error, TimeoutError):
        return TimeoutError("the server did not answer in time")
    return ConnectionError(str(error) or "the connection broke")
