"""Puts one file on a server so that its final name shows the whole file or nothing.

It is written under a hidden name, its size is compared, and only then is it renamed. The
hidden name carries the attempt's number: the next attempt takes over what the last one left, by renaming
it, so that a worker that was thought dead cannot touch the file of the one that followed. What was
taken over is read back and compared before it is built upon.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from orchestration.delivery.channels.sftp import packets
from orchestration.delivery.channels.sftp.content import Content
from orchestration.delivery.channels.sftp.packets import Code, Flag, Kind, SftpRefused
from orchestration.delivery.channels.sftp.session import CHUNK, Session

_UNDER_WAY = 4 * 1024 * 1024
"""Bytes written without an answer: twice the window that OpenSSH gives, so that it is always full."""


class NotWhole(Exception):
    """The server holds another number of bytes than it confirmed."""


class NameTaken(Exception):
    """Another file has the final name, and the server cannot replace files."""


@dataclass(frozen=True)
class Upload:
    """A file on its way to ``folder/name``; ``attempt`` counts from 1."""

    session: Session
    folder: str
    name: str
    delivery_id: str
    attempt: int = 1
    flush: bool = False

    @property
    def path(self) -> str:
        """Where the file will be."""
        return _below(self.folder, self.name)

    def part(self, attempt: int) -> str:
        """Where it is until it is whole."""
        return _below(self.folder, f".{self.name}.{self.delivery_id[-26:]}.{attempt}.part")

    async def run(self, content: Content) -> None:
        """Upload and publish; what was written is left for the next attempt when the connection breaks.

        Raises:
            SftpRefused: the server refuses; what was written is removed.
            NotWhole: sizes differ.
            NameTaken: see there.
            ConnectionError, TimeoutError: the session ended.
        """
        try:
            await self._write(content)
            await self._publish(content.size)
        except (SftpRefused, NotWhole, NameTaken) as error:
            if isinstance(error, SftpRefused):
                error.free = await self._free()  # before there is room again
            await self._remove()
            raise

    async def _write(self, content: Content) -> None:
        part = self.part(self.attempt)
        handle, have = await self._take_over(part)
        if handle is None:
            handle, have = await self.session.open(part, Flag.WRITE | Flag.CREATE | Flag.TRUNCATE), 0
        try:
            answers = await _Filling(self.session, handle).fill(content, have)
        except BaseException:
            # An open file keeps its room, and its number is taken. The answer is of no interest.
            with suppress(OSError):
                self.session.request(Kind.CLOSE, packets.text(handle))
            raise
        if self.flush and packets.FSYNC in self.session.extensions:
            fsync = self.session.request(Kind.EXTENDED, packets.text(packets.FSYNC), packets.text(handle))
            answers.append(fsync)
        # One round trip for what is left of the writes, the size and the closing. A fresh file that was written at
        # once is whole when that one write is confirmed: its size would be a fifth request for thousands of them.
        is_certain = content.size <= CHUNK and not have
        size = None if is_certain else self.session.request(Kind.FSTAT, packets.text(handle))
        answers.append(self.session.request(Kind.CLOSE, packets.text(handle)))
        for answer in answers:
            await self.session.done(answer)
        if size and (held := await self.session.size(size)) not in {content.size, -1}:
            raise NotWhole(f"The server holds {held:,} bytes of {self.name} instead of {content.size:,}.")

    async def _take_over(self, part: str) -> tuple[bytes | None, int]:
        """Return a handle of what the last attempt left, and its size; ``None`` when there is nothing to build upon."""
        for earlier in range(self.attempt - 1, 0, -1):
            try:
                await self.session.done(
                    self.session.request(Kind.RENAME, packets.text(self.part(earlier)), packets.text(part))
                )
                handle = await self.session.open(part, Flag.READ | Flag.WRITE)
                return handle, await self.session.size(self.session.request(Kind.FSTAT, packets.text(handle)))
            except SftpRefused:
                continue
        return None, 0

    async def _publish(self, size: int) -> None:
        old, new = packets.text(self.part(self.attempt)), packets.text(self.path)
        if packets.POSIX_RENAME in self.session.extensions:
            await self.session.done(self.session.request(Kind.EXTENDED, packets.text(packets.POSIX_RENAME), old, new))
            return
        try:
            await self.session.done(self.session.request(Kind.RENAME, old, new))
        except SftpRefused:
            if not await self._is_there(size):
                raise
            await self._remove()

    async def _is_there(self, size: int) -> bool:
        """Say whether an earlier attempt has put the file there already; its name tells it by the delivery's id."""
        try:
            found = await self.session.size(self.session.request(Kind.STAT, packets.text(self.path)))
        except SftpRefused:
            return False
        if self.delivery_id not in self.name or found != size:
            raise NameTaken(f"{self.path} is there, and this server cannot replace a file in one step.")
        return True

    async def _remove(self) -> None:
        with suppress(SftpRefused, OSError):  # what is told is why the upload failed
            await self.session.done(self.session.request(Kind.REMOVE, packets.text(self.part(self.attempt))))

    async def _free(self) -> int | None:
        with suppress(SftpRefused, OSError):
            return await self.session.free_bytes(self.folder or ".")
        return None

    async def remove_final(self) -> bool:
        """Take the file away again; say whether the server did."""
        try:
            await self.session.done(self.session.request(Kind.REMOVE, packets.text(self.path)))
        except SftpRefused:
            return False
        return True


class _Filling:
    """Writes a content into an open file, many chunks under way at once."""

    def __init__(self, session: Session, handle: bytes) -> None:
        self._session, self._handle = session, handle
        self._answers: deque[asyncio.Future[tuple[int, bytes]]] = deque()

    async def fill(self, content: Content, have: int) -> deque[asyncio.Future[tuple[int, bytes]]]:
        """Write what is not there yet; return the answers that are still to come."""
        there = 0
        async for block in content.blocks():
            begin = content.size - len(block)
            if there == begin and content.size <= have and await self._holds(begin, block):
                there = content.size
            else:
                await self._write(begin, block)
        if have > content.size:
            cut = packets.size_attribute(content.size)
            self._answers.append(self._session.request(Kind.FSETSTAT, packets.text(self._handle), cut))
        return self._answers

    async def _write(self, begin: int, block: bytes) -> None:
        view, size = memoryview(block), self._session.most_written
        for offset in range(0, len(block), size):
            while len(self._answers) >= _UNDER_WAY // size:
                await self._session.done(self._answers.popleft())
            chunk = view[offset : offset + size]
            self._answers.append(self._session.write(self._handle, begin + offset, chunk))

    async def _holds(self, begin: int, block: bytes) -> bool:
        """Say whether the server has these bytes there."""
        offsets = range(0, len(block), CHUNK)
        reads = [self._session.read(self._handle, begin + at, min(CHUNK, len(block) - at)) for at in offsets]
        try:
            found = await asyncio.gather(*reads)
        except SftpRefused:
            return False
        return b"".join(found) == block


def _below(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if folder.strip("/") else f"{folder}{name}"


def says_full(error: SftpRefused) -> str:
    """Return in words that a disk or a quota is full; empty when the refusal has another reason."""
    if error.code == Code.QUOTA_EXCEEDED or "quota" in error.text.lower():
        return "The quota on the server is used up"
    if error.code == Code.NO_SPACE or "space" in error.text.lower() or (error.free is not None and error.free < CHUNK):
        return "The disk of the server is full"
    return ""
