"""When the warehouse is built: after loads that changed something; financial gold once a day, after the daily loads.

Both read only the small status file that every load renames into place: they never open
the warehouse, and derive nothing from Dagster's event log. A request that is lost or
doubled does no harm, because the build itself asks the ledger what there is to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice

import dagster as dg

from orchestration.business_day import start_of_today
from orchestration.definitions.schedules import unfinished_run
from orchestration.definitions.transform.lineage import build_selection, downstream_models
from orchestration.definitions.transform.project import DbtProject
from orchestration.definitions.transform.steps import FINANCIAL_JOB, JOB
from orchestration.plans import has_financial, rule_for
from orchestration.publication.status import BuildStatus, Status, read_status
from orchestration.runtime import open_runtime
from orchestration.settings import Settings, load_settings
from orchestration.tenants import Plan

Waits = dict[str, list[str]]
"""The entities that a tenant's close waits for, by source."""

LAST_TICK_HOUR = 12
"""The deadline: from then on nobody waits for a daily load any more."""


def build_sensor(project: DbtProject, job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """Return the sensor that requests a build when a source changed and none is queued or running."""

    @dg.sensor(
        name="warehouse_build_sensor",
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a build of what is downstream of the sources that changed since the last one.",
    )
    def request_build(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        status = read_status(load_settings())
        sources = [s for s in changed_sources(status) if downstream_models(project, s)]
        if not sources:
            return dg.SkipReason("No source has changed since the last build.")
        if busy := unfinished_run(context.instance, JOB):
            return dg.SkipReason(f"Run {busy} builds already; what changed meanwhile joins the next build.")
        # No run_key: Dagster remembers it for ever, also after the run has failed.
        return dg.RunRequest(
            asset_selection=build_selection(project, sources), tags={"strata/sources": ",".join(sources)}
        )

    return request_build


def changed_sources(status: Status | None) -> list[str]:
    """Return the sources that the next build takes in; none while a failed build has seen all there is.

    A build that failed is not tried again until something new is loaded, and then takes in what it had failed on.
    One that was killed ("interrupted", or still "running" to who looks at once) is tried again.
    """
    if status is None:
        return []
    last = _build(status, "warehouse")
    has_news = last is None or any(seq > last.up_to_seq for seq in status.changed_seq.values())
    if last and last.status in ("succeeded", "failed") and not has_news:
        return []
    good = last.good_up_to_seq if last else 0
    return sorted(source for source, seq in status.changed_seq.items() if seq > good)


def financial_schedule(job: dg.UnresolvedAssetJobDefinition, settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule that asks every quarter of an hour, from 07:00 to noon, whether the day can be built."""

    def request_financial(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return decide_financial(context.instance, context.scheduled_execution_time)

    return dg.ScheduleDefinition(
        name=f"{FINANCIAL_JOB}_schedule",
        job=job,
        cron_schedule=["*/15 7-11 * * *", "0 12 * * *"],
        execution_timezone=settings.timezone,
        execution_fn=request_financial,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Builds financial gold once a day, after the daily loads and the build that follows them.",
    )


def decide_financial(instance: dg.DagsterInstance, now: datetime) -> dg.RunRequest | dg.SkipReason:
    """Say whether the day is closed now; at noon, a tenant whose daily load is missing is left out and told of.

    A close that was killed is tried again.
    """
    settings = load_settings()
    status, morning = read_status(settings), start_of_today(settings, now)
    if status is None:
        return dg.SkipReason("Nothing has been loaded yet.")
    done = _build(status, "financial")
    if done and done.started_at >= morning and done.status != "interrupted":
        return dg.SkipReason(f"Today's close was run {done.build_id}: {done.status}.")
    if busy := unfinished_run(instance, FINANCIAL_JOB) or unfinished_run(instance, JOB):
        return dg.SkipReason(f"Run {busy} has not ended yet.")
    if changed_sources(status):
        return dg.SkipReason("The warehouse has not been built since the last load.")
    return _for_ready_tenants(_missing(status, morning), is_last=now.hour >= LAST_TICK_HOUR)


def _for_ready_tenants(missing: Mapping[str, Waits], *, is_last: bool) -> dg.RunRequest | dg.SkipReason:
    if not missing:
        return dg.SkipReason("No tenant's plan has financial gold.")
    late = {tenant: _in_words(waits) for tenant, waits in missing.items() if waits}
    if not late:
        return dg.RunRequest()
    if not is_last:
        text = "; ".join(f"{tenant} waits for {waits}" for tenant, waits in islice(late.items(), 20))
        return dg.SkipReason(f"Daily loads of today are missing. {text}.")
    config = {"ops": {"financial_scripts": {"config": {"left_out": late}}}}
    return dg.RunRequest(run_config=config, tags={"strata/left_out": ",".join(sorted(late))})


def _in_words(waits: Waits) -> str:
    """Name the sources, and some of the entities: ``salesforce (account, lead) and product (invoice)``."""
    return " and ".join(
        f"{source} ({', '.join(entities[:5])}{f' and {len(entities) - 5} more' if len(entities) > 5 else ''})"
        for source, entities in waits.items()
    )


def _missing(status: Status, morning: datetime) -> dict[str, Waits]:
    """Return, for each tenant that has financial gold, what no daily load of today brought up to date.

    Nobody waits for a source whose daily loads the tenant's plan switches off.
    """
    runtime = open_runtime()
    done = {
        (item.tenant, item.source, item.connection, item.entity)
        for item in status.entities
        if item.daily_at and item.daily_at >= morning
    }
    missing: dict[str, Waits] = {name: {} for name, tenant in runtime.tenants.items() if has_financial(tenant)}
    for name, waits in missing.items():
        plan = runtime.tenants[name].plan
        for connection in runtime.tenants[name].connections:
            source, instance = connection.source, connection.instance
            for entity in runtime.sources[source].contracts if _is_daily(plan, source) else ():
                if (name, source, instance, entity) not in done:
                    waits.setdefault(source, []).append(entity)
    return missing


def _is_daily(plan: Plan, source: str) -> bool:
    return plan.allows("daily") and rule_for(plan, source, "daily") not in (False, "never", [])


def _build(status: Status, kind: str) -> BuildStatus | None:
    return next((build for build in status.builds if build.kind == kind), None)
