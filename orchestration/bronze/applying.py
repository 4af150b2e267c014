"""The load's one transaction: gate, merge, quarantine and ledger row, all of it or nothing.

A process killed before its commit has done nothing, and one killed after it has done all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import stamina

from orchestration.bronze import ledger, rejects, statements
from orchestration.bronze.emptied import emptied_columns
from orchestration.bronze.erased import withhold
from orchestration.bronze.extraction import Landed, Reading
from orchestration.bronze.failure import discard_landing, failed
from orchestration.bronze.guard import Guard
from orchestration.bronze.ledger import HELD, LOADED, LoadResult, Mark
from orchestration.bronze.merge import Incoming, Kind, Merged, live_rows, merge
from orchestration.bronze.request import Request
from orchestration.bronze.telling import tell_drift
from orchestration.contracts.model import Contract
from orchestration.failures import Busy, ContractViolated
from orchestration.quality.gate import Gated, gate
from orchestration.warehouse import apply
from orchestration.warehouse.clock import aware, utc_now
from orchestration.warehouse.protocol import Interrupted, Session
from orchestration.warehouse.turns import beside_others

_KINDS: dict[Reading, Kind] = {"full": "snapshot", "delta": "changes", "sweep": "sweep"}


@dataclass(frozen=True)
class Arrival:
    """What landed, and what the ledger said before; ``contract`` is the file's, without columns that grew."""

    contract: Contract
    draft: LoadResult
    mark: Mark
    landed: Landed
    reading: Reading


class Overtaken(Busy):
    """Somebody loaded the place between the mark that was read and the lock that is held."""


def apply_arrival(request: Request, arrival: Arrival) -> tuple[LoadResult, bool]:
    """Merge what landed and record it; returns the result, and whether a sweep for deletions has to follow.

    A server's fault that passes by itself makes it begin anew. Had the commit come through all the same, the mark
    is found moved, and the load begins with what is left to load.

    Raises:
        Overtaken: the mark that the window began at is not the last one any more.
        Stopped: the tenant was suspended meanwhile. In both cases nothing is written.
    """
    # Not its decorator, which would log what the step was called with.
    for attempt in stamina.retry_context(on=Interrupted, attempts=4, timeout=300, wait_initial=0.5, wait_max=15):
        with attempt:
            result, sweep = _apply(request, arrival)
    if result.status == ledger.FAILED:
        discard_landing(request.runtime, result)
    return result, sweep


def _apply(request: Request, arrival: Arrival) -> tuple[LoadResult, bool]:
    """Do it beside other loads; what the source has grown is added to the table alone."""
    purpose = request.purpose(arrival.contract.entity)
    place = arrival.draft.place.prefix
    return beside_others(request.runtime.warehouse, purpose, partial(_transact, request, arrival), place=place)


def _transact(request: Request, arrival: Arrival, session: Session) -> tuple[LoadResult, bool]:
    runtime, landed = request.runtime, arrival.landed
    with session.transaction():
        if ledger.read_mark(session, arrival.draft.place) != arrival.mark:
            raise _overtaken(arrival)
        if landed.contract != arrival.contract:
            apply.apply(session, [landed.contract])
        stamp = ledger.next_stamp(session)
        manifest = withhold(session, runtime, landed.contract, landed.manifest)
        with gate(session.con, landed.contract, manifest, runtime.landing) as gated:
            place, load_id = arrival.draft.place, arrival.draft.load_id
            incoming = Incoming(landed.contract, place, load_id, stamp.at, _KINDS[arrival.reading], gated)
            note = " ".join(filter(None, [landed.note, emptied_columns(session, incoming, manifest)]))
            told = replace(arrival, landed=replace(landed, note=note))
            result, sweep = _judge(session, incoming, told, request.force_reason)
        request.admission.require(result.tenant_id)
        # The stamp is that of the rows, drawn before the gate; what took the time comes after it.
        result = replace(result, seconds=(utc_now() - result.started_at).total_seconds())
        with session.numbering() as overtaken:
            # No lock that a broken connection could lose stands between this look and the commit.
            if overtaken and not ledger.stands_at(session, arrival.draft.place, arrival.mark):
                raise _overtaken(arrival)
            result = ledger.record(session, result, stamp)
            if note and result.status != ledger.FAILED:
                tell_drift(session, result, note)
    request.status.now_and_then(session)
    return result, sweep


def _overtaken(arrival: Arrival) -> Overtaken:
    return Overtaken(f"{arrival.draft.place.prefix}: somebody else loaded it meanwhile.", "Load it again.")


