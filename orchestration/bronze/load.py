"""Loads a source: every chosen entity of every chosen connection, each in its own transaction.

What fails, fails alone: it comes back as a result with status ``failed``, and the
others go on. Callers decide whether that is an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from orchestration.bronze import ledger
from orchestration.bronze.entity import EntityLoad, Request
from orchestration.bronze.ledger import LoadResult
from orchestration.bronze.progress import OnProgress
from orchestration.bronze.retention import expire_landing
from orchestration.contracts.extraction import Extractor
from orchestration.contracts.model import Contract, Deletes
from orchestration.contracts.source import Mode, SourceSystem
from orchestration.failures import SettingsError, StrataError
from orchestration.landing.manifest import Place
from orchestration.runtime import Runtime
from orchestration.warehouse import apply


def load_source(
    runtime: Runtime,
    source: SourceSystem,
    mode: Mode,
    *,
    entities: Collection[str] | None = None,
    tenants: Collection[str] | None = None,
    force_reason: str | None = None,
    who: str,
    run_id: str | None = None,
    on_progress: OnProgress | None = None,
) -> list[LoadResult]:
    """Load a source's entities and return one result for each load, failed ones included.

    ``hourly`` reads what changed, ``daily`` everything; ``init`` applies contract changes first.
    ``force_reason`` lets tombstones through that the shrink guard would hold. What was loaded
    under ``run_id`` already is left out, so that a retry takes only what failed.

    Raises:
        SettingsError: an entity or tenant is unknown.
        ContractViolated: a contract of the source cannot be read.
        Busy: the warehouse was not free in time.
    """
    contracts = _chosen(source, entities)
    connections = list(runtime.registered(source.name, tenants))
    prepare(runtime, contracts, init=mode == "init")
    results: list[LoadResult] = []
    for connection in connections:
        request = Request(runtime, source, connection, mode, who, run_id, force_reason, on_progress)
        results += _load_connection(request, [c for c in contracts if _has_work(c, mode)])
        if mode != "hourly":
            expire_landing(runtime, connection, contracts)
    return results


def prepare(runtime: Runtime, contracts: Collection[Contract], *, init: bool) -> None:
    """Create what the contracts ask for; only ``init`` rewrites columns whose type they changed."""
    with runtime.warehouse.session("apply contracts") as session:
        changes = apply.plan(session, contracts)
        runnable = [change for change in changes if init or not change.retypes]
        with session.transaction():
            for change in runnable:
                session.execute(change.sql)


def _chosen(source: SourceSystem, entities: Collection[str] | None) -> list[Contract]:
    for unknown in sorted(set(entities or ()) - set(source.contracts)):
        known = ", ".join(source.contracts)
        raise SettingsError(f"{source.name} has no entity {unknown!r}.", f"Its entities: {known}.")
    return [contract for name, contract in source.contracts.items() if entities is None or name in entities]


def _has_work(contract: Contract, mode: Mode) -> bool:
    """An hourly load of an entity without a cursor can only look for deletions."""
    return mode != "hourly" or contract.cursor is not None or contract.deletes is not Deletes.DAILY


@dataclass
class _Door:
    """A connection that is opened when the first entity needs it, and closed after the last."""

    request: Request
    stack: ExitStack
    extractor: Extractor | None = None
    refusal: StrataError | None = None

    def open(self) -> Extractor:
        """Return the extractor; what it once refused, it refuses for every entity without another try."""
        if self.refusal:
            raise self.refusal
        if self.extractor is None:
            try:
                connection = self.request.runtime.resolve(self.request.connection)
                self.extractor = self.stack.enter_context(self.request.source.connect(connection))
            except StrataError as error:
                self.refusal = error
                raise
        return self.extractor


def _load_connection(request: Request, contracts: Collection[Contract]) -> Iterator[LoadResult]:
    with ExitStack() as stack:
        door = _Door(request, stack)
        for contract in contracts:
            if not _already_loaded(request, contract):
                yield from EntityLoad(request, contract, door.open).run()


def _already_loaded(request: Request, contract: Contract) -> bool:
    if request.run_id is None:
        return False
    place = Place.of(request.connection, contract)
    with request.runtime.warehouse.session(f"look up run {request.run_id}") as session:
        return ledger.finished_in_run(session, place, request.run_id)
