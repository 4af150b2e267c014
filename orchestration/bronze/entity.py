"""One load: one entity over one connection, from the mark in the ledger to the next one.

The source is read before the warehouse is opened: one short session is the load's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from orchestration import telemetry
from orchestration.bronze import ledger
from orchestration.bronze.applying import Arrival, Overtaken, apply_arrival
from orchestration.bronze.extraction import Extraction, Order, order_delta
from orchestration.bronze.failure import discard_landing, give_up, unexpected
from orchestration.bronze.ledger import LoadResult, Mark
from orchestration.bronze.request import Request, load_lock
from orchestration.contracts.extraction import Extractor
from orchestration.contracts.model import Contract
from orchestration.failures import StrataError
from orchestration.landing.history import discard_orphans
from orchestration.warehouse.lock import held


@dataclass
class EntityLoad:
    """One entity of a request; ``mark`` is what the ledger said a while ago, ``open_source`` connects on first use."""

    request: Request
    contract: Contract
    mark: Mark
    open_source: Callable[[], Extractor]

    def run(self) -> Iterator[LoadResult]:
        """Load, and sweep for deletions where the source's count asks for it; yields a result for each."""
        with telemetry.span(
            f"load {self.contract.source}/{self.contract.entity}", tenant=self.request.connection.tenant
        ):
            yield from self._run()

    def _run(self) -> Iterator[LoadResult]:
        request, entity = self.request, self.contract.entity
        lock, wait = load_lock(request.runtime, request.place(entity)), request.runtime.settings.lock_wait_seconds
        try:
            with held(lock, request.purpose(entity), wait):
                result, sweep = self._load(self._draft(), self._known_mark)
                yield result
                if sweep:
                    yield self._load(replace(self._draft(), mode="delta"), self._read_mark, Order("sweep"))[0]
        except StrataError as error:  # the lock was not free
            yield give_up(request.runtime, self._draft(), error)

    def _draft(self) -> LoadResult:
        return self.request.draft(self.contract.entity, self.contract.version, full=self.request.mode != "hourly")

    def _load(
        self, draft: LoadResult, read_mark: Callable[[], Mark], order: Order | None = None
    ) -> tuple[LoadResult, bool]:
        """Return the result, and whether a sweep has to follow."""
        runtime = self.request.runtime
        try:
            self.request.admission.require(draft.tenant_id)
            mark = read_mark()
            return self._extract_and_apply(draft, mark, order or self._order(mark, draft))
        except Overtaken:
            discard_landing(runtime, draft)
            return self._load(self._draft(), self._read_mark, order)
        except StrataError as error:
            return give_up(runtime, draft, error), False
        except Exception as error:  # noqa: BLE001 - one entity's defect must not stop the others
            told = self.request.redacted(str(error))
            return give_up(runtime, draft, unexpected(error, told, runtime.settings)), False
        finally:
            runtime.landing.release(draft.place.load_prefix(draft.load_id))

    def _known_mark(self) -> Mark:
        """Take the mark that is known, unless there are files of a newer load: its crash, or a mark out of date."""
        place, last = self.request.place(self.contract.entity), self.mark.last_load_id
        newer = self.request.runtime.landing.folders(place.prefix, after=last or "")
        return self._read_mark() if newer else self.mark

    def _read_mark(self) -> Mark:
        """Read the mark anew, holding the place's lock, and remove what crashed loads left behind."""
        runtime, place = self.request.runtime, self.request.place(self.contract.entity)
        with runtime.warehouse.session(self.request.purpose(self.contract.entity), beside=place.prefix) as session:
            mark = ledger.read_mark(session, place)
        discard_orphans(runtime.landing, place, mark.last_load_id)
        return mark

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
            request.between_pages,
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
