"""Removes what is older than the retention settings: landing that no rebuild needs, and idle rows of the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from orchestration.bronze import standing
from orchestration.contracts.extraction import Connection
from orchestration.contracts.model import Contract
from orchestration.landing import history
from orchestration.landing.manifest import Place
from orchestration.runtime import Runtime
from orchestration.warehouse.clock import stored, utc_now
from orchestration.warehouse.protocol import Session


def expire_landing(runtime: Runtime, connection: Connection, contracts: Iterable[Contract]) -> list[str]:
    """Remove what no point in time within the retention needs; return the removed loads' ids.

    The last full load before the limit stays, with everything after it: ``strata backfill``
    reaches back to the oldest full load that is kept.
    """
    before = utc_now() - timedelta(days=runtime.settings.landing_retention_days)
    removed: list[str] = []
    for contract in contracts:
        removed += history.expire(runtime.landing, Place.of(connection, contract), before)
    return removed


def compact_ledger(session: Session, days: int) -> None:
    """Remove ledger rows, older than so many days, of loads that changed and landed nothing; each place's newest stays.

    An hourly run over 1,000 tenants and 11 entities writes 11,000 of them.
    """
    nothing = "inserted + updated + deleted + superseded + rejected + held + landed_bytes = 0"
    newest = " AND ".join(
        f"seq NOT IN (SELECT {name} FROM {standing.STATE} WHERE {name} IS NOT NULL)" for name in ("seq", "good_seq")
    )
    standing.refresh(session)
    session.execute(
        f"DELETE FROM {standing.LEDGER} WHERE finished_at < ? AND status = 'loaded' AND mode = 'delta' "
        f"AND {nothing} AND {newest}",
        [stored(utc_now() - timedelta(days=days))],
    )
