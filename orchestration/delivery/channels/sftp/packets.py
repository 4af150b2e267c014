"""The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02) and of OpenSSH's extensions that uploads need."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag


class Kind(IntEnum):
    """Types of packets."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    FSTAT = 8
    FSETSTAT = 10
    REMOVE = 13
    STAT = 17
    RENAME = 18
    STATUS = 101
    HANDLE = 102
    DATA = 103
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Flag(IntFlag):
    """How a file is opened."""

    READ = 1
    WRITE = 2
    CREATE = 8
    TRUNCATE = 16


class Code(IntEnum):
    """Statuses that mean something to an upload; 14 and 15 come from servers that speak later versions too."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    UNSUPPORTED = 8
    NO_SPACE = 14
    QUOTA_EXCEEDED = 15


POSIX_RENAME, STATVFS, FSYNC = "posix-rename@openssh.com", "statvfs@openssh.com", "fsync@openssh.com"
LIMITS = "limits@openssh.com"
VERSION = 3
_HAS_SIZE = 1


class SftpRefused(Exception):
    """The server answered a request with a status other than OK; ``free`` are the bytes free then, if it said."""

    def __init__(self, code: int, text: str) -> None:
        """Keep both: many servers say everything with code 4."""
        super().__init__(text)
        self.code, self.text = code, text
        self.free: int | None = None


def text(value: str | bytes) -> bytes:
    """Return a string as it goes over the wire."""
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(raw)) + raw


def packet(kind: Kind, number: int, *parts: bytes) -> bytes:
    """Return a request; of INIT the number is the version."""
    body = b"".join(parts)
    return struct.pack(">IBI", len(body) + 5, kind, number) + body


def packets(buffer: bytearray) -> list[tuple[int, int, bytes]]:
    """Take complete packets off the front of a buffer: type, number, body."""
    found, begin = [], 0
    while len(buffer) - begin >= 9:
        length, kind, number = struct.unpack_from(">IBI", buffer, begin)
        end = begin + 4 + length
        if len(buffer) < end:
            break
        found.append((kind, number, bytes(buffer[begin + 9 : end])))
        begin = end
    del buffer[:begin]
    return found


def first_text(body: bytes) -> bytes:
    """Return the string that a body begins with: a handle, data."""
    (length,) = struct.unpack_from(">I", body)
    return body[4 : 4 + length]


def raise_status(body: bytes) -> None:
    """Raise what a status says, unless it is OK."""
    (code,) = struct.unpack_from(">I", body)
    if code != Code.OK:
        raise SftpRefused(code, first_text(body[4:]).decode(errors="replace") if len(body) > 4 else "")


def extensions(body: bytes) -> frozenset[str]:
    """Return the names of the extensions that a server offers."""
    names, begin = [], 0
    while begin < len(body):
        name = first_text(body[begin:])
        value = first_text(body[begin + 4 + len(name) :])
        names.append(name.decode(errors="replace"))
        begin += 8 + len(name) + len(value)
    return frozenset(names)


def size_of(body: bytes) -> int:
    """Return the size that attributes tell; -1 when they do not."""
    flags, size = struct.unpack_from(">IQ", body) if len(body) >= 12 else (0, 0)
    return int(size) if flags & _HAS_SIZE else -1


def size_attribute(size: int) -> bytes:
    """Return attributes that set a size."""
    return struct.pack(">IQ", _HAS_SIZE, size)


def free_bytes(body: bytes) -> int:
    """Return what ``statvfs`` says is free for an ordinary user."""
    _, fragment, _, _, available = struct.unpack_from(">5Q", body)
    return int(fragment * available)


def most_written(body: bytes) -> int:
    """Return the bytes that the server takes in one write, as ``limits`` says; 0 when it names no limit."""
    _, _, write, _ = struct.unpack_from(">4Q", body)
    return int(write)
