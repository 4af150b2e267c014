"""One load: one entity over one connection, from the mark in the ledger to the next one.

The source is read between two short sessions of the warehouse. Everything a load
does to bronze, it does in the one transaction that also writes its ledger row; a
process killed before has done nothing, and one killed after has done all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.bronze import ledger, rejects
from orchestration.bronze.extraction import Extraction, Landed, Order, Reading, order_delta
from orchestration.bronze.guard import Guard
from orchestration.bronze.ledger import FAILED, HELD, LOADED, LoadResult, Mark
from orchestration.bronze.merge import Incoming, Kind, live_rows, merge
from orchestration.bronze.progress import OnProgress
from orchestration.contracts.extraction import Connection, Extractor
from orchestration.contracts.model import Contract
from orchestration.contracts.source import Mode, SourceSystem
from orchestration.failures import ContractViolated, StrataError
from orchestration.landing.history import discard_orphans
from orchestration.landing.manifest import Place, new_load_id
from orchestration.publication.status import write_status
from orchestration.quality.gate import Gated, gate
from orchestration.runtime import Runtime
from orchestration.warehouse import apply
from orchestration.warehouse.clock import aware, utc_now
from orchestration.warehouse.lock import held
from orchestration.warehouse.protocol import Session


@dataclass(frozen=True)
class Request:
    """What was asked for, by whom, for one connection."""

    runtime: Runtime
    source: SourceSystem
    connection: Connection
    mode: Mode
    who: str
    run_id: str | None = None
    force_reason: str | None = None
    on_progress: OnProgress | None = None


@dataclass
class EntityLoad:
    """One entity of a request; ``open_source`` connects on first use."""

    request: Request
    contract: Contract
    open_source: Callable[[], Extractor]

    @property
    def place(self) -> Place:
        """Where its loads land."""
        return Place.of(self.request.connection, self.contract)

    @property
    def _label(self) -> str:
        return f"load {self.request.connection.label}/{self.contract.entity}"

    def run(self) -> Iterator[LoadResult]:
        """Load, and sweep for deletions where the source's count asks for it; yields a result for each."""
        settings = self.request.runtime.settings
        try:
            with held(load_lock(self.request.runtime, self.place), self._label, settings.lock_wait_seconds):
                result, sweep = self._load(None)
                yield result
                if sweep:
                    yield self._load(Order("sweep"))[0]
        except StrataError as error:  # the lock was not free
            yield self._failed(self._draft(new_load_id(), Order("full")), error)

    def _load(self, order: Order | None) -> tuple[LoadResult, bool]:
        """Return the result, and whether a sweep has to follow."""
        load_id = new_load_id()
        draft = self._draft(load_id, order or Order("full" if self.request.mode != "hourly" else "delta"))
        runtime = self.request.runtime
        try:
            mark = self._read_mark()
            order = order or self._order(mark, draft.started_at)
            draft = replace(draft, watermark=mark.watermark, deletes_until=mark.deletes_until)
            extraction = self._extraction(mark)
            landed = extraction.land(order, load_id)
            extraction.tell(0, landed.manifest.landed_bytes, "load")
            result, sweep = self._apply(replace(draft, **_landed_facts(landed)), landed, order, mark)
        except StrataError as error:
            return self._give_up(draft, error), False
        except Exception as error:  # noqa: BLE001 - one entity's defect must not stop the others
            return self._give_up(draft, StrataError(self._redacted(f"{type(error).__name__}: {error}"))), False
        finally:
            runtime.landing.release(self.place.load_prefix(load_id))
        extraction.tell(result.extracted, result.landed_bytes, "done")
        return result, sweep

    def _read_mark(self) -> Mark:
        with self.request.runtime.warehouse.session(self._label) as session:
            self._require_types(session)
            mark = ledger.read_mark(session, self.place)
            last = max(ledger.ledgered_loads(session, self.place), default=None)
        discard_orphans(self.request.runtime.landing, self.place, last)
        return mark

    def _require_types(self, session: Session) -> None:
        for change in apply.plan(session, [self.contract]):
            if change.retypes:
                message = f"{self.contract.source}/{self.contract.entity}: the contract asks to {change.description}."
                raise ContractViolated(message, "Apply it with --mode init: the data is kept.")

    def _order(self, mark: Mark, now: datetime) -> Order:
        if self.request.mode != "hourly":
            return Order("full")
        return order_delta(self.contract, mark, self.request.source.description.start, now)

    def _extraction(self, mark: Mark) -> Extraction:
        request = self.request
        extractor = self.open_source()
        expected = mark.full_rows if request.mode != "hourly" else None
        store = request.runtime.landing
        return Extraction(extractor, request.connection, self.contract, store, request.on_progress, expected)

    def _apply(self, draft: LoadResult, landed: Landed, order: Order, mark: Mark) -> tuple[LoadResult, bool]:
        """Run the load's one transaction."""
        failure = None
        with self.request.runtime.warehouse.session(self._label) as session:
            with session.transaction():
                apply.apply(session, [landed.contract])
                stamp = ledger.next_stamp(session)
                gated = gate(session.con, landed.contract, landed.manifest, self.request.runtime.landing)
                incoming = Incoming(landed.contract, self.place, draft.load_id, stamp.at, _kind(order), gated)
                failure = self._too_many_rejects(session, incoming)
                if failure:
                    rejects.write_rejects(session, incoming)
                    result, sweep = ledger.record(session, _failure(draft, failure, gated), stamp), False
                else:
                    result, sweep = self._merge(session, incoming, draft, landed, mark)
                    result = ledger.record(session, result, stamp)
            write_status(session, self.request.runtime)
        if failure:
            self._discard(draft)
        return result, sweep

    def _merge(
        self, session: Session, incoming: Incoming, draft: LoadResult, landed: Landed, mark: Mark
    ) -> tuple[LoadResult, bool]:
        answered = _answered(session, incoming)
        merged = merge(session, incoming, Guard(self.contract.shrink_threshold, answered, self.request.force_reason))
        rejects.settle(session, incoming)
        sweep = False
        deletes_until = (
            _later(mark.deletes_until, landed.manifest.deletes_until) if not merged.held else mark.deletes_until
        )
        if landed.source_rows is not None:
            ours = live_rows(session, landed.contract, self.place) + rejects.waiting(session, incoming)
            sweep = ours != landed.source_rows
            deletes_until = deletes_until if sweep else landed.manifest.window_until
        watermark = next_watermark(mark.watermark, incoming.gated, landed.manifest.window_until)
        result = replace(draft, watermark=watermark, deletes_until=deletes_until, **merged.counts(incoming.gated))
        message = " ".join(text for text in (landed.note, merged.verdict) if text)
        return replace(result, status=HELD if merged.held else LOADED, message=message), sweep

    def _too_many_rejects(self, session: Session, incoming: Incoming) -> ContractViolated | None:
        """A delta is measured against the whole entity: one bad row of one changed row is no reason to stop."""
        rejected, base = incoming.gated.rejected, incoming.gated.extracted
        if rejected and incoming.kind == "changes":
            base = max(base, live_rows(session, incoming.contract, self.place))
        if rejected <= self.contract.reject_threshold * base:
            return None
        return ContractViolated(
            f"{self.contract.source}/{self.contract.entity}: {rejected:,} of {base:,} rows break the contract, "
            f"more than rejectThreshold {self.contract.reject_threshold:.0%} allows; bronze is as it was.",
            f"Look at them with: strata quarantine list, source {self.contract.source}, entity {self.contract.entity}.",
        )

    def _draft(self, load_id: str, order: Order) -> LoadResult:
        return LoadResult(
            load_id=load_id,
            tenant_id=self.place.tenant,
            connection=self.place.connection,
            source=self.place.source,
            entity=self.place.entity,
            mode="full" if order.reading == "full" else "delta",
            requested=self.request.mode,
            status=LOADED,
            started_at=utc_now(),
            who=self.request.who,
            reason=self.request.force_reason,
            run_id=self.request.run_id,
            contract_version=self.contract.version,
        )

    def _give_up(self, draft: LoadResult, error: StrataError) -> LoadResult:
        self._discard(draft)
        return self._failed(draft, error)

    def _discard(self, draft: LoadResult) -> None:
        """A landing that bronze did not take is read by nobody."""
        self.request.runtime.landing.clear(self.place.load_prefix(draft.load_id))

    def _failed(self, draft: LoadResult, error: StrataError) -> LoadResult:
        """Record the failure; when even the ledger is out of reach, only tell it."""
        result = _failure(draft, error)
        try:
            with self.request.runtime.warehouse.session(self._label) as session:
                with session.transaction():
                    apply.apply(session)
                    result = ledger.record(session, result, ledger.next_stamp(session))
                write_status(session, self.request.runtime)
        except StrataError:
            return result
        return result

    def _redacted(self, text: str) -> str:
        """Keep secrets out of messages that come from libraries."""
        for setting in self.request.connection.settings.values():
            if secret := setting.get_secret_value():
                text = text.replace(secret, "***")
        return text


