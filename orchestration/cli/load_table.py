"""The table of loads that ``strata load`` and ``strata run`` end with."""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.bronze.ledger import LoadResult
from orchestration.cli.console import coloured, print_table, say
from orchestration.cli.drift_told import Noted, drifted

_STYLE = {"loaded": "green", "held": "yellow", "failed": "bold red"}
_NUMBERS = ("extracted", "new", "updated", "same", "deleted", "rejected", "s")


def print_loads(results: Iterable[LoadResult]) -> None:
    """Print one line for each load, with its counts, and below them what sources have and contracts have not.

    Older versions of a row within one load count as same.
    """
    results = list(results)
    rows = [
        (
            result.entity,
            result.tenant_id if result.connection == "main" else f"{result.tenant_id}/{result.connection}",
            result.mode,
            coloured(result.status, _STYLE.get(result.status, "")),
            result.extracted,
            result.inserted,
            result.updated,
            result.unchanged + result.superseded,
            result.deleted,
            result.rejected,
            f"{result.seconds:.1f}",
        )
        for result in results
    ]
    print_table(("entity", "tenant", "mode", "status", *_NUMBERS), rows, numbers=_NUMBERS)
    for item in drifted(Noted(r.source, r.entity, r.tenant_id, r.requested, r.status, r.message) for r in results):
        say(str(item), style="yellow")
