"""Merges what came through the gate into bronze, and says what it did; the caller owns the transaction.

The same code runs for a load, for a replay from quarantine and for a backfill.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from orchestration.bronze import ahead, statements, writing
from orchestration.bronze.guard import Guard
from orchestration.contracts.model import Contract
from orchestration.landing.manifest import Place
from orchestration.names import Table
from orchestration.quality.gate import Gated
from orchestration.warehouse.clock import stored
from orchestration.warehouse.protocol import Session

Kind = Literal["snapshot", "changes", "sweep"]
"""What landed: all rows of the source, some rows and reported deletions, or all keys."""


@dataclass(frozen=True)
class Incoming:
    """What is to be merged and under which name: the load's id and the instant its rows carry (UTC)."""

    contract: Contract
    place: Place
    load_id: str
    at: datetime
    kind: Kind
    gated: Gated

    @property
    def own(self) -> list[object]:
        """The parameters that keep a statement to this tenant's connection."""
        return [self.place.tenant, self.place.connection]


@dataclass(frozen=True)
class Merged:
    """What a merge did, in rows. ``verdict`` says why tombstones were held; empty when they were not.

    ``stale`` of the superseded are older than what we have of their keys.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    stale: int = 0
    conflicts: int = 0
    deleted: int = 0
    held: int = 0
    verdict: str = ""

    def counts(self, gated: Gated) -> dict[str, Any]:
        """Return the ledger's counts by name."""
        return {
            "extracted": gated.extracted,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "superseded": self.superseded,
            "rejected": gated.rejected + self.conflicts,
            "deleted": self.deleted,
            "held": self.held,
        }


def merge(session: Session, incoming: Incoming, guard: Guard) -> Merged:
    """Write new, changed and missing rows; rows that do not differ are not touched."""
    contract = incoming.contract
    if not session.execute(statements.any_rows(contract), incoming.own):
        return _fill(session, incoming)
    with ExitStack() as at_hand:
        return _reconcile(session, incoming, guard, at_hand)


def _reconcile(session: Session, incoming: Incoming, guard: Guard, at_hand: ExitStack) -> Merged:
    """Compare with what is there, and write the difference; our rows are ``at_hand`` until the end."""
    contract = incoming.contract
    total, live = _count(session, contract, incoming.place) if incoming.kind == "snapshot" else (0, 0)
    found = _compare(session, incoming, total, at_hand)
    missing = _collect_tombstones(session, incoming)
    if incoming.kind == "sweep" and missing:
        live = live_rows(session, contract, incoming.place)
    verdict = guard.judge(session, incoming.kind, missing=missing, live=live, rejects=incoming.gated.rejects)
    new, changed, stale, buried = session.execute(statements.COUNT_CHANGES)[0]
    bury = bool(missing and not verdict)
    _write(session, incoming, new=new, changed=changed, bury=bury)
    further = older = 0
    if found.some_are_ahead:
        further, older = ahead.overwrite(session, contract, incoming.own, _marks(incoming))
    return Merged(
        inserted=new + further - older,
        updated=changed + older,
        unchanged=found.winners - new - changed - stale - further,
        superseded=found.superseded + stale,
        stale=stale,
        conflicts=found.conflicts,
        deleted=buried + (0 if verdict else missing),
        held=missing if verdict else 0,
        verdict=verdict,
    )


@dataclass(frozen=True)
class _Found:
    """Rows by the role they play among the versions of their keys in this load.

    ``some_are_ahead``: those winners that are newer than all we have were set apart, and not compared.
    """

    winners: int
    superseded: int = 0
    conflicts: int = 0
    some_are_ahead: bool = False


def _find_winners(session: Session, incoming: Incoming) -> _Found:
    """Name the one version of each key that counts; conflicting versions join the rejects."""
    contract, gated = incoming.contract, incoming.gated
    arrived = gated.extracted - gated.rejected
    contested = session.execute(statements.find_duplicates(contract, gated.good))[0][0] > 0
    superseded = conflicts = 0
    if contested:
        session.execute(statements.judge_duplicates(contract, gated.good))
        superseded, conflicts = session.execute(
            "SELECT count(*) FILTER (_verdict = 'superseded'), count(*) FILTER (_verdict = 'conflict') FROM contested"
        )[0]
    if conflicts:
        places = gated.places.find(statements.conflicting_keys(contract))
        session.execute(statements.reject_conflicts(contract, gated.rejects, places))
    session.execute(statements.name_winners(contract, gated.good, contested=contested))
    return _Found(arrived - superseded - conflicts, superseded, conflicts)


def _fill(session: Session, incoming: Incoming) -> Merged:
    """Write every winner into a table that has no row of this connection."""
    found = _find_winners(session, incoming)
    inserted = writing.fill(session, incoming.contract, incoming.own, _marks(incoming), rows=found.winners)
    return Merged(inserted=inserted, superseded=found.superseded, conflicts=found.conflicts)