def _judge(session: Session, incoming: Incoming, arrival: Arrival, reason: str | None) -> tuple[LoadResult, bool]:
    """Merge, unless too many rows were rejected: then only quarantine is written, for a person to look at."""
    failure = _too_many_rejects(session, incoming)
    if failure:
        rejects.write_rejects(session, incoming)
        return failed(arrival.draft, failure, incoming.gated), False
    guard = Guard(arrival.contract.shrink_threshold, _answered(session, incoming), reason)
    merged = merge(session, incoming, guard)
    _require_few_conflicts(session, incoming, merged)
    rejects.settle(session, incoming)
    return _result(session, incoming, arrival, merged)


def _require_few_conflicts(session: Session, incoming: Incoming, merged: Merged) -> None:
    """Refuse the load as a whole where too many versions of keys conflict, which only the merge finds.

    Raises:
        ContractViolated: with the rows that break the contract they are more than its threshold allows.
    """
    contract, refused = incoming.contract, incoming.gated.rejected + merged.conflicts
    if merged.conflicts and refused > contract.reject_threshold * _base(session, incoming, refused):
        message = (
            f"{contract.source}/{contract.entity}: {merged.conflicts:,} rows are versions of one key that differ "
            f"and have the same cursor, more than rejectThreshold {contract.reject_threshold:.0%} allows; "
            "bronze is as it was."
        )
        remedy = "Is the key in the contract the source's? A table that tenants share needs its tenantColumn."
        raise ContractViolated(message, remedy)


def _base(session: Session, incoming: Incoming, refused: int) -> int:
    """Return what refused rows are a part of: of a delta the whole entity, for one bad row is no reason to stop."""
    if refused and incoming.kind == "changes":
        return max(incoming.gated.extracted, live_rows(session, incoming.contract, incoming.place))
    return incoming.gated.extracted


def _result(session: Session, incoming: Incoming, arrival: Arrival, merged: Merged) -> tuple[LoadResult, bool]:
    landed, mark = arrival.landed, arrival.mark
    # Deletions that were held are not known to bronze: the mark stays where it was.
    deletes_until = mark.deletes_until if merged.held else later(mark.deletes_until, landed.manifest.deletes_until)
    sweep = landed.source_rows is not None and _counts_differ(session, incoming, landed.source_rows)
    if landed.source_rows is not None and not sweep:
        deletes_until = landed.manifest.window_until
    result = replace(
        arrival.draft,
        status=HELD if merged.held else LOADED,
        watermark=next_watermark(mark.watermark, incoming.gated, landed.manifest.window_until),
        deletes_until=deletes_until,
        message=" ".join(text for text in (landed.note, _left_alone(merged), merged.verdict) if text),
        **merged.counts(incoming.gated),
    )
    return result, sweep


def _left_alone(merged: Merged) -> str:
    if not merged.stale:
        return ""
    rows = "1 row is" if merged.stale == 1 else f"{merged.stale:,} rows are"
    return f"{rows} older than what bronze or quarantine has of the key, and left out."


def _counts_differ(session: Session, incoming: Incoming, source_rows: int) -> bool:
    """Rows that the source has marked as deleted are still rows to it, and so are those in quarantine."""
    known = session.execute(statements.count_present(incoming.contract), incoming.own)[0][0]
    return bool(known + rejects.waiting(session, incoming) != source_rows)


def _too_many_rejects(session: Session, incoming: Incoming) -> ContractViolated | None:
    contract, rejected = incoming.contract, incoming.gated.rejected
    base = _base(session, incoming, rejected)
    if rejected <= contract.reject_threshold * base:
        return None
    return ContractViolated(
        f"{contract.source}/{contract.entity}: {rejected:,} of {base:,} rows break the contract, "
        f"more than rejectThreshold {contract.reject_threshold:.0%} allows; bronze is as it was.",
        f"Look at them with: strata quarantine list {contract.source} --entity {contract.entity}",
    )


def _answered(session: Session, incoming: Incoming) -> int:
    if incoming.kind == "sweep":
        return int(session.execute(f"SELECT count(*) FROM {incoming.gated.present_keys}")[0][0])
    return incoming.gated.extracted


def next_watermark(before: datetime | None, gated: Gated, until: datetime) -> datetime | None:
    """Move the watermark to the latest cursor seen, rejected rows included; never back, never past ``until``.

    A timestamp from the future would otherwise hide every change until then.
    """
    seen = aware(gated.max_cursor)
    return later(before, min(seen, until) if seen else None)


def later(first: datetime | None, second: datetime | None) -> datetime | None:
    """Return the later of two instants that may be unknown."""
    known = [instant for instant in (first, second) if instant]
    return max(known, default=None)
