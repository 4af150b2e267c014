"""Landing in a backup: every ledgered load's manifest, word for word, which lists its files with size and checksum.

The files themselves never change and stay in their store; they come along only when asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa

from orchestration.bronze.ledger import LEDGER
from orchestration.decoding import decodable
from orchestration.landing.manifest import MANIFEST, Manifest, Place, decode_manifest
from orchestration.landing.store import LandingStore
from orchestration.warehouse.protocol import Session

LANDING_LIST = "landing/manifests.ndjson.zst"


@decodable
class LandedLoad(msgspec.Struct, frozen=True, kw_only=True):
    """One load's manifest as it lay in the store."""

    key: str
    content: str

    @property
    def manifest(self) -> Manifest:
        """The manifest itself."""
        return decode_manifest(self.content.encode())


@dataclass(frozen=True)
class Ledgered:
    """A load that the ledger says has landed."""

    place: Place
    load_id: str


def ledgered_loads(session: Session) -> list[Ledgered]:
    """Return the loads in the ledger that have files, by place and time."""
    rows = session.execute(
        f"SELECT tenant_id, source, connection, entity, load_id FROM {LEDGER} "
        "WHERE status IN ('loaded', 'held') AND landed_bytes > 0 ORDER BY ALL"
    )
    return [Ledgered(Place(*row[:4]), row[4]) for row in rows]


def last_ledgered(session: Session) -> dict[Place, str]:
    """Return each place's newest load in the ledger; what landed after it, the next load takes for an orphan."""
    rows = session.execute(
        f"SELECT tenant_id, source, connection, entity, max(load_id) FROM {LEDGER} "
        "WHERE status IN ('loaded', 'held') GROUP BY ALL"
    )
    return {Place(*row[:4]): row[4] for row in rows}


def read_landed(store: LandingStore, loads: Iterable[Ledgered]) -> Iterator[LandedLoad]:
    """Yield the manifests of loads that are still in the store."""
    for load in loads:
        key = load.place.load_prefix(load.load_id) + MANIFEST
        try:
            yield LandedLoad(key=key, content=store.read(key).decode())
        except FileNotFoundError:
            continue


def write_list(path: Path, loads: Iterable[LandedLoad]) -> list[LandedLoad]:
    """Write a line for each load, and return them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = []
    with pa.output_stream(str(path), compression="zstd") as file:
        for load in loads:
            file.write(msgspec.json.encode(load) + b"\n")
            written.append(load)
    return written


def read_list(path: Path) -> Iterator[LandedLoad]:
    """Read the lines back."""
    with pa.input_stream(str(path), compression="zstd") as stream:
        content = stream.read()
    for line in content.splitlines():
        yield msgspec.json.decode(line, type=LandedLoad)
