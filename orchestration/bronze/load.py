"""Loads a source: every chosen entity of every chosen connection, each in its own transaction.

What fails, fails alone: it comes back as a result with status ``failed``, and the
others go on. Callers decide whether that is an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from orchestration.bronze.entity import EntityLoad
from orchestration.bronze.failure import record_failure
from orchestration.bronze.ledger import LoadResult
from orchestration.bronze.progress import OnProgress
from orchestration.bronze.request import Request
from orchestration.bronze.retention import expire_landing
from orchestration.contracts.extraction import Extractor
from orchestration.contracts.model import Contract, Deletes
from orchestration.contracts.source import Mode, SourceSystem
from orchestration.failures import SettingsError, StrataError
from orchestration.runtime import Runtime


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
        SettingsError: an entity or tenant is unknown, or ``source.yaml`` cannot be read.
    """
    contracts, faults = _chosen(source, entities)
    connections = list(runtime.registered(source.name, tenants))
    results: list[LoadResult] = []
    for connection in connections:
        request = Request(runtime, source, connection, mode, who, run_id, force_reason, on_progress)
        results += [
            record_failure(runtime, request.draft(entity, "", full=mode != "hourly"), fault)
            for entity, fault in faults.items()
        ]
        results += _load_connection(request, [c for c in contracts if _has_work(c, mode)])
        if mode != "hourly":
            expire_landing(runtime, connection, contracts)
    return results


def _chosen(source: SourceSystem, entities: Collection[str] | None) -> tuple[list[Contract], Mapping[str, StrataError]]:
    """Return the chosen contracts, and what is wrong with chosen ones that cannot be read."""
    if source.fault:
        raise source.fault
    known = {**source.contracts, **source.faults}
    for unknown in sorted(set(entities or ()) - set(known)):
        raise SettingsError(f"{source.name} has no entity {unknown!r}.", f"Its entities: {', '.join(sorted(known))}.")
    chosen = known if entities is None else entities
    contracts = [contract for name, contract in source.contracts.items() if name in chosen]
    return contracts, {name: fault for name, fault in source.faults.items() if name in chosen}


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
            yield from EntityLoad(request, contract, door.open).run()
