"""Removes landing that is older than the retention setting, never what a rebuild still needs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from orchestration.contracts.extraction import Connection
from orchestration.contracts.model import Contract
from orchestration.landing import history
from orchestration.landing.manifest import Place
from orchestration.runtime import Runtime
from orchestration.warehouse.clock import utc_now


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
