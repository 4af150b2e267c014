"""What a close means to Dagster: a table is materialised when every tenant's day is closed, else it is observed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.definitions.outcome import MOST_SHOWN
from orchestration.definitions.specs import asset_key, type_name
from orchestration.definitions.transform.scripts import check_specs
from orchestration.names import TENANT, Table
from orchestration.publication.log import PublishedVersion
from orchestration.scripts.close.outcome import CheckOutcome, Closed, Closing
from orchestration.scripts.close.plan import Plan, PlannedScript

if TYPE_CHECKING:
    from orchestration.scripts.lineage.columns import ColumnSources

Event = dg.MaterializeResult[None] | dg.AssetObservation | dg.AssetCheckResult | dg.Output[None]


def events_of(closing: Closing, plan: Plan, versions: Iterable[PublishedVersion]) -> Iterator[Event]:
    """Yield what happened to the tables and checks of ``plan``, which the assets were made from."""
    new = {version.table: version.version for version in versions}
    for table in dict.fromkeys(plan.tables):
        closed = [item for item in closing.tenants if table in item.tables]
        if closed and closing.is_whole and any(item.shown for item in closed):
            yield dg.MaterializeResult(asset_key=asset_key(table), metadata=_metadata(table, closed, new.get(table)))
        elif closed:
            yield dg.AssetObservation(asset_key(table), metadata=_metadata(table, closed, new.get(table)))
    verdicts = [verdict for script in plan.scripts for verdict in _checks(closing, script)]
    # Scripts for one table may have checks of one name: that of the script which was run counts.
    yield from {(verdict.asset_key, verdict.check_name): verdict for verdict in verdicts}.values()
    if all(item.status == "already closed" for item in closing.tenants):
        # Dagster takes no step for done that says nothing of a check; without a verdict its last one stands.
        yield from (dg.Output(None, output_name=spec.get_python_identifier()) for spec in check_specs(plan))


def _metadata(table: Table, closed: Sequence[Closed], version: int | None) -> dict[str, Any]:
    items = [item.tables[table] for item in closed]
    rows = [
        dg.TableRecord({
            "tenant": item.tenant, "rows": item.tables[table].rows[table], "close": item.close_id,
            "seconds": round(item.tables[table].seconds, 3),
        })
        for item in closed[:MOST_SHOWN]
    ]  # fmt: skip
    columns = {TENANT: "VARCHAR", **items[-1].columns[table]}
    return {
        "as_of": closed[0].as_of.isoformat(),
        "dagster/row_count": sum(item.rows[table] for item in items),
        "seconds": round(sum(item.seconds for item in items), 3),
        "tenants": dg.MetadataValue.table(rows),
        "dagster/column_schema": dg.TableSchema(
            [dg.TableColumn(name, type_name(kind)) for name, kind in columns.items()]
        ),
        "dagster/column_lineage": _lineage(items[-1].lineage.get(table, {})),
        "version": version or "unchanged",
    }


def _lineage(sources: ColumnSources) -> dg.TableColumnLineage:
    return dg.TableColumnLineage({
        column: [dg.TableColumnDep(asset_key(table), name) for table, name in found]
        for column, found in sources.items()
    })  # fmt: skip


def _checks(closing: Closing, script: PlannedScript) -> Iterator[dg.AssetCheckResult]:
    """Yield the verdict on each check, all tenants together; one that was not come to has none."""
    outcomes = [
        (item.tenant, check)
        for item in closing.tenants
        for done in item.scripts
        if done.script.name == script.name
        for check in done.checks
    ]
    for check in script.checks:
        judged = [(tenant, outcome) for tenant, outcome in outcomes if outcome.check.name == check.name]
        if judged:
            yield _verdict(script, judged)


def _verdict(script: PlannedScript, judged: Sequence[tuple[str, CheckOutcome]]) -> dg.AssetCheckResult:
    failed = [(tenant, outcome) for tenant, outcome in judged if not outcome.passed]
    check = judged[0][1].check
    return dg.AssetCheckResult(
        asset_key=asset_key(script.writes[0]),
        check_name=check.name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{tenant}: {outcome.sentence}" for tenant, outcome in failed[:MOST_SHOWN]),
        metadata={
            "tenants": len(judged),
            "failed tenants": len(failed),
            "offending rows": sum(outcome.rows for _, outcome in judged),
            "tolerance": check.tolerance,
        },
    )
