"""Sends alerts that could not be sent when they were written, and tells of runs that died without a word."""

# No deferred annotations here: Dagster reads the types of `context` and `config`.
import dagster as dg

from orchestration.definitions.alerting import crash_subject, tell, was_interrupted
from orchestration.definitions.outcome import Fault
from orchestration.failures import FailureClass
from orchestration.publication.status import read_status
from orchestration.runtime import open_runtime
from orchestration.settings import load_settings

JOB = "send_alerts"
PLATFORM = "platform"


class CrashConfig(dg.Config):
    """``job`` names a job whose run died; empty: only send what waits. ``reason`` is Dagster's word for it."""

    job: str = ""
    reason: str = ""


@dg.op
def send(context: dg.OpExecutionContext, config: CrashConfig) -> None:
    """Write the crash, if one is named, and send every alert that waits."""
    subject = crash_subject(config.job)
    crashes = [Fault(subject, FailureClass.PERMANENT, config.reason, PLATFORM)] if config.job else []
    if fault := tell(open_runtime(), crashes):
        context.log.warning("Alerts wait for the next attempt: %s", fault)


@dg.job(name=JOB, executor_def=dg.in_process_executor, tags={"dagster/max_runtime": "600"})
def send_alerts() -> None:
    """Send the alerts that wait."""
    send()


@dg.sensor(
    job=send_alerts,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests another attempt while alerts wait for a webhook or mail server that was down.",
)
def alert_delivery_sensor() -> dg.RunRequest | dg.SkipReason:
    """Request another attempt while alerts wait for a sink that was down."""
    settings, status = load_settings(), read_status(load_settings())
    if not (settings.alert_webhook_url or settings.alert_smtp_url):
        return dg.SkipReason("No sink is configured: set STRATA_ALERT_WEBHOOK_URL or STRATA_ALERT_SMTP_URL.")
    if status is None or not status.alerts_waiting:
        return dg.SkipReason("No alert waits.")
    return dg.RunRequest()


@dg.run_failure_sensor(
    monitor_all_code_locations=True,
    request_job=send_alerts,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests an alert for a run that was killed or broke unforeseen; its steps tell the rest themselves.",
)
def crash_sensor(context: dg.RunFailureSensorContext) -> dg.RunRequest | dg.SkipReason:
    """Request an alert for a run that was killed or broke unforeseen: a step that fails knowingly has written its own.

    Who ends a run by Ctrl-C knows of it, and what it did not do is done by the next one.
    It does nothing that can fail, because the sensor's cursor moves on either way.
    """
    events = context.get_step_failure_events()
    if context.dagster_run.job_name == JOB or (events and all(_is_told(event) for event in events)):
        return dg.SkipReason("The step that failed has told it.")
    if any(was_interrupted(event) for event in events):
        return dg.SkipReason("Somebody ended the run.")
    crash = {
        "job": context.dagster_run.job_name,
        "reason": f"{context.dagster_run.run_id}: {context.failure_event.message}",
    }
    return dg.RunRequest(run_config={"ops": {"send": {"config": crash}}})


def _is_told(event: dg.DagsterEvent) -> bool:
    """A load or build that fails knowingly raises a Failure; a gate tells of its own verdicts."""
    data = event.step_failure_data
    return data.user_failure_data is not None or bool(
        data.error and data.error.cls_name == "DagsterAssetCheckFailedError"
    )
