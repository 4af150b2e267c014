"""One load: one entity over one connection, from the mark in the ledger to the next one.

The source is read between two short sessions of the warehouse: the first says where
to begin, the second is the load's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from orchestration.bronze import ledger
from orchestration.bronze.applying import Arrival, apply_arrival
from orchestration.bronze.extraction import Extraction, Order, order_delta
from orchestration.bronze.failure import record_failure
from orchestration.bronze.ledger import LoadResult, Mark
from orchestration.bronze.request import Request, load_lock
from orchestration.contracts.extraction import Extractor
from orchestration.contracts.model import Contract
from orchestration.failures import ContractViolated, StrataError
from orchestration.landing.history import discard_orphans
from orchestration.warehouse import apply
from orchestration.warehouse.lock import held
from orchestration.warehouse.protocol import Session


@dataclass
class EntityLoad:
    """One entity of a request; ``open_source`` connects on first use."""

    request: Request
    contract: Contract
    open_source: Callable[[], Extractor]

    def run(self) -> Iterator[LoadResult]:
        """Load, and sweep for deletions where the source's count asks for it; yields a result for each.

        Nothing is yielded for what the request's run has loaded already.
        """
        request, entity = self.request, self.contract.entity
        lock, wait = load_lock(request.runtime, request.place(entity)), request.runtime.settings.lock_wait_seconds
        draft = self._draft()
        try:
            with held(lock, request.purpose(entity), wait):
                result, sweep = self._load(draft)
                yield from [result] if result else []
                if sweep:
                    result, _ = self._load(replace(self._draft(), mode="delta"), Order("sweep"))
                    yield from [result] if result else []
        except StrataError as error:  # the lock was not free
            yield record_failure(request.runtime, draft, error)

    def _draft(self) -> LoadResult:
        return self.request.draft(self.contract.entity, self.contract.version, full=self.request.mode != "hourly")

    def _load(self, draft: LoadResult, order: Order | None = None) -> tuple[LoadResult | None, bool]:
        """Return the result, and whether a sweep has to follow."""
        runtime = self.request.runtime
        try:
            mark = self._open(draft, again=order is not None)
            return self._extract_and_apply(draft, mark, order or self._order(mark, draft)) if mark else (None, False)
        except StrataError as error:
            return record_failure(runtime, draft, error), False
        except Exception as error:  # noqa: BLE001 - one entity's defect must not stop the others
            message = self.request.redacted(f"{type(error).__name__}: {error}")
            return record_failure(runtime, draft, StrataError(message)), False
        finally:
            runtime.landing.release(draft.place.load_prefix(draft.load_id))

    def _open(self, draft: LoadResult, *, again: bool) -> Mark | None:
        """Bring the table up to the contract and read the mark; ``None`` when this run has loaded it already."""
        runtime = self.request.runtime
        with runtime.warehouse.session(self.request.purpose(self.contract.entity)) as session:
            self._prepare(session)
            if not again and ledger.finished_in_run(session, draft.place, draft.run_id):
                return None
            mark = ledger.read_mark(session, draft.place)
        discard_orphans(runtime.landing, draft.place, mark.last_load_id)
        return mark

    def _prepare(self, session: Session) -> None:
        """Create and add what the contract asks for; only ``init`` rewrites a column whose type it changed."""
        for change in apply.ensure(session, [self.contract], retype=self.request.mode == "init"):
            if change.retypes and self.request.mode != "init":
                message = f"{self.contract.source}/{self.contract.entity}: the contract asks to {change.description}."
                raise ContractViolated(message, "Apply it with --mode init: the data is kept.")

    def _order(self, mark: Mark, draft: LoadResult) -> Order:
        if self.request.mode != "hourly":
            return Order("full")
        return order_delta(self.contract, mark, self.request.source.description.start, draft.started_at)

    def _extract_and_apply(self, draft: LoadResult, mark: Mark, order: Order) -> tuple[LoadResult, bool]:
        request = self.request
        extraction = Extraction(
            self.open_source(),
            request.connection,
            self.contract,
            request.runtime.landing,
            request.on_progress,
            mark.full_rows if order.reading == "full" else None,
        )
        landed = extraction.land(order, draft.load_id)
        extraction.tell(0, landed.manifest.landed_bytes, "load")
        draft = replace(
            draft,
            window_since=landed.manifest.window_since,
            window_until=landed.manifest.window_until,
            landed_bytes=landed.manifest.landed_bytes,
            extract_seconds=landed.seconds,
        )
        result, sweep = apply_arrival(request, Arrival(self.contract, draft, mark, landed, order.reading))
        extraction.tell(result.extracted, result.landed_bytes, "done")
        return result, sweep
