"""The gates after silver and gold as asset checks: each shows its table's verdict, and blocks what comes after."""

# No deferred annotations here: Dagster reads the type of `context`.
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from orchestration import names
from orchestration.definitions.specs import asset_key
from orchestration.definitions.transform.project import DbtProject
from orchestration.definitions.transform.steps import POOL, open_step
from orchestration.failures import StrataError
from orchestration.quality.expectations import Gate, read_expectations, rules_path
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.quality.verdicts import Verdict

CHECK = "gate"


def judged_tables(settings: Settings, gate: Gate) -> list[names.Table]:
    """Return the tables that the gate has rules for; none when they cannot be read, which the step behind it says."""
    try:
        return sorted({rule.table for rule in read_expectations(rules_path(settings.dbt_dir, gate))})
    except StrataError:
        return []


def gate_checks(project: DbtProject, gate: Gate, tables: Sequence[names.Table]) -> dg.AssetChecksDefinition:
    """Return one check for each table that the gate judges, run together after the layer is built."""
    specs = [
        dg.AssetCheckSpec(
            CHECK,
            asset=asset_key(table),
            blocking=True,
            description=f"Verdict of the {gate} gate on {'.'.join(table)}; the next step reads it from the warehouse.",
        )
        for table in tables
    ]

    @dg.multi_asset_check(name=f"{gate}_gate", specs=specs, can_subset=True, pool=POOL)
    def judge_tables(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from orchestration.quality.verdicts import judge  # noqa: PLC0415 - Great Expectations takes 4 s to import

        chosen = sorted((key.asset_key.path[0], key.asset_key.path[1]) for key in context.selected_asset_check_keys)
        with open_step(context, project, f"{gate} gate") as step:
            verdicts = judge(step.runtime, gate, step.build_id, chosen)
            for table in chosen:
                yield _result(table, [verdict for verdict in verdicts if verdict.table_name == ".".join(table)])
            if closed := [verdict.sentence for verdict in verdicts if verdict.blocks]:
                step.finish(f"The {gate} gate is closed: {'; '.join(closed)}")
            else:
                step.finish_after(gate)

    return judge_tables


def _result(table: names.Table, verdicts: Sequence["Verdict"]) -> dg.AssetCheckResult:
    failed = [verdict for verdict in verdicts if not verdict.passed]
    blocked = any(verdict.blocks for verdict in failed)
    return dg.AssetCheckResult(
        check_name=CHECK,
        asset_key=asset_key(table),
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if blocked else dg.AssetCheckSeverity.WARN,
        description="; ".join(verdict.sentence for verdict in failed) or f"{len(verdicts)} rules hold.",
        metadata={"rules": len(verdicts), "failed rules": len(failed)},
    )
