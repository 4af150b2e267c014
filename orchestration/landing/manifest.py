"""What one load landed: a manifest written last commits it, and a load without one was never there.

A load's files lie under ``<tenant>/<source>/<connection>/<entity>/<load_id>/``.
Load ids sort by time. A manifest holds no secret: connections appear by name only.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

from orchestration.contracts.extraction import Connection
from orchestration.contracts.model import Column, Contract
from orchestration.decoding import decodable

MANIFEST = "manifest.json"
_ID_TIME = "%Y%m%dT%H%M%S.%fZ"

Mode = Literal["full", "delta", "replay"]
Role = Literal["rows", "deleted_keys", "present_keys"]
Form = Literal["parquet", "ndjson", "csv"]


def new_load_id(at: datetime | None = None) -> str:
    """Return an id that sorts by time: ``20261121T114203.123456Z-1a2b3c4d``."""
    return f"{(at or datetime.now(UTC)).astimezone(UTC).strftime(_ID_TIME)}-{secrets.token_hex(4)}"


def load_time(load_id: str) -> datetime:
    """Return when a load began, from its id (UTC)."""
    return datetime.strptime(load_id.partition("-")[0], _ID_TIME).replace(tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Place:
    """Where the loads of one entity over one connection land; ``connection`` is the instance's name."""

    tenant: str
    source: str
    connection: str
    entity: str

    @classmethod
    def of(cls, connection: Connection, contract: Contract) -> Place:
        """Return the place of a contract's entity over a connection."""
        return cls(connection.tenant, connection.source, connection.instance, contract.entity)

    @property
    def prefix(self) -> str:
        """The folder of all its loads, with a slash at the end."""
        return f"{self.tenant}/{self.source}/{self.connection}/{self.entity}/"

    def load_prefix(self, load_id: str) -> str:
        """Return the folder of one load, with a slash at the end."""
        return f"{self.prefix}{load_id}/"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One landed file; ``rows`` is ``None`` where a text source gave no count of its own.

    ``regular``: a fast reader gets every value of a text file right. It would not where JSON
    numbers have more digits than a double keeps, where CSV quotes are broken, or after a NUL byte.
    ``name`` is the source's for the file, if it has one.
    """

    role: Role
    format: Form
    key: str
    rows: int | None
    bytes: int
    sha256: str
    delimiter: str = ""
    regular: bool = True
    name: str = ""

    @property
    def place(self) -> str:
        """The file as an error names it: its key, and what the source calls it."""
        return f"{self.key} ({self.name})" if self.name else self.key


@decodable
class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a load landed. ``columns`` are the contract's, with those the source grew; times are UTC."""

    load_id: str
    tenant: str
    source: str
    connection: str
    entity: str
    mode: Mode
    window_since: datetime | None
    window_until: datetime
    contract_version: str
    columns: tuple[Column, ...]
    parts: tuple[Part, ...] = ()
    deletes_until: datetime | None = None
    landed_at: datetime

    @property
    def place(self) -> Place:
        """Where this load and its siblings lie."""
        return Place(self.tenant, self.source, self.connection, self.entity)

    @property
    def key(self) -> str:
        """The key of the manifest itself."""
        return self.place.load_prefix(self.load_id) + MANIFEST

    @property
    def landed_bytes(self) -> int:
        """The size of all parts as stored."""
        return sum(part.bytes for part in self.parts)

    def of_role(self, role: Role) -> tuple[Part, ...]:
        """Return the parts of one role, in the order they were written."""
        return tuple(part for part in self.parts if part.role == role)

    def effective(self, contract: Contract) -> Contract:
        """Return today's contract with the columns that the source had grown when this load landed."""
        known = {column.name for column in contract.columns}
        return contract.with_added(tuple(c for c in self.columns if c.added and c.name not in known))

    def encode(self) -> bytes:
        """Write it as JSON that people can read."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def decode_manifest(content: bytes) -> Manifest:
    """Read a manifest back."""
    return msgspec.json.decode(content, type=Manifest)
