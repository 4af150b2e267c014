"""What Dagster shows of analysts' scripts before they run: their tables, code, owners and checks."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import dagster as dg

from orchestration import names
from orchestration.definitions.specs import asset_key, team
from orchestration.scripts.close.plan import Plan, PlannedScript


def table_specs(plan: Plan) -> list[dg.AssetSpec]:
    """Return one spec for each table of each script; a script that cannot be run shows why."""
    specs: dict[dg.AssetKey, dg.AssetSpec] = {}
    later = list(plan.scripts)
    for script in plan.scripts:
        ahead = {table for item in later for table in item.writes}  # scripts in a circle read what comes after them
        later.remove(script)
        specs |= {spec.key: spec for spec in _specs(script, [read for read in script.reads if read not in ahead])}
    return list(specs.values())


def check_specs(plan: Plan) -> list[dg.AssetCheckSpec]:
    """Return one blocking check for each SELECT beside a script, on the first table that the script builds."""
    specs = {
        (script.writes[0], check.name): dg.AssetCheckSpec(
            check.name, asset=asset_key(script.writes[0]), blocking=True, description=f"{check.title} ({script.name})"
        )
        for script in plan.scripts
        for check in script.checks
    }
    return list(specs.values())


def _specs(script: PlannedScript, reads: Sequence[names.Table]) -> Iterator[dg.AssetSpec]:
    header = script.script.header
    problem = "\n\n".join(str(problem) for problem in script.problems)
    for table in script.writes:
        yield dg.AssetSpec(
            asset_key(table),
            deps=[asset_key(read) for read in reads],
            group_name=names.FINANCE,
            kinds={"broken"} if problem else {"sql", "duckdb"},
            owners=[team(header.owner)] if header.owner else [],
            description=f"Cannot be run. {problem}" if problem else header.description or header.title,
            metadata={
                "script": script.name,
                "dagster/table_name": ".".join(table),
                "dagster/code_references": _code(script),
                **({"fault": problem} if problem else {}),
            },
            skippable=True,
        )


def _code(script: PlannedScript) -> dg.CodeReferencesMetadataValue:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # once a script, at every start
        place = dg.LocalFileCodeReference(file_path=str(script.script.path), line_number=1, label=script.name)
        return dg.CodeReferencesMetadataValue(code_references=[place])