def load_lock(runtime: Runtime, place: Place) -> Path:
    """Return the lock that a load, a replay and a rebuild of one entity and connection share."""
    return runtime.settings.locks_dir / f"load-{place.tenant}-{place.source}-{place.connection}-{place.entity}.lock"


def next_watermark(before: datetime | None, gated: Gated, until: datetime) -> datetime | None:
    """Move the watermark to the latest cursor seen, rejected rows included; never back, never past ``until``.

    A timestamp from the future would otherwise hide every change until then.
    """
    seen = aware(gated.max_cursor)
    return _later(before, min(seen, until) if seen else None)


def _later(first: datetime | None, second: datetime | None) -> datetime | None:
    known = [instant for instant in (first, second) if instant]
    return max(known, default=None)


def _kind(order: Order) -> Kind:
    kinds: dict[Reading, Kind] = {"full": "snapshot", "delta": "changes", "sweep": "sweep"}
    return kinds[order.reading]


def _answered(session: Session, incoming: Incoming) -> int:
    if incoming.kind == "sweep":
        return int(session.execute(f"SELECT count(*) FROM {incoming.gated.present_keys}")[0][0])
    return incoming.gated.extracted


def _landed_facts(landed: Landed) -> dict[str, Any]:
    return {
        "window_since": landed.manifest.window_since,
        "window_until": landed.manifest.window_until,
        "landed_bytes": landed.manifest.landed_bytes,
        "extract_seconds": landed.seconds,
    }


def _failure(draft: LoadResult, error: StrataError, gated: Gated | None = None) -> LoadResult:
    counts: dict[str, Any] = {"extracted": gated.extracted, "rejected": gated.rejected} if gated else {}
    return replace(draft, status=FAILED, failure_class=error.failure_class.value, message=str(error), **counts)
