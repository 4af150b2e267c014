"""Erases one person in steps that may each be done twice, and remembers the keys so that no load brings them back.

First the digests are written, then published versions, the warehouse's tables in one
transaction, landing, and at last the warehouse's file. No load of these entities runs meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from uuid import uuid4

from orchestration import names
from orchestration.bronze import ledger
from orchestration.bronze.erased import ERASURE, key_digest, salt_of
from orchestration.bronze.ledger import LOADED, LoadResult
from orchestration.bronze.rejects import QUARANTINE
from orchestration.bronze.request import load_lock
from orchestration.contracts.model import Contract
from orchestration.control import changes
from orchestration.control.actor import current_actor
from orchestration.failures import SettingsError
from orchestration.landing.forgetting import forget
from orchestration.landing.history import committed_loads
from orchestration.landing.manifest import Place, new_load_id
from orchestration.publication.exported import export_logs
from orchestration.publication.status import write_status
from orchestration.quality.salts import hand_over_salts
from orchestration.runtime import Runtime
from orchestration.scripts.work import empty_work
from orchestration.tenancy.belongings import Found
from orchestration.tenancy.erasing.consumers import send_anew
from orchestration.tenancy.erasing.derived import DELETED, cuts_of, erase_from_tables, erase_from_versions
from orchestration.tenancy.erasing.events import erase_from_events, erase_from_outbox
from orchestration.tenancy.erasing.search import (
    Search,
    bronze_copy,
    bronze_rows,
    bronze_tables,
    columns_of,
    quarantined,
)
from orchestration.tenancy.erasing.traces import find_traces
from orchestration.tenancy.erasing.wanted import Wanted, personal_contracts
from orchestration.tenancy.registry_rows import require_tenant
from orchestration.warehouse import apply
from orchestration.warehouse.clock import stored, utc_now
from orchestration.warehouse.compaction import compact
from orchestration.warehouse.lock import held
from orchestration.warehouse.protocol import Session

ERASURE_LOAD = "erasure"


@dataclass(frozen=True)
class Erased:
    """What was where of the person; ``keys`` is how many of their keys are kept out from now on."""

    found: tuple[Found, ...]
    keys: int


def erase_person(runtime: Runtime, tenant: str, wanted: Wanted) -> Erased:
    """Erase a person, or finish an erasure that was broken off.

    Raises:
        SettingsError: the tenant is unknown, or has no such connection.
        Busy: an entity is being loaded and did not end in time.
    """
    require_tenant(runtime.control, tenant)
    hand_over_salts(runtime)  # a seeded tenant gets its salt with its first build, and may not have one yet
    places = _places(runtime, tenant, wanted)
    with _no_loads(runtime, places):
        found, keys = _Erasure(runtime, tenant, wanted, places).run()
    compact(runtime.warehouse, runtime.settings)
    with runtime.control.transaction(current_actor()) as connection:
        rows = sum(item.pieces for item in found)
        changes.record(connection, tenant, "erase", "one person", after={"keys": keys, "rows": rows})
    return Erased(tuple(found), keys)


def _places(runtime: Runtime, tenant: str, wanted: Wanted) -> list[tuple[Contract, Place]]:
    """Return where the entities were loaded or landed, and where they will be."""
    with runtime.warehouse.session("places of an erasure") as session:
        apply.ensure(session)
        loaded = {
            place
            for contract in wanted.contracts
            for place in ledger.places(session, contract.source, contract.entity)
            if place.tenant == tenant
        }
    known = runtime.tenants.get(tenant)
    will_be = {
        Place(tenant, contract.source, connection.instance, contract.entity)
        for contract in wanted.contracts
        for connection in (known.of_source(contract.source) if known else ())
    }
    _require_connection(loaded | will_be, tenant, wanted)
    by_name = {(contract.source, contract.entity): contract for contract in wanted.contracts}
    chosen = sorted(place for place in loaded | will_be if wanted.connection in (None, place.connection))
    return [(by_name[place.source, place.entity], place) for place in chosen]


def _require_connection(places: set[Place], tenant: str, wanted: Wanted) -> None:
    known = sorted({f"{place.source}/{place.connection}" for place in places})
    if wanted.connection and all(wanted.connection != place.connection for place in places):
        message = f"--connection {wanted.connection}: {tenant} has no such connection here."
        raise SettingsError(message, f"There is: {', '.join(known) or 'none'} (source/connection).")


@contextmanager
def _no_loads(runtime: Runtime, places: list[tuple[Contract, Place]]) -> Iterator[None]:
    with ExitStack() as locks:
        for _, place in places:
            lock, wait = load_lock(runtime, place), runtime.settings.lock_wait_seconds
            locks.enter_context(held(lock, "erase a person", wait))
        yield


@dataclass
class _Erasure:
    """One erasure, with the locks of its places held."""

    runtime: Runtime
    tenant: str
    wanted: Wanted
    places: list[tuple[Contract, Place]]

    def run(self) -> tuple[list[Found], int]:
        runtime = self.runtime
        search = Search(runtime, self.wanted, salt_of(runtime, self.tenant))
        contracts = [contract for contract, _ in self.places]
        with runtime.warehouse.session("erase a person") as session:
            apply.ensure(session, contracts)
            search.look(session, self.places)
            self._remember(session, search)
            personal = personal_contracts(runtime.sources)
            traces = find_traces(session, personal, contracts, search.person, search.salt)
            cuts = cuts_of(runtime, self.tenant, traces)
            found = list(erase_from_versions(session, runtime, cuts))
            with session.transaction():
                empty_work(session)  # what a killed close has left there
                found += erase_from_tables(session, cuts)
                found += erase_from_events(session, runtime.settings, cuts)
                for contract, place in self.places:
                    found += self._erase_rows(session, search, contract, place)
            write_status(session, runtime)
            export_logs(session, runtime.settings, thorough=True)
        with runtime.control.transaction(current_actor()) as connection:
            found += erase_from_outbox(connection, runtime.settings, cuts)
        # A published version's label is its table and its number.
        send_anew(runtime, self.tenant, {item.name.split()[0] for item in found if item.place == "published"})
        for contract, place in self.places:
            found += self._erase_landed(search, contract, place)
        keys = {(place, key) for place, rows in search.person.items() for key in rows}
        return found, len(keys) or int(self.wanted.key is not None)

    def _remember(self, session: Session, search: Search) -> None:
        """Write the digests of all keys before anything is deleted; the key that is asked for counts, found or not."""
        at, who = stored(utc_now()), current_actor()
        for contract, place in self.places:
            if self.wanted.key is not None:
                search.digests[place].add(key_digest(contract, search.salt, self.wanted.key))
            for digest in sorted(search.digests[place]):
                self._remember_one(session, place, digest, [at, who])

    @staticmethod
    def _remember_one(session: Session, place: Place, digest: str, stamp: list[object]) -> None:
        key = [place.tenant, place.connection, place.source, place.entity, digest]
        columns = "tenant_id, connection, source, entity, key_digest"
        same = " AND ".join(f"{name} = ?" for name in columns.split(", "))
        if not session.execute(f"SELECT 1 FROM {ERASURE} WHERE {same}", key):
            session.execute(
                f"INSERT INTO {ERASURE} ({columns}, erasure_id, erased_at, erased_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [*key, uuid4().hex, *stamp],
            )

    def _erase_rows(self, session: Session, search: Search, contract: Contract, place: Place) -> Iterator[Found]:
        for table in bronze_tables(session, contract):
            with bronze_copy(session, table, contract, place, to_delete=True):
                theirs = [
                    rowid
                    for rowid, row in bronze_rows(session, table, contract, place)
                    if search.is_theirs(contract, place, row)
                ]
                if theirs:
                    listed = ", ".join(map(str, theirs))
                    session.execute(f"DELETE FROM {names.qualified(table)} WHERE rowid IN ({listed})")
            if theirs:
                yield Found("warehouse", ".".join(table), DELETED, len(theirs))
                if table == contract.table:
                    self._record(session, contract, place, len(theirs))
        if entries := quarantined(session, contract, place, search):
            for entry in entries:
                session.execute(f"DELETE FROM {QUARANTINE} WHERE quarantine_id = ?", [entry])
            yield Found("warehouse", f"quarantine of {place.source}/{place.entity}", DELETED, len(entries))

    def _record(self, session: Session, contract: Contract, place: Place, rows: int) -> None:
        """Write a ledger row, so that the next build takes the change in.

        The rows count as updated: deleted ones would pass for an answer to what the shrink guard holds.
        """
        mark = ledger.read_mark(session, place)
        result = LoadResult(
            load_id=new_load_id(),
            tenant_id=place.tenant,
            connection=place.connection,
            source=place.source,
            entity=place.entity,
            mode="replay",
            requested=ERASURE_LOAD,
            status=LOADED,
            started_at=utc_now(),
            who=current_actor(),
            contract_version=contract.version,
            watermark=mark.watermark,
            deletes_until=mark.deletes_until,
            extracted=rows,
            updated=rows,
            message=f"{rows} rows of an erased person were deleted.",
        )
        ledger.record(session, result, ledger.next_stamp(session))

    def _erase_landed(self, search: Search, contract: Contract, place: Place) -> Iterator[Found]:
        store = self.runtime.landing
        rewritten = 0
        for manifest in list(committed_loads(store, place)):
            changed = forget(store, manifest, columns_of(contract), lambda row: search.is_theirs(contract, place, row))
            rewritten += changed != manifest
            store.release(place.load_prefix(manifest.load_id))
        if rewritten:
            yield Found("landing", place.prefix, "loads rewritten", rewritten)
