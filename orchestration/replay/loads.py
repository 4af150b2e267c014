"""One recorded load, done again from landing under its own number, id and instant."""

from __future__ import annotations

from orchestration.bronze import ledger
from orchestration.bronze.ledger import LoadResult, Stamp
from orchestration.bronze.past import as_landed, landed_then, merge_again
from orchestration.bronze.request import load_lock
from orchestration.contracts.model import Contract
from orchestration.runtime import Runtime
from orchestration.warehouse import apply
from orchestration.warehouse.lock import held

_TOLD = ("inserted", "updated", "deleted", "held", "rejected")


def replay_load(runtime: Runtime, contract: Contract, load: LoadResult) -> str:
    """Merge and record a load in one transaction; says what it did otherwise than the first time, if anything."""
    purpose = f"replay {load.place.prefix}"
    manifest = landed_then(runtime.landing, load)
    then = as_landed(contract, manifest)
    try:
        with (
            held(load_lock(runtime, load.place), purpose, runtime.settings.lock_wait_seconds),
            runtime.warehouse.session(purpose) as session,
        ):
            apply.ensure(session, [then])
            with session.transaction():
                counts = merge_again(session, runtime.landing, then, load, manifest)
                ledger.record(session, load, _stamp(load))
    finally:
        runtime.landing.release(load.place.load_prefix(load.load_id))
    return _otherwise(load, counts)


def found_nothing(load: LoadResult) -> bool:
    """Whether there is nothing to merge: most hours bring nothing."""
    return load.mode == "delta" and not load.landed_bytes and not load.changed and not load.held


def record_alone(runtime: Runtime, load: LoadResult) -> None:
    """Record a load without merging it, so that marks and numbers go on."""
    with runtime.warehouse.session(f"replay {load.place.prefix}") as session, session.transaction():
        ledger.record(session, load, _stamp(load))


def _stamp(load: LoadResult) -> Stamp:
    return Stamp(load.seq, load.finished_at or load.started_at)


def _otherwise(load: LoadResult, counts: dict[str, int]) -> str:
    found = [
        f"{name} {counts[name]}, not {getattr(load, name)}" for name in _TOLD if counts[name] != getattr(load, name)
    ]
    return f"{load.place.prefix}{load.load_id}: {'; '.join(found)}" if found else ""
