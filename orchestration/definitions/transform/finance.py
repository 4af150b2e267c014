"""Financial gold: one asset a script, its upstream and downstream read from the script's own text."""

# No deferred annotations here: Dagster reads the types of `context` and `config`.
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import dagster as dg
from pydantic import Field

from orchestration import names
from orchestration.definitions.alerting import tell
from orchestration.definitions.outcome import Fault, raise_for
from orchestration.definitions.specs import asset_key, team
from orchestration.definitions.transform.calendar import business_day
from orchestration.definitions.transform.project import DbtProject
from orchestration.definitions.transform.steps import POOL, open_step
from orchestration.failures import FailureClass, ScriptRefused
from orchestration.scripts.lineage import Lineage, lineages
from orchestration.scripts.run import FOLDER, ScriptResult, run_financial
from orchestration.settings import Settings

OP = "financial_scripts"


class FinancialConfig(dg.Config):
    """``as_of`` is a business day (2026-11-30; empty: the newest), ``tenants`` narrows the run (empty: all)."""

    as_of: str = ""
    tenants: list[str] = Field(default_factory=list)


def script_lineages(settings: Settings) -> tuple[list[Lineage], str]:
    """Return every script's edges, and what is wrong with all of them together."""
    try:
        return lineages(settings.scripts_dir / FOLDER), ""
    except ScriptRefused as error:
        return [], str(error)


def finance_assets(scripts: Sequence[Lineage], project: DbtProject) -> dg.AssetsDefinition:
    """Return the scripts' tables as one multi-asset; a script that cannot be run fails alone, with its problem."""
    owners = {script.writes: script.script.header.owner for script in scripts}

    @dg.multi_asset(name=OP, specs=[_spec(script) for script in scripts], can_subset=True, pool=POOL)
    def build(context: dg.AssetExecutionContext, config: FinancialConfig) -> Iterator[dg.MaterializeResult[None]]:
        tables = sorted((key.path[0], key.path[1]) for key in context.selected_asset_keys)
        with open_step(context, project, "financial gold") as step:
            as_of = date.fromisoformat(config.as_of) if config.as_of else business_day(step.runtime)
            step.begin_financial()
            results = run_financial(step.runtime, as_of, config.tenants or None, tables)
            failed = [result for result in results if result.status == "failed"]
            whole = [table for table in tables if table not in {result.table for result in failed}]
            versions = {version.table: version for version in step.publish(whole, as_of)}
            for table in whole:
                yield _materialized(table, [r for r in results if r.table == table], as_of, versions.get(table))
            step.finish("; ".join(result.message for result in failed))
            found = [_fault(result, owners) for result in failed]
            tell(step.runtime, found, [_subject(result) for result in results if result.status == "built"])
        raise_for(found, context.retry_number)

    return build


def _subject(result: ScriptResult) -> str:
    return f"{'.'.join(result.table)} of {result.tenant}"


def _fault(result: ScriptResult, owners: Mapping[names.Table, str]) -> Fault:
    return Fault(_subject(result), FailureClass.SCRIPT, result.message, owners[result.table] or "platform")


def _materialized(
    table: names.Table, results: Sequence[ScriptResult], as_of: date, version: object
) -> dg.MaterializeResult[None]:
    rows = [dg.TableRecord({"tenant": r.tenant, "rows": r.rows, "seconds": round(r.seconds, 3)}) for r in results]
    return dg.MaterializeResult(
        asset_key=asset_key(table),
        metadata={
            "as_of": as_of.isoformat(),
            "dagster/row_count": sum(result.rows for result in results),
            "tenants": dg.MetadataValue.table(rows),
            "version": getattr(version, "version", None) or "unchanged",
        },
    )


def _spec(script: Lineage) -> dg.AssetSpec:
    header = script.script.header
    problem = "\n\n".join(str(problem) for problem in script.problems)
    return dg.AssetSpec(
        asset_key(script.writes),
        deps=[asset_key(table) for table in script.reads],
        group_name=names.FINANCE,
        kinds={"broken"} if problem else {"sql", "duckdb"},
        owners=[team(header.owner)] if header.owner else [],
        description=f"Cannot be run. {problem}" if problem else header.description or header.title,
        metadata={"script": script.script.path.name, **({"fault": problem} if problem else {})},
        skippable=True,
    )
