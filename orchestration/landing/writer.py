"""Writes one load into landing: streamed, in bounded memory, committed by its manifest.

Until :meth:`LandingWriter.commit` nothing of the load can be read, whatever happens
to the process; what a killed one leaves behind, ``history.discard_orphans`` removes.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import pyarrow as pa

from orchestration.contracts.extraction import Connection, CsvPart, JsonPage, Page, Window
from orchestration.contracts.model import Contract
from orchestration.landing.manifest import Format, Manifest, Mode, Part, Place, Role, new_load_id
from orchestration.landing.parquet import ParquetPart, normalised
from orchestration.landing.store import LandingStore


class LandingWriter:
    """Takes a load's pages and ends in a manifest; leaving the block without a commit leaves nothing behind."""

    def __init__(
        self,
        store: LandingStore,
        contract: Contract,
        connection: Connection,
        *,
        mode: Mode,
        window: Window,
        load_id: str | None = None,
    ) -> None:
        """``contract`` is the effective one, with columns that the source grew."""
        self.load_id = load_id or new_load_id()
        self._store, self._contract = store, contract
        self._place, self._mode, self._window = Place.of(connection, contract), mode, window
        self._parts: list[Part] = []
        self._open: dict[Role, tuple[str, Format, ParquetPart]] = {}
        self._committed = False

    def __enter__(self) -> Self:
        """Begin; nothing is written before the first row."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was written, unless it was committed."""
        if not self._committed:
            for _, _, part in self._open.values():
                part.abandon()
            self._store.clear(self._place.load_prefix(self.load_id))

    def write(self, page: Page) -> None:
        """Land a page of rows.

        Raises:
            ConnectionFailed: a text page is cut short or is not what the source promised.
        """
        if isinstance(page, (JsonPage, CsvPart)):
            raise NotImplementedError
        self._write_batch("rows", page)

    def write_deleted(self, batch: pa.RecordBatch) -> None:
        """Land keys that the source reports as deleted."""
        self._write_batch("deleted_keys", batch)

    def write_present(self, batch: pa.RecordBatch) -> None:
        """Land keys of a sweep: all that the source has."""
        self._write_batch("present_keys", batch)

    def commit(self, *, deletes_until: datetime | None = None) -> Manifest:
        """Finish the parts and write the manifest; a load without rows and keys stores none."""
        for role in list(self._open):
            self._finish(role)
        manifest = self._manifest(deletes_until)
        if manifest.parts:
            self._store.put(manifest.key, manifest.encode())
        self._committed = True
        return manifest

    def _manifest(self, deletes_until: datetime | None) -> Manifest:
        return Manifest(
            load_id=self.load_id,
            tenant=self._place.tenant,
            source=self._place.source,
            connection=self._place.connection,
            entity=self._place.entity,
            mode=self._mode,
            window_since=self._window.since,
            window_until=self._window.until,
            contract_version=self._contract.version,
            columns=self._contract.columns,
            parts=tuple(self._parts),
            deletes_until=deletes_until,
            landed_at=datetime.now(UTC),
        )

    def _write_batch(self, role: Role, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        batch = normalised(batch, self._contract)
        if role in self._open and (self._open[role][2].full or self._open[role][2].schema != batch.schema):
            self._finish(role)
        if role not in self._open:
            key = self._next_key(role, ParquetPart.suffix)
            self._open[role] = key, "parquet", ParquetPart(self._store.draft(key), batch.schema)
        self._open[role][2].write(batch)

    def _next_key(self, role: Role, suffix: str) -> str:
        number = sum(part.role == role for part in self._parts)
        return f"{self._place.load_prefix(self.load_id)}{role}-{number:05d}{suffix}"

    def _finish(self, role: Role) -> None:
        key, kind, part = self._open.pop(role)
        part.close()
        draft = self._store.draft(key)
        with draft.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = draft.stat().st_size
        self._store.land(key)
        self._parts.append(Part(role=role, format=kind, key=key, rows=part.rows, bytes=size, sha256=digest))
