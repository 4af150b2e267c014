"""Bronze as it was at a moment, rebuilt from landing alone; the source is not asked.

The ledgered loads up to that moment run again through today's gate and merge, in their
order, under their own ids and instants: into ``bronze_<source>_asof``, or in place. In
place, only rows that differ are written, with a new ``_loaded_at``, so that incremental
models downstream notice; and the watermark goes back, so that the next delta reads on
from there. As-of reaches back to the oldest full load that landing has kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

from orchestration import names
from orchestration.bronze import ledger
from orchestration.bronze.ledger import LOADED, LoadResult
from orchestration.bronze.lineage import downstream
from orchestration.bronze.merge import reconcile_with
from orchestration.bronze.past import Past, past_loads, rebuild
from orchestration.bronze.request import load_lock
from orchestration.contracts.model import Contract
from orchestration.contracts.source import SourceSystem
from orchestration.failures import SettingsError
from orchestration.landing.manifest import Place, new_load_id
from orchestration.names import Table
from orchestration.publication.status import write_status
from orchestration.runtime import Runtime
from orchestration.warehouse import apply
from orchestration.warehouse.clock import utc_now
from orchestration.warehouse.lock import held
from orchestration.warehouse.protocol import Session

BACKFILL = "backfill"


@dataclass(frozen=True)
class Backfilled:
    """One entity over one connection. ``rows`` are live ones as of then, ``loads`` what was replayed for them.

    ``result`` is the ledger row of a rebuild in place, ``None`` for a table beside.
    """

    place: Place
    table: Table
    loads: int
    rows: int
    result: LoadResult | None = None


@dataclass(frozen=True)
class Backfill:
    """What was rebuilt, and the tables built from it, which are still as they were."""

    tables: tuple[Backfilled, ...]
    downstream: tuple[Table, ...]


def backfill(
    runtime: Runtime,
    source: SourceSystem,
    until: datetime,
    *,
    replace_bronze: bool = False,
    entities: Collection[str] | None = None,
    tenants: Collection[str] | None = None,
    who: str,
    reason: str | None = None,
) -> Backfill:
    """Rebuild a source's bronze as it was at ``until`` (an instant with a zone).

    Raises:
        SettingsError: ``until`` lies ahead or before the first load, or an entity is unknown.
        StrataError: landing does not reach back that far, or a file differs from what landed.
        Busy: an entity is being loaded.
    """
    if until > utc_now():
        raise SettingsError(f"--until {until.isoformat()} lies ahead.", "Name a moment that is over.")
    _require_loads(runtime, source, until)
    contracts = [contract for contract in source.contracts.values() if entities is None or contract.entity in entities]
    done: list[Backfilled] = []
    for contract in contracts:
        with runtime.warehouse.session(f"backfill {source.name}") as session:
            apply.ensure(session)
            places = ledger.places(session, source.name, contract.entity)
        chosen = [place for place in places if tenants is None or place.tenant in tenants]
        done += _Rebuild(runtime, contract, chosen, until, who, reason).run(in_place=replace_bronze)
    affected = downstream(runtime.settings, [contract.table for contract in contracts]) if replace_bronze else ()
    return Backfill(tuple(done), affected)


def _require_loads(runtime: Runtime, source: SourceSystem, until: datetime) -> None:
    """Refuse a moment before the first load: in place, it would empty bronze."""
    with runtime.warehouse.session(f"backfill {source.name}") as session:
        apply.ensure(session)
        first = ledger.first_load(session, source.name)
    if first is None or first > until:
        message = f"--until {until.isoformat()}: nothing of {source.name} was loaded by then."
        raise SettingsError(message, f"The first load ended at {first.isoformat()}." if first else "Load it first.")


@dataclass(frozen=True)
class _Rebuild:
    """One entity, all its chosen connections."""

    runtime: Runtime
    contract: Contract
    places: Sequence[Place]
    until: datetime
    who: str
    reason: str | None

    def run(self, *, in_place: bool) -> Iterator[Backfilled]:
        """Rebuild beside bronze; then bring bronze to it, when asked to."""
        beside = replace(self.contract, source=f"{self.contract.source}_{'rebuild' if in_place else 'asof'}")
        with ExitStack() as locks:
            for place in self.places:
                lock = load_lock(self.runtime, place)
                locks.enter_context(held(lock, f"backfill {place.prefix}", self.runtime.settings.lock_wait_seconds))
            pasts = [self._past(place) for place in self.places]
            yield from self._rebuild(beside, pasts, in_place=in_place)

    def _past(self, place: Place) -> Past:
        with self.runtime.warehouse.session(f"backfill {place.prefix}") as session:
            loads = ledger.read_loads(session, place)
        return past_loads(self.runtime.landing, place, loads, self.until)

    def _rebuild(self, beside: Contract, pasts: Sequence[Past], *, in_place: bool) -> Iterator[Backfilled]:
        self._drop(beside)
        for past in pasts:
            rows = rebuild(self.runtime, self.contract, beside, past)
            result = self._replace(beside, past) if in_place else None
            table = self.contract.table if in_place else beside.table
            yield Backfilled(past.place, table, len(past.loads), rows, result)
        if in_place:
            self._drop(beside)

    def _drop(self, beside: Contract) -> None:
        with self.runtime.warehouse.session(f"backfill {beside.entity}") as session:
            session.execute(f"DROP TABLE IF EXISTS {names.qualified(beside.table)}")
            apply.apply(session, [beside])

    def _replace(self, beside: Contract, past: Past) -> LoadResult:
        """Bring bronze to the rebuilt rows, and the watermark back with them."""
        with self.runtime.warehouse.session(f"backfill {past.place.prefix}") as session:
            with session.transaction():
                result = self._reconcile(session, beside, past)
            write_status(session, self.runtime)
        return result

    def _reconcile(self, session: Session, beside: Contract, past: Past) -> LoadResult:
        apply.apply(session, [self.contract])
        stamp, draft = ledger.next_stamp(session), self._draft(past)
        merged = reconcile_with(session, self.contract, past.place, beside.table, load_id=draft.load_id, at=stamp.at)
        result = replace(
            draft,
            extracted=merged.inserted + merged.updated + merged.unchanged,
            inserted=merged.inserted,
            updated=merged.updated,
            unchanged=merged.unchanged,
            deleted=merged.deleted,
        )
        return ledger.record(session, result, stamp)

    def _draft(self, past: Past) -> LoadResult:
        last = past.loads[-1] if past.loads else None
        return LoadResult(
            load_id=new_load_id(),
            tenant_id=past.place.tenant,
            connection=past.place.connection,
            source=past.place.source,
            entity=past.place.entity,
            mode="replay",
            requested=BACKFILL,
            status=LOADED,
            started_at=utc_now(),
            who=self.who,
            reason=self.reason,
            contract_version=self.contract.version,
            window_until=self.until,
            watermark=last.watermark if last else None,
            deletes_until=last.deletes_until if last else None,
            message=f"Bronze as of {self.until.isoformat()}, from {len(past.loads)} loads.",
        )
