"""Loads a source: every chosen entity of every chosen connection, each in its own transaction.

What fails, fails alone: it comes back as a result with status ``failed``, and the
others go on. Callers decide whether that is an error. Connections that have nothing
new are many on most hours: see ``sighting`` for how little those cost. Entities of one
connection are read from the source side by side, ``STRATA_LOAD_THREADS`` at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from orchestration import metering
from orchestration.bronze.admission import Admission
from orchestration.bronze.entity import EntityLoad
from orchestration.bronze.failure import give_up
from orchestration.bronze.journal import Journal
from orchestration.bronze.ledger import LoadResult, Mark
from orchestration.bronze.outset import Outset, set_out
from orchestration.bronze.progress import OnProgress
from orchestration.bronze.request import Request
from orchestration.bronze.retention import compact_ledger, expire_landing
from orchestration.bronze.roster import Muster, OnLeftOut, Roster
from orchestration.bronze.sighting import Sighting, look, may_look
from orchestration.contracts.extraction import Extractor
from orchestration.contracts.model import Contract, Deletes
from orchestration.contracts.source import Mode, SourceSystem
from orchestration.failures import SettingsError, StrataError
from orchestration.publication.event_log import forget_events
from orchestration.publication.status import StatusWriter
from orchestration.runtime import Runtime
from orchestration.warehouse.protocol import Session
from orchestration.warehouse.turns import beside_others


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
    scheduled: bool = False,
    on_progress: OnProgress | None = None,
    on_left_out: OnLeftOut | None = None,
) -> list[LoadResult]:
    """Load a source's entities and return one result for each load, failed ones included.

    ``hourly`` reads what changed, ``daily`` everything; ``init`` applies contract changes first.
    ``force_reason`` lets tombstones through that the shrink guard would hold. What was loaded
    under ``run_id`` already is left out, so that a retry takes only what failed. ``scheduled`` goes
    by the tenants' own schedules; who is left out, and why, is told to ``on_left_out``.

    Raises:
        SettingsError: an entity or tenant is unknown, or ``source.yaml`` cannot be read.
        Stopped: a tenant that is named is suspended.
    """
    contracts, faults = _chosen(source, entities)
    contracts = [contract for contract in contracts if has_work(contract, mode)]
    admission, status = Admission(runtime), StatusWriter(runtime)
    outset = _set_out(runtime, source, contracts, mode, run_id)
    roster = Muster(runtime, source.name, mode, contracts, admission, tenants, scheduled).call()
    if on_left_out:
        for tenant, reason in roster.left_out.items():
            on_left_out(tenant, reason)
    requests = [
        Request(runtime, source, connection, mode, who, admission, status, run_id, force_reason, on_progress)
        for connection in roster.connections
    ]
    call = _Call(contracts, faults, outset, roster, Journal(status, admission))
    return call.run(requests)


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


def has_work(contract: Contract, mode: Mode) -> bool:
    """Say whether a mode loads an entity: an hourly load of one without a cursor can only look for deletions."""
    return mode != "hourly" or contract.cursor is not None or contract.deletes is not Deletes.DAILY


def _set_out(
    runtime: Runtime, source: SourceSystem, contracts: list[Contract], mode: Mode, run_id: str | None
) -> Outset:
    """Where the warehouse is out of reach, every load fails for that reason."""
    try:
        return beside_others(
            runtime.warehouse,
            f"load {source.name}",
            lambda session: _tidied(runtime, session, set_out(session, source.name, contracts, mode, run_id), mode),
        )
    except StrataError as error:
        return Outset(refused={contract.entity: error for contract in contracts})


def _tidied(runtime: Runtime, session: Session, outset: Outset, mode: Mode) -> Outset:
    """Pass on how everything stands; once a day, the logs lose what is old."""
    if mode != "hourly":
        with session.numbering():  # no load writes them meanwhile
            compact_ledger(session, runtime.settings.ledger_retention_days)
            forget_events(session, runtime.settings.ledger_retention_days)
    return outset


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


@dataclass
class _Call:
    """One call of :func:`load_source`: first a look where that may do, then regular loads of the rest."""

    contracts: list[Contract]
    faults: Mapping[str, StrataError]
    outset: Outset
    roster: Roster
    journal: Journal
    _counting: Lock = field(default_factory=Lock)

    def run(self, requests: list[Request]) -> list[LoadResult]:
        """Go from connection to connection; what looks saw is settled for many of them at once."""
        for request in requests:
            self._fail(request, {**self.faults, **self.outset.refused})
            self._visit(request)
            if request.mode != "hourly":
                expire_landing(request.runtime, request.connection, self.contracts)
            if self.journal.is_full:
                self._settle()
        while self.journal.is_waiting:
            self._settle()
        self.journal.close()
        return sorted(self.journal.results, key=lambda result: result.load_id)  # as they began

    def _fail(self, request: Request, faults: Mapping[str, StrataError]) -> None:
        for entity, fault in faults.items():
            draft = request.draft(entity, "", full=request.mode != "hourly")
            self.journal.add(give_up(request.runtime, draft, fault))

    def _visit(self, request: Request) -> None:
        todo = [
            contract
            for contract in self.contracts
            if contract.entity not in self.outset.refused and request.place(contract.entity) not in self.outset.done
        ]
        if refusal := self.roster.refusal(request.connection.tenant):
            self._fail(request, {contract.entity: refusal for contract in todo})
            return
        lanes = min(request.runtime.settings.load_threads, len(todo))
        if lanes > 1:
            with suppress(StrataError):  # each entity's load tells it
                request.runtime.resolve(request.connection)  # a simulator starts once
        _side_by_side(lanes, partial(self._work_off, request, deque(todo)))

    def _work_off(self, request: Request, todo: deque[Contract]) -> None:
        """Load one entity after the other until none is left."""
        with ExitStack() as stack:
            door = _Door(request, stack)
            while todo:
                try:
                    contract = todo.popleft()
                except IndexError:  # another thread took the last one
                    return
                sighting = self._look(request, contract, door)
                if sighting:
                    self.journal.keep(sighting)
                else:
                    self._load(request, contract, door)

    def _look(self, request: Request, contract: Contract, door: _Door) -> Sighting | None:
        """Look, where that may do; whatever is wrong is left to the regular load to find and to tell."""
        place = request.place(contract.entity)
        mark = self.outset.marks.get(place)
        if mark is None or place in self.outset.waiting or not may_look(request, contract, mark):
            return None
        try:
            return look(request, contract, mark, door.open())
        except Exception:  # noqa: BLE001 - the regular load meets it again, and knows how to tell it
            return None

    def _load(self, request: Request, contract: Contract, door: _Door) -> None:
        mark = self.outset.marks.get(request.place(contract.entity), Mark())
        for result in EntityLoad(request, contract, mark, door.open).run():
            _meter(result)
            self.journal.add(result)
            with self._counting:
                self.roster.count(result)

    def _settle(self) -> None:
        todo = deque(self.journal.settle())
        if todo:
            lanes = min(todo[0].request.runtime.settings.load_threads, len(todo))
            _side_by_side(lanes, partial(self._load_sighted, todo))

    def _load_sighted(self, todo: deque[Sighting]) -> None:
        """Load what was more than nothing, until none is left; those of one connection follow each other."""
        with ExitStack() as stack:
            door: _Door | None = None
            while todo:
                try:
                    sighting = todo.popleft()
                except IndexError:  # another thread took the last one
                    return
                if door is None or door.request is not sighting.request:
                    stack.close()
                    door = _Door(sighting.request, stack)
                self._load(sighting.request, sighting.known, door)


def _meter(result: LoadResult) -> None:
    labels = {"source": result.source, "entity": result.entity}
    metering.count("strata_loads", 1, status=result.status, **labels)
    metering.observe("strata_load_seconds", result.seconds, **labels)
    for kind in ("inserted", "updated", "deleted", "rejected"):
        metering.count("strata_rows", float(getattr(result, kind)), **labels, kind=kind)


def _side_by_side(lanes: int, work: Callable[[], None]) -> None:
    """Work in several threads, each with connections of its own to source and warehouse.

    The embedded warehouse they write in turn, a server side by side.
    """
    if lanes < 2:
        work()
        return
    with ThreadPoolExecutor(lanes, "load") as pool:
        works = [pool.submit(copy_context().run, work) for _ in range(lanes)]
    for each in works:
        each.result()
