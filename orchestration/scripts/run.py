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
from orchestration.names import FINANCE, Table
from orchestration.scripts.build import build_table
from orchestration.scripts.check import Checked, check_script
from orchestration.scripts.lineage import lineages

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
    narrow the run. Publishing what was built is the caller's.
    """
    chosen = sorted(runtime.tenants) if tenants is None else list(tenants)
    wanted = None if tables is None else set(tables)
    found = [
        item for item in lineages(runtime.settings.scripts_dir / FOLDER) if wanted is None or item.writes in wanted
    ]
    results: list[ScriptResult] = []
    with runtime.warehouse.session("financial scripts") as session:
        for checked in (check_script(item.script) for item in found):
            results.extend(_run(session.con, checked, tenant, as_of) for tenant in chosen)
    return results


def _run(con: duckdb.DuckDBPyConnection, checked: Checked, tenant: str, as_of: date) -> ScriptResult:
    started = time.perf_counter()
    table = checked.target or (FINANCE, checked.script.name)
    try:
        rows = build_table(con, checked, tenant, as_of)
    except StrataError as error:
        return ScriptResult(checked.script.path, table, tenant, "failed", 0, time.perf_counter() - started, str(error))
    return ScriptResult(checked.script.path, table, tenant, "built", rows, time.perf_counter() - started)
