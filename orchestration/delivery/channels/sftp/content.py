"""The bytes of one file as they go over the wire, in blocks, with their SHA-256 if asked; compressed if asked."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

from orchestration.delivery.channels.channel import Message

BLOCK = 1024 * 1024
_GZIP = 31
"""zlib's window bits for a gzip file: without a time in its header, so that every attempt makes the same bytes."""


class Content:
    """What a message's file will hold; ``size`` and ``digest`` are complete when all blocks were taken."""

    def __init__(self, message: Message, compression: str, *, hashed: bool = False) -> None:
        """Read nothing yet; ``hashed``: the digest is wanted, which takes as long as sending does."""
        self.size = 0
        self._hash = sha256() if hashed else None
        self._raw = _of_file(message.file) if message.file else iter([message.body])
        self._compression = compression
        self._is_quick = message.file is None and compression != "gzip"

    @property
    def digest(self) -> str:
        """SHA-256 of the blocks taken, hexadecimal; empty when it was not wanted."""
        return self._hash.hexdigest() if self._hash else ""

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield the bytes; reading and compressing happen outside the event loop."""
        source = _compressed(self._raw) if self._compression == "gzip" else self._raw
        while (
            block := self._next(source) if self._is_quick else await asyncio.to_thread(self._next, source)
        ) is not None:
            yield block

    def _next(self, source: Iterator[bytes]) -> bytes | None:
        block = next(source, None)
        if block is not None:
            self.size += len(block)
            if self._hash:
                self._hash.update(block)
        return block


def _of_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _compressed(source: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    for block in source:
        if packed := packer.compress(block):
            yield packed
    yield packer.flush()
