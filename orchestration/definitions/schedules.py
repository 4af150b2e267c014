"""Schedules of the source systems: cron lines of ``source.yaml`` in the platform's time zone."""

from __future__ import annotations

import dagster as dg

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def source_schedule(job: dg.UnresolvedAssetJobDefinition, cron: str, timezone: str) -> dg.ScheduleDefinition:
    """Return the running schedule of one job, with the job's description; it skips a tick while the job has not ended.

    Without the skip, an hourly load that takes three hours would leave two more in the queue.
    """

    def launch_unless_busy(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        busy = unfinished_run(context.instance, job.name)
        if busy:
            return dg.SkipReason(f"{job.name} has not ended yet: run {busy}.")
        return dg.RunRequest()

    return dg.ScheduleDefinition(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone=timezone,
        execution_fn=launch_unless_busy,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=job.description,
    )


def unfinished_run(instance: dg.DagsterInstance, job_name: str) -> str | None:
    """Return the id of a queued or running run of a job, if there is one."""
    runs = instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=UNFINISHED), limit=1)
    return runs[0].run_id if runs else None
