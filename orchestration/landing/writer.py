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
from orchestration.failures import ContractViolated
from orchestration.landing.csv_pages import csv_lines
from orchestration.landing.lines import Lines
from orchestration.landing.manifest import Form, Manifest, Mode, Part, Place, Role, new_load_id
from orchestration.landing.pages import split_json
from orchestration.landing.parquet import ParquetPart, normalised
from orchestration.landing.store import LandingStore
from orchestration.landing.text import TextPart

_SUFFIX: dict[Form, str] = {"parquet": ".parquet", "ndjson": ".ndjson.zst", "csv": ".csv.zst"}


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
        self._nested = any(column.type.kind == "json" for column in contract.columns)
        self._parts: list[Part] = []
        self._open: dict[Role, tuple[str, ParquetPart | TextPart]] = {}
        self._committed = False

    def __enter__(self) -> Self:
        """Begin; nothing is written before the first row."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was written, unless it was committed."""
        if not self._committed:
            for _, part in self._open.values():
                part.abandon()
            self._store.clear(self._place.load_prefix(self.load_id))

    def write(self, page: Page) -> None:
        """Land a page of rows.

        Raises:
            ConnectionFailed: a text page is cut short or is not what the source promised.
            SchemaDrift: a CSV part has no rows, and no header either.
        """
        match page:
            case JsonPage():
                self._write_json(split_json(page, nested=self._nested))
            case CsvPart():
                self._write_csv(page)
            case _:
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
        part = self._open[role][1] if role in self._open else None
        if not isinstance(part, ParquetPart) or not part.takes(batch):
            key = self._start(role, "parquet")
            part = ParquetPart(self._store.draft(key), batch.schema)
            self._open[role] = key, part
        part.write(batch)

    def _write_csv(self, page: CsvPart) -> None:
        """Write a part of its own, whose header counts for all of it."""
        part: TextPart | None = None
        for lines in csv_lines(page, self._contract):
            part = part or self._start_text("csv", page.delimiter, page.title)
            part.write(lines)

    def _write_json(self, lines: Lines) -> None:
        if not lines.content:
            return
        part = self._open["rows"][1] if "rows" in self._open else None
        if not isinstance(part, TextPart) or not part.takes(lines):
            part = self._start_text("ndjson")
        part.write(lines)

    def _start_text(self, form: Form, delimiter: str = "", name: str = "") -> TextPart:
        key = self._start("rows", form)
        part = TextPart(self._store.draft(key), form, delimiter=delimiter, name=name)
        self._open["rows"] = key, part
        return part

    def _start(self, role: Role, form: Form) -> str:
        """Finish the part that is open and return the next one's key."""
        if role in self._open:
            self._finish(role)
        # Texts may follow Arrow batches: rows that Arrow cannot hold, such as NaN in a decimal, come so.
        texts = {part.format for part in self._parts if part.role == role} | {form}
        if {"ndjson", "csv"} <= texts:
            message = f"{self._contract.source}/{self._contract.entity}: extract.py mixes ndjson and csv pages."
            raise ContractViolated(message, "Yield one kind of text in a load.")
        number = sum(part.role == role for part in self._parts)
        return f"{self._place.load_prefix(self.load_id)}{role}-{number:05d}{_SUFFIX[form]}"

    def _finish(self, role: Role) -> None:
        key, part = self._open.pop(role)
        part.close()
        draft = self._store.draft(key)
        with draft.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = draft.stat().st_size
        self._store.land(key)
        landed = Part(
            role=role,
            format=part.form,
            key=key,
            rows=part.rows,
            bytes=size,
            sha256=digest,
            delimiter=part.delimiter,
            regular=part.regular,
            name=part.name,
        )
        self._parts.append(landed)
