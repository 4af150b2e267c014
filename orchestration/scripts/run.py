"""Runs the financial scripts, tenant by tenant, in the order in which they read each other."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import duckdb

from orchestration.failures import StrataError
from orchestration.names import Table
from orchestration.plans import has_financial
from orchestration.quality.masking import known_contracts
from orchestration.quality.personal import personal_columns
from orchestration.scripts.build import build_table
from orchestration.scripts.check import check_script
from orchestration.scripts.lineage import Lineage, lineages
from orchestration.scripts.problems import refusal
from orchestration.scripts.scope import Personal

if TYPE_CHECKING:
    from orchestration.runtime import Runtime

FOLDER = "financial"


@dataclass(frozen=True)
class ScriptResult:
    """One script's build for one tenant; ``rows`` is what its table holds of the tenant now."""

    script: Path
    table: Table
    tenant: str
    status: Literal["built", "failed"]
    rows: int
    seconds: float
    message: str = ""


def run_financial(
    runtime: Runtime, as_of: date, tenants: Iterable[str] | None = None, tables: Iterable[Table] | None = None
) -> list[ScriptResult]:
    """Build financial gold as of a business day.

    One script's or tenant's failure leaves the others built; callers decide to raise. ``tenants`` and ``tables``
    narrow the run. A tenant that is suspended, or whose plan has no feature ``financial``, is left out: what was
    built for it stays as it is. Publishing what was built is the caller's.
    """
    named = sorted(runtime.tenants) if tenants is None else list(tenants)
    chosen = [name for name in named if name not in runtime.tenants or has_financial(runtime.tenants[name])]
    wanted = None if tables is None else set(tables)
    found = [
        item for item in lineages(runtime.settings.scripts_dir / FOLDER) if wanted is None or item.writes in wanted
    ]
    personal = personal_columns(known_contracts(runtime.sources.values()))
    results: list[ScriptResult] = []
    failed: set[tuple[Table, str]] = set()
    with runtime.warehouse.session("financial scripts") as session:
        for item in found:
            for tenant in chosen:
                stale = [table for table in item.reads if (table, tenant) in failed]
                result = _skipped(item, tenant, stale) if stale else _run(session.con, item, (tenant, as_of), personal)
                results.append(result)
                if result.status == "failed":
                    failed.add((item.writes, tenant))
    return results


def _skipped(item: Lineage, tenant: str, stale: list[Table]) -> ScriptResult:
    """Report a script that reads a table which could not be built: its own would mix two days."""
    message = f"{item.script.path}: {tenant}: {'.'.join(stale[0])}, which it reads, could not be built."
    return ScriptResult(item.script.path, item.writes, tenant, "failed", 0, 0.0, message)


def _run(con: duckdb.DuckDBPyConnection, item: Lineage, turn: tuple[str, date], personal: Personal) -> ScriptResult:
    started, (tenant, as_of) = time.perf_counter(), turn
    path, table = item.script.path, item.writes
    try:
        if item.problems:
            raise refusal(item.problems)
        rows = build_table(con, check_script(item.script), tenant, as_of, personal)
    except StrataError as error:
        return ScriptResult(path, table, tenant, "failed", 0, time.perf_counter() - started, str(error))
    return ScriptResult(path, table, tenant, "built", rows, time.perf_counter() - started)
