"""Puts the warehouse's code location together."""

from __future__ import annotations

from typing import get_args

import dagster as dg

from orchestration import names
from orchestration.definitions.transform import broken
from orchestration.definitions.transform.alert_delivery import alert_delivery_sensor, crash_sensor, send_alerts
from orchestration.definitions.transform.finance import finance_assets, financial_plan
from orchestration.definitions.transform.gates import gate_checks, judged_tables
from orchestration.definitions.transform.lineage import FAULTY_PROJECT, models
from orchestration.definitions.transform.models import dbt_layers
from orchestration.definitions.transform.project import DbtProject, read_project
from orchestration.definitions.transform.publish import publication_assets
from orchestration.definitions.transform.steps import FINANCIAL_JOB, JOB
from orchestration.definitions.transform.translator import model_translator
from orchestration.definitions.transform.triggers import build_sensor, financial_schedule
from orchestration.quality.expectations import Gate
from orchestration.settings import Settings, load_settings

MAX_RUNTIME_SECONDS = 4 * 60 * 60


def warehouse_definitions() -> dg.Definitions:
    """Return the location's definitions from the dbt project and the scripts as they are now."""
    settings = load_settings()
    project = read_project(settings)
    plan = financial_plan(settings)
    build = _build_assets(project, settings)
    finance = [finance_assets(plan, project)] if plan.scripts else []
    jobs = [_job(JOB, build, "Builds what is downstream of the sources that changed, and publishes it.")]
    schedules = []
    if finance:
        jobs.append(_job(FINANCIAL_JOB, finance, "Builds financial gold for every tenant and publishes it."))
        schedules.append(financial_schedule(jobs[1], settings))
    return dg.Definitions(
        assets=[*build, *finance],
        asset_checks=_gates(project, settings),
        jobs=[*jobs, send_alerts],
        schedules=schedules,
        sensors=[build_sensor(project, jobs[0]), alert_delivery_sensor, crash_sensor],
        executor=dg.in_process_executor,
        metadata={
            "dbt project": project.fingerprint,
            **({"fault: dbt project": project.fault} if project.fault else {}),
        },
    )


def _build_assets(project: DbtProject, settings: Settings) -> list[dg.AssetsDefinition]:
    assets = list(dbt_layers(project, model_translator(settings)).values())
    if gold := models(project, names.GOLD):
        assets.append(publication_assets(project, gold))
    if project.fault:
        assets.append(broken.asset(*FAULTY_PROJECT, project.fault))
    return assets


def _gates(project: DbtProject, settings: Settings) -> list[dg.AssetChecksDefinition]:
    tables = {gate: [t for t in judged_tables(settings, gate) if t in models(project, gate)] for gate in get_args(Gate)}
    return [gate_checks(project, gate, found) for gate, found in tables.items() if found]


def _job(name: str, assets: list[dg.AssetsDefinition], description: str) -> dg.UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets),
        description=description,
        executor_def=dg.in_process_executor,
        tags={"dagster/max_runtime": str(MAX_RUNTIME_SECONDS), "dagster/retry_on_asset_or_op_failure": "false"},
    )
