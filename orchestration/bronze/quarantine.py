"""Quarantine as people see it: what is in it, one entry with its raw row, and its replay.

A replay sends raw or mended rows through the same gate and the same merge as a load.
It never overwrites a newer row and moves no watermark; an entry whose row is bad
still, stays open.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from orchestration import names
from orchestration.bronze import ledger, rejects
from orchestration.bronze.guard import APPLY_ALL
from orchestration.bronze.ledger import LOADED, LoadResult
from orchestration.bronze.merge import Incoming, merge
from orchestration.bronze.rejects import OPEN, QUARANTINE, REPLAYED
from orchestration.bronze.request import load_lock
from orchestration.contracts.extraction import Connection, JsonPage, Window
from orchestration.contracts.model import Contract
from orchestration.failures import StrataError
from orchestration.landing.history import read_manifest
from orchestration.landing.manifest import Manifest, Place, new_load_id
from orchestration.landing.writer import LandingWriter
from orchestration.publication.status import write_status
from orchestration.quality.gate import Gated, gate
from orchestration.runtime import Runtime
from orchestration.warehouse import apply
from orchestration.warehouse.clock import aware, stored, utc_now
from orchestration.warehouse.lock import held
from orchestration.warehouse.protocol import Session


@dataclass(frozen=True)
class Reject:
    """One entry. ``raw_row`` is a JSON object of the row's values as text, by bronze column; times are UTC."""

    quarantine_id: str
    tenant_id: str
    connection: str
    source: str
    entity: str
    load_id: str
    file: str
    row_number: int
    key: str | None
    cursor: datetime | None
    column_name: str | None
    reason: str
    raw_value: str | None
    raw_row: str
    status: str
    quarantined_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    note: str | None

    @property
    def place(self) -> Place:
        """Where its load landed."""
        return Place(self.tenant_id, self.source, self.connection, self.entity)


def list_rejects(
    runtime: Runtime,
    *,
    source: str | None = None,
    entity: str | None = None,
    tenant: str | None = None,
    status: str | None = OPEN,
    quarantine_id: str | None = None,
    limit: int = 1000,
) -> list[Reject]:
    """Return entries, newest first; ``status`` is open, closed, replayed, or ``None`` for all."""
    wanted = {
        "source": source,
        "entity": entity,
        "tenant_id": tenant,
        "status": status,
        "quarantine_id": quarantine_id,
    }
    chosen = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(f"{column} = ?" for column in chosen) or "true"
    with runtime.warehouse.session("list quarantine") as session:
        apply.ensure(session)
        return _select(
            session, f"{where} ORDER BY quarantined_at DESC, quarantine_id LIMIT ?", [*chosen.values(), limit]
        )


def show_reject(runtime: Runtime, quarantine_id: str) -> Reject:
    """Return one entry.

    Raises:
        StrataError: there is none of that id.
    """
    with runtime.warehouse.session("show quarantine") as session:
        apply.ensure(session)
        found = _select(session, "quarantine_id = ?", [quarantine_id])
    if not found:
        raise StrataError(f"Quarantine has no entry {quarantine_id!r}.", "See: strata quarantine list.")
    return found[0]


def sent_as(runtime: Runtime, entry: Reject) -> str:
    """Return what the source calls the file that an entry came in; empty if it has no name, or landing is gone."""
    try:
        manifest = read_manifest(runtime.landing, entry.place, entry.load_id)
    except FileNotFoundError:
        return ""
    return next((part.name for part in manifest.parts if part.key == entry.file), "")


def replay(
    runtime: Runtime,
    quarantine_ids: Collection[str],
    *,
    mended: Mapping[str, Mapping[str, object]] | None = None,
    who: str,
    reason: str | None = None,
) -> list[LoadResult]:
    """Send entries through the gate again, one load for each load they came from.

    ``mended`` gives, by entry, the columns to replace in the raw row (by bronze name).

    Raises:
        StrataError: an entry is unknown or not open.
        Busy: a load of the same entity and connection is running.
    """
    chosen = sorted(
        (_open_entry(runtime, quarantine_id) for quarantine_id in dict.fromkeys(quarantine_ids)),
        key=lambda entry: (entry.place, entry.load_id, entry.quarantine_id),
    )
    results = []
    for (place, _), entries in groupby(chosen, key=lambda entry: (entry.place, entry.load_id)):
        with held(load_lock(runtime, place), f"replay {place.prefix}", runtime.settings.lock_wait_seconds):
            results.append(_Replay(runtime, list(entries), mended or {}, who, reason).run())
    return results


def _open_entry(runtime: Runtime, quarantine_id: str) -> Reject:
    entry = show_reject(runtime, quarantine_id)
    if entry.status != OPEN:
        message = f"Quarantine entry {quarantine_id} is {entry.status} ({entry.note or 'replayed'})."
        raise StrataError(message, "Only open entries can be replayed.")
    return entry