def _compare(session: Session, incoming: Incoming, total: int, at_hand: ExitStack) -> _Found:
    """Find out what has to happen to which key; ``total`` counts our rows, for a snapshot."""
    contract, gated = incoming.contract, incoming.gated
    if incoming.kind != "changes":
        at_hand.enter_context(writing.ours(session, contract, incoming.own))
    if incoming.kind == "snapshot":
        return _compare_snapshot(session, incoming, total)
    found = _find_winners(session, incoming)
    if incoming.kind == "changes":
        arrived = statements.arrived_keys(contract, gated.deleted_keys)
        at_hand.enter_context(writing.ours(session, contract, incoming.own, arrived))
        if ahead.set_apart(session, contract, incoming.own, found.winners):
            found = replace(found, some_are_ahead=True)
    winners = ahead.ABREAST if found.some_are_ahead else "winner"
    session.execute(statements.compare_delta(contract, gated.deleted_keys, gated.rejects, winners), incoming.own)
    if session.execute("SELECT 1 FROM change WHERE _kind = 'equal' LIMIT 1"):
        session.execute(statements.settle_equals(contract, stored=not session.is_embedded))
    return found


def _compare_snapshot(session: Session, incoming: Incoming, total: int) -> _Found:
    """Compare as if no key came twice, and look for duplicates only where the counts say that one did."""
    contract, gated = incoming.contract, incoming.gated
    arrived = gated.extracted - gated.rejected
    session.execute(statements.name_winners(contract, gated.good, contested=False))
    _run_comparison(session, contract, incoming.own)
    found = _Found(arrived)
    if session.execute(statements.is_ambiguous(contract), [arrived, total])[0][0]:
        found = _find_winners(session, incoming)
        _run_comparison(session, contract, incoming.own)
    if contract.cursor and session.execute(f"SELECT 1 FROM {gated.rejects} LIMIT 1"):
        session.execute(statements.spare_newer(contract, gated.rejects))
    return found


def _run_comparison(session: Session, contract: Contract, own: Sequence[object]) -> None:
    session.execute(statements.TARGET_IS_BUILD_SIDE)
    try:
        session.execute(statements.compare_snapshot(contract, stored=not session.is_embedded), own)
    finally:
        session.execute(statements.ANY_BUILD_SIDE)


def reconcile_with(
    session: Session, contract: Contract, place: Place, table: Table, *, load_id: str, at: datetime
) -> Merged:
    """Bring one connection's rows to those of another table of the same form, tombstones included."""
    flagged = replace(contract, soft_delete_column=statements.GONE_THEN)
    session.execute(statements.take_rows_of(contract, table, place.tenant, place.connection))
    own = [place.tenant, place.connection]
    with writing.ours(session, contract, own):
        _run_comparison(session, flagged, own)
        arrived = session.execute("SELECT count(*) FROM winner")[0][0]
        new, changed, _, buried = session.execute(statements.COUNT_CHANGES)[0]
        missing = session.execute(statements.missing_from_change(statements.MISSING))[0][0]
        marks = [load_id, stored(at), stored(at)]
        writing.bury(session, contract, own, marks[1:])
        writing.replace(session, contract, own, marks, new=new, changed=changed, carried=True)
    return Merged(inserted=new, updated=changed, unchanged=arrived - new - changed, deleted=buried + missing)


def live_rows(session: Session, contract: Contract, place: Place) -> int:
    """Count the rows of an entity and connection that are not tombstones."""
    return _count(session, contract, place)[1]


def _count(session: Session, contract: Contract, place: Place) -> tuple[int, int]:
    total, live = session.execute(statements.count_rows(contract), [place.tenant, place.connection])[0]
    return int(total), int(live)


def _write(session: Session, incoming: Incoming, *, new: int, changed: int, bury: bool) -> None:
    """Write what was found out; ``bury``: the collected rows become tombstones."""
    contract = incoming.contract
    own, marks = incoming.own, _marks(incoming)
    if bury:
        writing.bury(session, contract, own, marks[1:])
    writing.replace(session, contract, own, marks, new=new, changed=changed, carried=incoming.kind == "snapshot")


def _collect_tombstones(session: Session, incoming: Incoming) -> int:
    contract, gated = incoming.contract, incoming.gated
    if incoming.kind == "snapshot":
        found = session.execute(statements.missing_from_snapshot(contract, gated.rejects))
    elif incoming.kind == "sweep":
        found = session.execute(statements.missing_from_sweep(contract, gated.present_keys), incoming.own)
    else:
        found = session.execute(statements.missing_from_change(statements.REPORTED))
    return int(found[0][0])


def _marks(incoming: Incoming) -> list[object]:
    """Return load id, loaded at, and deleted at for rows that the source marks as deleted."""
    return [incoming.load_id, stored(incoming.at), stored(incoming.at)]
