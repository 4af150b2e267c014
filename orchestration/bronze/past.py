"""The loads that made bronze what it was at a moment, and their replay from landing into a table of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orchestration.bronze.guard import APPLY_ALL, HOLD_ALL
from orchestration.bronze.ledger import HELD, LoadResult
from orchestration.bronze.merge import Incoming, Kind, live_rows, merge
from orchestration.contracts.model import Contract
from orchestration.failures import StrataError
from orchestration.landing.history import read_manifest, verify
from orchestration.landing.manifest import Manifest, Place
from orchestration.landing.store import LandingStore
from orchestration.quality.gate import gate
from orchestration.runtime import Runtime
from orchestration.warehouse import apply
from orchestration.warehouse.clock import utc_now
from orchestration.warehouse.protocol import Session


@dataclass(frozen=True)
class Past:
    """The loads of a place to replay, oldest first; none when it had no rows yet."""

    place: Place
    loads: tuple[LoadResult, ...]


def past_loads(store: LandingStore, place: Place, loads: Sequence[LoadResult], until: datetime) -> Past:
    """Choose from a place's ledgered loads those that made it what it was at ``until``.

    What an earlier rebuild in place undid, stays undone. The replay begins with the oldest full
    load from which on landing is whole.

    Raises:
        StrataError: there is none; says how far landing reaches back.
    """
    effective: list[LoadResult] = []
    for load in loads:
        finished = load.finished_at or load.started_at
        if finished > until:
            continue
        if load.requested == "backfill" and load.window_until:
            moment = load.window_until
            effective = [kept for kept in effective if (kept.finished_at or kept.started_at) <= moment]
        else:
            effective.append(load)
    return Past(place, tuple(_from_oldest_whole(store, place, effective, until)))


def _from_oldest_whole(
    store: LandingStore, place: Place, loads: Sequence[LoadResult], until: datetime
) -> Sequence[LoadResult]:
    missing = [number for number, load in enumerate(loads) if not _is_landed(store, load)]
    first = missing[-1] + 1 if missing else 0
    if first == 0:
        return loads
    for number in range(first, len(loads)):
        if loads[number].mode == "full":
            return loads[number:]
    message = f"{place.prefix.rstrip('/')}: landing has no whole history up to {until.isoformat()}."
    raise StrataError(message, "STRATA_LANDING_RETENTION_DAYS says how long landing is kept; name a later moment.")


def _is_landed(store: LandingStore, load: LoadResult) -> bool:
    if not load.landed_bytes:
        return True
    try:
        read_manifest(store, load.place, load.load_id)
    except FileNotFoundError:
        return False
    return True


def rebuild(runtime: Runtime, contract: Contract, beside: Contract, past: Past) -> int:
    """Replay the loads of one place into ``beside``'s table, a session for each; returns its live rows."""
    for load in past.loads:
        _replay(runtime, contract, beside, load)
    with runtime.warehouse.session(f"rebuild {past.place.prefix}") as session:
        return live_rows(session, beside, past.place)


def _replay(runtime: Runtime, contract: Contract, beside: Contract, load: LoadResult) -> None:
    manifest = landed_then(runtime.landing, load)
    then = replace(as_landed(contract, manifest), source=beside.source)
    try:
        with runtime.warehouse.session(f"rebuild {load.place.prefix}") as session, session.transaction():
            apply.apply(session, [then])
            merge_again(session, runtime.landing, then, load, manifest)
    finally:
        runtime.landing.release(load.place.load_prefix(load.load_id))


def merge_again(
    session: Session, store: LandingStore, then: Contract, load: LoadResult, manifest: Manifest
) -> dict[str, int]:
    """Merge what a load landed, under its own id and instant; returns the ledger's counts of it.

    ``then`` is the contract as it landed. The caller owns the transaction.
    """
    at = load.finished_at or load.started_at
    with gate(session.con, then, manifest, store) as gated:
        incoming = Incoming(then, load.place, load.load_id, at, _kind(load, manifest), gated)
        # What the guard held then, stays held; what a person let through then, goes through.
        return merge(session, incoming, HOLD_ALL if load.status == HELD else APPLY_ALL).counts(gated)


def landed_then(store: LandingStore, load: LoadResult) -> Manifest:
    """Return a load's manifest, its parts proven; a load that found nothing stored none."""
    if load.landed_bytes:
        manifest = read_manifest(store, load.place, load.load_id)
        verify(store, manifest)
        return manifest
    return Manifest(
        load_id=load.load_id,
        tenant=load.tenant_id,
        source=load.source,
        connection=load.connection,
        entity=load.entity,
        mode="full" if load.mode == "full" else "delta",
        window_since=load.window_since,
        window_until=load.window_until or load.started_at,
        contract_version=load.contract_version,
        columns=(),
        landed_at=load.finished_at or utc_now(),
    )


def as_landed(contract: Contract, manifest: Manifest) -> Contract:
    """Return the contract for the columns that landed then; those it still names are judged as it says today."""
    if not manifest.columns:
        return contract
    today = {column.name: column for column in contract.columns}
    columns = tuple(today.get(column.name, column) for column in manifest.columns)
    known = {column.name for column in columns}
    return replace(
        contract,
        columns=columns,
        cursor=contract.cursor if contract.cursor in known else None,
        soft_delete_column=contract.soft_delete_column if contract.soft_delete_column in known else None,
    )


def _kind(load: LoadResult, manifest: Manifest) -> Kind:
    if load.mode == "full":
        return "snapshot"
    # A sweep that found no key at all landed nothing; only its deletions tell that it was one.
    empty_sweep = not manifest.parts and (load.deleted or load.held)
    return "sweep" if manifest.of_role("present_keys") or empty_sweep else "changes"