@dataclass(frozen=True)
class _Replay:
    """Entries of one load, on their way through the gate again."""

    runtime: Runtime
    entries: Sequence[Reject]
    mended: Mapping[str, Mapping[str, object]]
    who: str
    reason: str | None

    @property
    def place(self) -> Place:
        return self.entries[0].place

    def run(self) -> LoadResult:
        contract = self._contract()
        draft = self._draft(contract)
        manifest = self._land(contract, draft)
        with self.runtime.warehouse.session(f"replay {self.place.prefix}") as session:
            with session.transaction():
                result = self._apply(session, contract, manifest, draft)
            write_status(session, self.runtime)
        return result

    def _contract(self) -> Contract:
        """Return today's contract, with columns that the source had grown when the rows landed."""
        contract = self.runtime.sources[self.place.source].contracts[self.place.entity]
        try:
            return read_manifest(self.runtime.landing, self.place, self.entries[0].load_id).effective(contract)
        except FileNotFoundError:
            return contract

    def _draft(self, contract: Contract) -> LoadResult:
        return LoadResult(
            load_id=new_load_id(),
            tenant_id=self.place.tenant,
            connection=self.place.connection,
            source=self.place.source,
            entity=self.place.entity,
            mode="replay",
            requested="replay",
            status=LOADED,
            started_at=utc_now(),
            who=self.who,
            reason=self.reason,
            contract_version=contract.version,
        )

    def _land(self, contract: Contract, draft: LoadResult) -> Manifest:
        """Land the rows as JSON texts, which every type can be read from exactly."""
        by_name = {column.name: column.source_name for column in contract.columns}
        rows = [
            {by_name[name]: value for name, value in self._row(entry).items() if name in by_name}
            for entry in self.entries
        ]
        connection = Connection(self.place.tenant, self.place.source, self.place.connection)
        window = Window(None, draft.started_at)
        writer = LandingWriter(
            self.runtime.landing, contract, connection, mode="replay", window=window, load_id=draft.load_id
        )
        with writer:
            writer.write(JsonPage(json.dumps(rows, default=str).encode()))
            return writer.commit()

    def _row(self, entry: Reject) -> dict[str, object]:
        return {**json.loads(entry.raw_row), **self.mended.get(entry.quarantine_id, {})}

    def _apply(self, session: Session, contract: Contract, manifest: Manifest, draft: LoadResult) -> LoadResult:
        apply.apply(session, [contract])
        stamp, mark = ledger.next_stamp(session), ledger.read_mark(session, self.place)
        with gate(session.con, contract, manifest, self.runtime.landing) as gated:
            incoming = Incoming(contract, self.place, draft.load_id, stamp.at, "changes", gated)
            merged = merge(session, incoming, APPLY_ALL)
            self._close(session, incoming, self._good_entries(session, gated))
            rejects.settle(session, incoming, replay=True)
        result = replace(
            draft,
            watermark=mark.watermark,
            deletes_until=mark.deletes_until,
            window_until=manifest.window_until,
            landed_bytes=manifest.landed_bytes,
            **merged.counts(gated),
        )
        return ledger.record(session, result, stamp)

    def _good_entries(self, session: Session, gated: Gated) -> list[str]:
        """Rows landed in the order of the entries, so a reject's number tells which entry it is."""
        bad = session.execute(f"SELECT file, row_number, key FROM {gated.rejects}")
        numbers = {number for file, number, _ in bad if file != "conflict"}
        keys = {key for file, _, key in bad if file == "conflict"}
        return [
            entry.quarantine_id
            for number, entry in enumerate(self.entries, start=1)
            if number not in numbers and entry.key not in keys
        ]

    def _close(self, session: Session, incoming: Incoming, quarantine_ids: Iterable[str]) -> None:
        for quarantine_id in quarantine_ids:
            session.execute(
                f"UPDATE {QUARANTINE} SET status = '{REPLAYED}', closed_at = ?, closed_by = ?, note = ? "
                "WHERE quarantine_id = ?",
                [stored(incoming.at), incoming.load_id, self.reason or f"replayed by {self.who}", quarantine_id],
            )


def _select(session: Session, where: str, parameters: Sequence[object]) -> list[Reject]:
    columns = [field.name for field in fields(Reject)]
    listed = ", ".join(names.quote(name) for name in columns)
    rows = session.execute(f"SELECT {listed} FROM {QUARANTINE} WHERE {where}", parameters)
    return [Reject(**{n: _zoned(v) for n, v in zip(columns, row, strict=True)}) for row in rows]


def _zoned(value: Any) -> Any:  # noqa: ANN401 - a column holds text, numbers or times
    return aware(value) if isinstance(value, datetime) else value
