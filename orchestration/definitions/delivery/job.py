"""The job that takes in what is new and delivers until nothing is due."""

# No deferred annotations here: Dagster reads the type of `context`.
import dagster as dg

from orchestration.definitions.alerting import crash_subject, tell
from orchestration.definitions.outcome import Fault, may_retry, raise_for
from orchestration.failures import StrataError

JOB, OP = "deliver", "deliver_due"
SUBJECT = "deliveries"
TAG = "strata/deliveries"
"""Of a run: what it did in one line, so that the list of runs tells it."""
MAX_RUNTIME_SECONDS = 4 * 60 * 60


@dg.op(name=OP)
def deliver_what_is_due(context: dg.OpExecutionContext) -> str:
    """Deliver, and tell Dagster what became of each table; returns what was done in one line."""
    from orchestration.definitions.delivery import telling  # noqa: PLC0415 - a location loads without SQLAlchemy
    from orchestration.delivery.worker import deliver_due  # noqa: PLC0415 - as above
    from orchestration.runtime import open_runtime  # noqa: PLC0415 - as above

    runtime = open_runtime()
    try:
        before = telling.told(telling.look(runtime)[1])
        text = deliver_due(runtime).text
        now, found = telling.look(runtime)
    except StrataError as error:
        faults = [Fault(SUBJECT, error.failure_class, str(error))]
        if not may_retry(faults, context.retry_number):
            tell(runtime, faults)
        raise_for(faults, context.retry_number)
        raise
    for event in telling.tellings(found, now, before, by_run=True):
        context.instance.report_runless_asset_event(event)
    context.instance.add_run_tags(context.run_id, {TAG: text})
    tell(runtime, well=[SUBJECT, crash_subject(JOB)])
    context.log.info(text)
    return text


@dg.job(
    name=JOB,
    executor_def=dg.in_process_executor,
    description="Takes in what was published and delivers it to those who registered, until nothing is due.",
    tags={"dagster/max_runtime": str(MAX_RUNTIME_SECONDS)},
)
def deliver() -> None:
    """Deliver what is due."""
    deliver_what_is_due()
